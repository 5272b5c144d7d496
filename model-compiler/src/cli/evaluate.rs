//! `tacita-compile evaluate`.

use std::path::Path;

use serde::Serialize;
use tacita_compile::{Error, Result};
use tacita_image_input::{Pixels, Sample, is_npy, tensor};
use tacita_protocol::plan::{Plan, PublicPlan, Shape, clear, decide};

use super::args::Evaluate;
use super::load_plan;
use super::output::{Table, print, print_json};

/// The result for one image.
#[derive(Serialize)]
struct Evaluation {
    image: String,
    /// Of a list of logits.
    class: Option<usize>,
    label: String,
    /// In CHW order.
    logits: Vec<f64>,
}

pub fn run(args: &Evaluate, json: bool) -> Result<()> {
    let plan = load_plan(&args.plan)?;
    let each = args.images.iter().map(|path| evaluate(&plan, path, args.resize));
    let all = each.collect::<Result<Vec<_>>>()?;
    if json {
        return print_json(&all);
    }
    let mut table = Table::new(&["image", "label", "logits"]);
    for e in all {
        let logits: Vec<String> = e.logits.iter().map(|x| format!("{x:.3}")).collect();
        let logits = if e.class.is_some() { logits.join(" ") } else { "a map".into() };
        table.row(vec![e.image, e.label, logits]);
    }
    print(&table.render())
}

fn evaluate(plan: &Plan, path: &Path, resize: bool) -> Result<Evaluation> {
    let about = |e| Error::input(format!("`{}`: {e}", path.display()));
    let shape = plan.public.tensors.first().map(|t| t.shape);
    let shape = shape.ok_or_else(|| Error::input("the plan has no input"))?;
    let sample = match is_npy(path) {
        true => Sample::load(path)?,
        false => Pixels::load_for(path, shape, resize)?.into(),
    };
    let input = tensor(&plan.public, sample, resize).map_err(about)?;
    let mut tensors = clear::evaluate(plan, &input);
    let opened = tensors.last().map_or(&[][..], Vec::as_slice);
    let (class, label) = match plan.public.map() {
        Some(shape) => (None, pixels_of_classes(&plan.public, opened, shape)),
        None => {
            let class = plan.public.winner(opened)?.class;
            (Some(class), name(&plan.public, class))
        }
    };
    // In the clear all logits are known, whatever an inference would reveal.
    tensors.truncate(plan.public.logits_at() + 1);
    let scale = f64::from(plan.public.logit_frac()).exp2();
    let logits = tensors.pop().unwrap_or_default();
    let logits = logits.iter().map(|x| *x as f64 / scale).collect();
    Ok(Evaluation { image: path.display().to_string(), class, label, logits })
}

fn name(plan: &PublicPlan, class: usize) -> String {
    plan.labels.get(class).cloned().unwrap_or_else(|| class.to_string())
}

/// How many pixels of a map each class has.
fn pixels_of_classes(plan: &PublicPlan, opened: &[i64], shape: Shape) -> String {
    let classes = decide(opened, shape);
    let count = |class: usize| classes.iter().filter(|c| **c == class).count();
    let each = (0..shape.channels.max(2)).map(|c| format!("{} {}", count(c), name(plan, c)));
    each.collect::<Vec<_>>().join(", ")
}
