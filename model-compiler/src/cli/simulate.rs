//! `tacita-compile simulate`.

use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;
use tacita_compile::calibration::{Calibration, Part};
use tacita_compile::simulate::{LayerStats, Simulation};
use tacita_compile::{Error, Evaluator, Result, Rounding, Share, Simulator, load};
use tacita_image_input::normalise;
use tacita_protocol::plan::Plan;

use super::args::{RoundingKind, Simulate};
use super::output::{Table, print, print_json};
use super::{fed, load_plan, progress};

#[derive(Serialize)]
struct Report {
    plan: String,
    source: String,
    images: usize,
    /// Labels compared: one an image, or one a pixel of a map.
    labels: usize,
    rounding: &'static str,
    seed: Option<u64>,
    /// Share of right labels, where they are known.
    accuracy: Option<f64>,
    /// The float network's.
    float_accuracy: Option<f64>,
    agreement_float: Option<f64>,
    agreement_nearest: Option<f64>,
    images_per_second: f64,
    overflows: u64,
    sign_mistakes: u64,
    /// Images by class (its label) and by the class that the plan finds.
    confusion: Option<Vec<Vec<usize>>>,
    /// Area under the ROC curve of two classes, where all logits are revealed.
    auc: Option<f64>,
    layers: Vec<Layer>,
    /// Each image, if asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    each: Vec<Each>,
}

/// One image.
#[derive(Serialize)]
struct Each {
    image: String,
    /// `None` of a map.
    class: Option<usize>,
    label: Option<String>,
    /// `None` if the plan reveals the largest alone.
    logits: Option<Vec<f64>>,
    probabilities: Option<Vec<f64>>,
    /// How many pixels of a map each class has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pixels: Option<Vec<usize>>,
}

#[derive(Serialize)]
struct Layer {
    name: String,
    magnitude: u32,
    dropped: u32,
    #[serde(flatten)]
    stats: LayerStats,
}

pub fn run(args: &Simulate, json: bool) -> Result<()> {
    let plan = load_plan(&args.plan)?;
    let shape = plan.public.tensors.first().map(|t| t.shape);
    let shape = shape.ok_or_else(|| Error::input("the plan has no input"))?;
    let data = Calibration::read(&args.data, Part::Test, shape, args.n, args.resize)?;
    let simulator = Simulator::new(&plan);
    let with = |rounding, what| {
        let bar = progress(data.images.len(), what);
        let start = Instant::now();
        let all = simulator.simulate(&data.images, rounding, &|| bar.inc(1));
        bar.finish_and_clear();
        all.map(|all| (all, start.elapsed().as_secs_f64()))
    };
    let (rounding, nearest) = match args.rounding {
        RoundingKind::Nearest => (Rounding::Nearest, None),
        RoundingKind::Shares => {
            (Rounding::Shares(args.seed), Some(with(Rounding::Nearest, "to the nearest")?.0))
        }
    };
    let (all, seconds) = with(rounding, "simulating")?;
    let float = float_classes(args, &plan, &data)?;
    let equal = |other: &[usize]| share(&all.classes, other);
    // The labels of images are not those of pixels.
    let known = if plan.public.map().is_some() { &[] } else { data.labels.as_slice() };
    let labelled = |classes: &[usize]| (!known.is_empty()).then(|| share(classes, known));
    let report = Report {
        plan: plan.public.name.clone(),
        source: data.source.clone(),
        images: data.images.len(),
        labels: all.classes.len(),
        rounding: if nearest.is_some() { "shares" } else { "nearest" },
        seed: nearest.as_ref().map(|_| args.seed),
        accuracy: labelled(&all.classes),
        float_accuracy: float.as_ref().and_then(|f| labelled(f)),
        agreement_float: float.as_ref().map(|f| equal(f)),
        agreement_nearest: nearest.as_ref().map(|n| equal(&n.classes)),
        images_per_second: data.images.len() as f64 / seconds.max(1e-9),
        overflows: all.layers.iter().map(|l| l.overflows).sum(),
        sign_mistakes: all.layers.iter().map(|l| l.sign_mistakes).sum(),
        confusion: confusion(known, &all.classes, plan.public.classes()),
        auc: auc(known, &all.logits),
        each: if args.each { each(&plan, &data, &all) } else { vec![] },
        layers: layers(&plan, all),
    };
    warn(&report);
    if json {
        print_json(&report)?
    } else {
        print(&text(&report))?
    }
    check(args, &report)
}

/// What a client would be told of each image.
fn each(plan: &Plan, data: &Calibration, all: &Simulation) -> Vec<Each> {
    let public = &plan.public;
    let scale = f64::from(public.logit_frac()).exp2();
    let answers = all.classes.len() / all.logits.len().max(1);
    let one = |(i, (classes, opened)): (usize, (&[usize], &Vec<i64>))| {
        let class = public.map().is_none().then(|| classes.first().copied()).flatten();
        let probabilities = public.probabilities(opened);
        let real = || opened.iter().map(|x| *x as f64 / scale).collect();
        Each {
            image: data.names.get(i).cloned().unwrap_or_else(|| i.to_string()),
            class,
            label: class.map(|c| public.labels.get(c).cloned().unwrap_or_else(|| c.to_string())),
            logits: probabilities.is_some().then(real),
            probabilities,
            pixels: public.map().map(|_| counts(classes, public.classes())),
        }
    };
    all.classes.chunks(answers.max(1)).zip(&all.logits).enumerate().map(one).collect()
}

fn counts(found: &[usize], classes: usize) -> Vec<usize> {
    (0..classes).map(|class| found.iter().filter(|c| **c == class).count()).collect()
}

fn each_text(each: &[Each]) -> String {
    let mut table = Table::new(&["image", "label", "logits"]);
    for e in each {
        let (label, values) = match (&e.label, &e.pixels) {
            (_, Some(pixels)) => ("a map".into(), format!("pixels of each class: {pixels:?}")),
            (label, None) => {
                let logits = e.logits.iter().flatten().map(|x| format!("{x:.3}"));
                (label.clone().unwrap_or_default(), logits.collect::<Vec<_>>().join(" "))
            }
        };
        table.row(vec![e.image.clone(), label, values]);
    }
    table.render() + "\n"
}

fn check(args: &Simulate, r: &Report) -> Result<()> {
    let (Some(least), Some(share)) = (args.check, r.agreement_float) else { return Ok(()) };
    let agreement = Share::new((share * r.labels as f64).round() as usize, r.labels);
    if agreement.high >= least / 100.0 {
        return Ok(());
    }
    Err(Error::input(format!(
        "{} of {} labels agree with the model's, at most {:.2} % of all images at 95 % confidence: \
         less than the {least} % asked for",
        agreement.hits,
        agreement.of,
        100.0 * agreement.high
    )))
}

/// A row a label, a column a class found.
fn confusion(labels: &[usize], found: &[usize], classes: usize) -> Option<Vec<Vec<usize>>> {
    let most = labels.iter().chain(found).max().filter(|_| !labels.is_empty())?;
    let n = classes.max(most + 1);
    let mut table = vec![vec![0; n]; n];
    for (label, class) in labels.iter().zip(found) {
        if let Some(cell) = table.get_mut(*label).and_then(|row| row.get_mut(*class)) {
            *cell += 1;
        }
    }
    Some(table)
}

/// How often an image of class 1 has the larger difference of logits (or the larger single logit)
/// than one of class 0; equal ones count half.
fn auc(labels: &[usize], logits: &[Vec<i64>]) -> Option<f64> {
    let of = |class: usize| {
        let own = labels.iter().zip(logits).filter(move |(l, _)| **l == class);
        own.map(|(_, z)| for_second(z)).collect::<Option<Vec<i64>>>()
    };
    let (zeros, mut ones) = (of(0)?, of(1)?);
    if zeros.is_empty() || ones.is_empty() {
        return None;
    }
    ones.sort_unstable();
    let pairs = (zeros.len() * ones.len()) as f64;
    let above = |z: &i64| {
        let (below, upto) = (ones.partition_point(|o| o < z), ones.partition_point(|o| o <= z));
        (ones.len() - upto) as f64 + 0.5 * (upto - below) as f64
    };
    Some(zeros.iter().map(above).sum::<f64>() / pairs)
}

/// By how much the logits of two classes speak for the second.
fn for_second(logits: &[i64]) -> Option<i64> {
    match logits {
        [x] => Some(*x),
        [first, second] => Some(second - first),
        _ => None,
    }
}

/// Share of equal entries.
fn share(a: &[usize], b: &[usize]) -> f64 {
    a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / a.len().max(1) as f64
}

fn float_classes(args: &Simulate, plan: &Plan, data: &Calibration) -> Result<Option<Vec<usize>>> {
    let Some(path) = &args.model else { return Ok(None) };
    let network = fed(load(path)?, &plan.public)?;
    let evaluator = Evaluator::new(&network);
    let bar = progress(data.images.len(), "float network");
    let one = |sample| -> Result<Vec<usize>> {
        let real = normalise(sample, network.input, &plan.public.input)?;
        bar.inc(1);
        let real: Vec<f32> = real.iter().map(|x| *x as f32).collect();
        Ok(network.decisions(&evaluator.evaluate(&real)))
    };
    let classes = data.images.par_iter().map(one).collect::<Result<Vec<_>>>()?;
    bar.finish_and_clear();
    Ok(Some(classes.concat()))
}

fn layers(plan: &Plan, all: Simulation) -> Vec<Layer> {
    let tensors = plan.public.tensors.iter().zip(all.layers);
    let layer = |(t, stats): (&tacita_protocol::plan::TensorSpec, _)| Layer {
        name: t.name.clone(),
        magnitude: t.magnitude,
        dropped: t.dropped,
        stats,
    };
    tensors.map(layer).collect()
}

fn warn(r: &Report) {
    for l in r.layers.iter().filter(|l| l.stats.overflows > 0) {
        tracing::warn!(
            "layer `{}`: {} comparisons of values of 2^{} and more, up to {}: the protocol gets \
             signs wrong there; calibrate on more images, or build with a larger --margin-bits",
            l.name,
            l.stats.overflows,
            l.magnitude,
            l.stats.peak
        );
    }
}

fn text(r: &Report) -> String {
    let mut table = Table::new(&[
        "layer",
        "largest |x|",
        "of 2^",
        "used",
        "ReLUs",
        "dropped",
        "wrong signs",
        "overflows",
    ]);
    for l in &r.layers {
        let used = l.stats.peak as f64 / f64::from(l.magnitude).exp2();
        let per_image = l.stats.relus / r.images.max(1) as u64;
        let wrong = 100.0 * l.stats.sign_mistakes as f64 / l.stats.relus.max(1) as f64;
        table.row(vec![
            l.name.clone(),
            l.stats.peak.to_string(),
            l.magnitude.to_string(),
            format!("{:.0} %", 100.0 * used),
            per_image.to_string(),
            l.dropped.to_string(),
            format!("{wrong:.3} %"),
            l.stats.overflows.to_string(),
        ]);
    }
    let each = if r.each.is_empty() { String::new() } else { each_text(&r.each) };
    let mut text = each + &table.render() + "\n";
    let mut line = |name: &str, value: String| text.push_str(&format!("{name:<20}{value}\n"));
    line("plan", r.plan.clone());
    line("images", format!("{} ({})", r.images, r.source));
    if r.labels != r.images {
        line("labels", format!("{}, one a pixel", r.labels));
    }
    line("rounding", r.seed.map_or("nearest".into(), |s| format!("shares, seed {s}")));
    let shares = [
        ("accuracy", r.accuracy),
        ("float accuracy", r.float_accuracy),
        ("agrees with float", r.agreement_float),
        ("agrees with nearest", r.agreement_nearest),
    ];
    for (name, share) in shares {
        if let Some(share) = share {
            line(name, format!("{:.2} %", 100.0 * share));
        }
    }
    if let Some(auc) = r.auc {
        line("area under the ROC", format!("{auc:.4}"));
    }
    line("images a second", format!("{:.1}", r.images_per_second));
    if let Some(table) = &r.confusion {
        text.push_str(&confusion_text(table));
    }
    text
}

/// Most classes whose table is printed.
const SHOWN: usize = 12;

fn confusion_text(table: &[Vec<usize>]) -> String {
    if table.len() > SHOWN {
        return String::new();
    }
    let names: Vec<String> = (0..table.len()).map(|c| c.to_string()).collect();
    let heads: Vec<&str> =
        std::iter::once("label \\ found").chain(names.iter().map(String::as_str)).collect();
    let mut rows = Table::new(&heads);
    for (name, row) in names.iter().zip(table) {
        rows.row(std::iter::once(name.clone()).chain(row.iter().map(usize::to_string)).collect());
    }
    format!("\n{}", rows.render())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_counts_ordered_pairs() {
        let logits = |d: &[i64]| d.iter().map(|d| vec![0, *d]).collect::<Vec<_>>();
        assert_eq!(auc(&[0, 0, 1, 1], &logits(&[1, 2, 3, 4])), Some(1.0));
        assert_eq!(auc(&[0, 1, 0, 1], &logits(&[1, 2, 3, 3])), Some(0.625));
        assert_eq!(auc(&[1, 1], &logits(&[1, 2])), None);
        assert_eq!(auc(&[], &logits(&[1, 2])), None);
        assert_eq!(auc(&[0, 1], &[vec![5], vec![6]]), Some(1.0));
        assert_eq!(auc(&[0, 1], &[vec![5; 3], vec![6; 3]]), None);
    }

    #[test]
    fn confusion_counts_by_label_and_class() {
        let table = confusion(&[0, 1, 1, 2], &[0, 1, 0, 2], 3).unwrap();
        assert_eq!(table, [[1, 0, 0], [1, 1, 0], [0, 0, 1]]);
        assert_eq!(confusion(&[], &[0], 2), None);
    }
}
