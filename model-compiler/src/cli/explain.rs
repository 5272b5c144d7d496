//! `tacita-compile explain`.

use std::collections::HashMap;

use serde::Serialize;
use tacita_compile::lower::PASSES;
use tacita_compile::masks::{self, Edits, MaskFile};
use tacita_compile::{Error, FloatOp, FloatTerm, Layer, Network, Result, Window, load, read_model};
use tacita_protocol::plan::{CopyShape, Padding, Reveals};

use super::args::{Explain, Masks};
use super::output::{Table, print, print_json};

/// The network after one step.
#[derive(Serialize)]
struct Stage {
    pass: String,
    about: String,
    layers: Vec<Line>,
    totals: Totals,
}

/// One layer.
#[derive(Serialize)]
struct Line {
    index: usize,
    name: String,
    shape: [usize; 3],
    terms: Vec<String>,
    relus: usize,
    unmasked_relus: usize,
    cap: Option<f32>,
    /// Made or changed by this step.
    changed: bool,
}

#[derive(Clone, Serialize)]
struct Totals {
    layers: usize,
    /// Tensors with comparisons: round trips.
    rounds: usize,
    /// Positions with a ReLU; once lowered, the plan's comparisons.
    relus: usize,
    unmasked_relus: usize,
    /// Multiplications of the convolutions.
    macs: usize,
}

#[derive(Serialize)]
struct Explanation<'a> {
    name: &'a str,
    /// What the client learns: logits or top1.
    reveals: &'static str,
    stages: &'a [Stage],
    warnings: &'a [String],
}

impl Masks {
    /// Reads the file, if one is given.
    pub fn edits(&self) -> Result<Edits> {
        let file = self.file.as_deref().map(MaskFile::read).transpose()?;
        Ok(Edits { file, cull: self.cull.clone(), keep_all: self.keep_all })
    }
}

pub fn run(args: &Explain, json: bool) -> Result<()> {
    let names = || std::iter::once("import").chain(PASSES.iter().map(|p| p.name));
    if let Some(pass) = args.pass.as_deref().filter(|pass| !names().any(|n| n == *pass)) {
        let known = names().collect::<Vec<_>>().join(", ");
        return Err(Error::input(format!("no step is called `{pass}`: there are {known}")));
    }
    let mut network = read_model(&load(&args.model)?)?;
    masks::apply(&mut network, &args.masks.edits()?)?;
    let (mut stages, lowered) = stages(&mut network);
    let totals: Vec<_> = stages.iter().map(|s| (s.pass.clone(), s.totals.clone())).collect();
    if let Some(pass) = &args.pass {
        stages.retain(|s| s.pass == *pass);
    }
    for warning in &network.warnings {
        tracing::warn!("{warning}");
    }
    // What was reached is shown even if a step then fails: it may show why.
    if json {
        let (reveals, warnings) = (reveals(&network).name(), &network.warnings);
        let explanation = Explanation { name: &network.name, reveals, stages: &stages, warnings };
        print_json(&explanation)?;
    } else {
        print(&(text(&stages, &totals, args.pass.is_some()) + &last_step(&network)))?;
    }
    lowered
}

fn reveals(network: &Network) -> Reveals {
    if network.top1 { Reveals::Top1 { classes: network.logits() } } else { Reveals::Logits }
}

/// What the compiler appends to the integers: an arg-max has no place in a float network.
fn last_step(network: &Network) -> String {
    let (reveals, classes) = (reveals(network), network.classes());
    match reveals {
        Reveals::Logits => String::new(),
        Reveals::Top1 { .. } => format!(
            "The plan will end in an arg-max of {classes} logits: {} comparisons in {} layers \
             more; the client learns {reveals}.\n",
            classes.saturating_sub(1),
            reveals.class_bits(),
        ),
    }
}

/// The network as read and after each step, until one fails.
fn stages(network: &mut Network) -> (Vec<Stage>, Result<()>) {
    let about = "the model as read: sums of operators, each with its masked ReLU";
    let mut stages = vec![stage("import", about, network, None)];
    for pass in PASSES {
        if let Err(e) = (pass.run)(network) {
            return (stages, Err(e));
        }
        let next = stage(pass.name, pass.about, network, stages.last());
        stages.push(next);
    }
    (stages, Ok(()))
}

fn stage(pass: &str, about: &str, network: &Network, before: Option<&Stage>) -> Stage {
    let mut layers: Vec<Line> =
        network.layers.iter().enumerate().map(|(i, l)| line(network, i, l)).collect();
    if let Some(before) = before {
        let mut old: HashMap<&str, Vec<&Line>> = HashMap::new();
        before.layers.iter().for_each(|l| old.entry(l.name.as_str()).or_default().push(l));
        for line in &mut layers {
            let same = old.get(line.name.as_str());
            line.changed = !same.is_some_and(|same| same.iter().any(|o| o.says_what(line)));
        }
    }
    let totals = Totals {
        layers: layers.len(),
        rounds: layers.iter().filter(|l| l.relus > 0).count(),
        relus: network.relus(),
        unmasked_relus: layers.iter().map(|l| l.unmasked_relus).sum(),
        macs: network.layers.iter().flat_map(|l| &l.terms).map(|t| macs(&t.op)).sum(),
    };
    Stage { pass: pass.into(), about: about.into(), layers, totals }
}

impl Line {
    /// True if only the place in the list may differ.
    fn says_what(&self, other: &Self) -> bool {
        self.shape == other.shape
            && self.terms == other.terms
            && (self.relus, self.unmasked_relus) == (other.relus, other.unmasked_relus)
            && self.cap == other.cap
    }
}

const fn macs(op: &FloatOp) -> usize {
    match op {
        FloatOp::Conv { shape, .. } => shape.macs(),
        FloatOp::Copy(_) | FloatOp::AvgPool(_) | FloatOp::MaxPool(_) => 0,
    }
}

fn line(network: &Network, index: usize, layer: &Layer) -> Line {
    let shape = layer.shape;
    let term = |t: &FloatTerm| {
        let from = network.layers.get(t.input);
        // Channel numbers are worth showing where not all are copied.
        let whole = from.is_some_and(|f| f.shape.channels == shape.channels);
        format!("{} ({})", what(&t.op, whole), from.map_or("", |l| l.name.as_str()))
    };
    Line {
        index,
        name: layer.name.clone(),
        shape: [shape.channels, shape.height, shape.width],
        terms: layer.terms.iter().map(term).collect(),
        relus: layer.mask.ones(),
        unmasked_relus: layer.unmasked_relus,
        cap: layer.cap,
        changed: false,
    }
}

fn what(op: &FloatOp, whole: bool) -> String {
    match op {
        FloatOp::Conv { shape: s, .. } => {
            let groups = if s.groups == 1 { String::new() } else { format!(" in {}", s.groups) };
            let w =
                Window { kernel_h: s.kernel_h, kernel_w: s.kernel_w, stride: s.stride, pad: s.pad };
            format!("conv {} {}>{}{groups}", window(&w), s.input.channels, s.out_channels)
        }
        FloatOp::Copy(c) => copy(c, whole),
        FloatOp::AvgPool(w) => format!("avgpool {}", window(w)),
        FloatOp::MaxPool(w) => format!("maxpool {}", window(w)),
    }
}

fn window(w: &Window) -> String {
    let stride = if w.stride == 1 { String::new() } else { format!("/{}", w.stride) };
    let Padding { top, left, bottom, right } = w.pad;
    let pad = match [top, left, bottom, right] {
        [0, 0, 0, 0] => String::new(),
        [t, l, b, r] if [t, l, b, r] == [t; 4] => format!(" pad {t}"),
        pad => format!(" pad {pad:?}"),
    };
    format!("{}x{}{stride}{pad}", w.kernel_h, w.kernel_w)
}

fn copy(c: &CopyShape, whole: bool) -> String {
    let sign = if c.negative { "minus " } else { "" };
    let mut text = format!("{sign}copy");
    if c.step != 1 {
        text.push_str(&format!(" {} channels", c.channels));
        text.push_str(&format!(", every {} from {}, to {}", c.step, c.from, c.to));
    } else if !whole || c.from != 0 || c.to != 0 {
        text.push_str(&format!(" channels {}..{} to {}", c.from, c.from + c.channels, c.to));
    }
    if c.stride != [1; 2] {
        text.push_str(&format!(" every {}x{}", c.stride[0], c.stride[1]));
    }
    if c.offset != [0; 2] {
        text.push_str(&format!(" from {},{}", c.offset[0], c.offset[1]));
    }
    if (c.spread, c.at) != ([1; 2], [0; 2]) {
        let ([rows, columns], [y, x]) = (c.spread, c.at);
        text.push_str(&format!(" to every {rows}x{columns} from {y},{x}"));
    }
    text
}

fn text(stages: &[Stage], totals: &[(String, Totals)], all: bool) -> String {
    let mut text = String::new();
    for (i, stage) in stages.iter().enumerate() {
        let added = stage.layers.iter().filter(|l| l.changed).count();
        let fewer =
            i > 0 && stages.get(i - 1).is_some_and(|b| b.layers.len() != stage.layers.len());
        text.push_str(&format!("{}: {}\n", stage.pass, stage.about));
        if all || i == 0 || added > 0 || fewer {
            text.push_str(&layers(stage));
        } else {
            text.push_str("nothing to do\n");
        }
        text.push('\n');
    }
    let mut table = Table::new(&["after", "layers", "with ReLUs", "ReLUs", "of", "MACs"]);
    for (pass, t) in totals {
        let numbers = [t.layers, t.rounds, t.relus, t.unmasked_relus, t.macs];
        let cells = std::iter::once(pass.clone()).chain(numbers.map(|n| n.to_string()));
        table.row(cells.collect());
    }
    text.push_str(&table.render());
    text.push_str(
        "Once lowered, ReLUs are the comparisons of an inference, those of max-pooling and of \
         caps included; each layer with ReLUs is a round trip.\n",
    );
    text
}

fn layers(stage: &Stage) -> String {
    let mut table = Table::new(&["", "#", "layer", "shape", "ReLUs", "cap", "terms"]);
    for l in &stage.layers {
        let [c, h, w] = l.shape;
        table.row(vec![
            if l.changed { "*".into() } else { String::new() },
            l.index.to_string(),
            l.name.clone(),
            format!("{c}x{h}x{w}"),
            format!("{}/{}", l.relus, l.unmasked_relus),
            l.cap.map_or_else(String::new, |c| c.to_string()),
            l.terms.join(" + "),
        ]);
    }
    table.render()
}
