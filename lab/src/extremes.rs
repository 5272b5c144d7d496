//! Images made to leave a plan's value ranges: how many do, and what becomes of their labels.

use std::path::PathBuf;

use clap::Args;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::json;
use tacita_bench::clear::Clear;
use tacita_cli::{json_line, line};
use tacita_compile::{Error as Refused, Rounding, Simulator, extreme};
use tacita_image_input::encode;
use tacita_protocol::plan::{Plan, class_of};
use tacita_protocol::{Error, Result};

/// Options of `extremes`.
#[derive(Args)]
pub struct Options {
    /// The model (ONNX)
    model: PathBuf,
    /// The plan made from it
    plan: PathBuf,
    /// Images
    #[arg(short, long, default_value_t = 1000)]
    n: usize,
    /// Seed of the images and of the simulated shares
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
}

/// What became of one image.
#[derive(Clone, Copy, Debug, Serialize)]
struct Fate {
    /// Some comparison got a value outside of its range.
    left: bool,
    /// The label is another than the float network's.
    wrong: bool,
    /// The float network's largest logit less its second.
    margin: f64,
    /// The largest size of a logit there.
    largest: f64,
}

/// Runs the images in the clear, rounded as the protocol rounds, and reports.
///
/// # Errors
/// If a file is unusable.
pub fn run(options: &Options) -> Result<()> {
    let clear = Clear::load(&options.model, &options.plan)?;
    let input = clear.plan.public.tensors.first().map(|t| t.shape);
    let input = input.ok_or_else(|| Error::input("the plan has no input"))?;
    let simulator = Simulator::new(&clear.plan);
    let rounding = Rounding::Shares(options.seed);
    let each = (0..options.n as u64).into_par_iter().map(|i| {
        let pixels = extreme(input, options.seed, i);
        let float = clear.float(&pixels)?;
        let outcome = simulator.run(&encode(&pixels, &clear.plan.public)?, rounding, i);
        Ok(Fate {
            left: !outcome.in_range(),
            wrong: clear.plan.public.winner(&outcome.logits)?.class != class_of(&float),
            margin: margin(&float),
            largest: largest(&float),
        })
    });
    report(options, &clear.plan, &each.collect::<Result<Vec<_>>>()?)
}

fn report(options: &Options, plan: &Plan, fates: &[Fate]) -> Result<()> {
    let count = |of: &dyn Fn(&Fate) -> bool| fates.iter().filter(|f| of(f)).count();
    let left = count(&|f| f.left);
    let wrong_inside = count(&|f| !f.left && f.wrong);
    let wrong_outside = count(&|f| f.left && f.wrong);
    let inside = fates.iter().filter(|f| !f.left && f.wrong).map(|f| f.margin);
    let scale = fates.iter().map(|f| f.largest).fold(f64::MIN_POSITIVE, f64::max);
    let closest = inside.fold(0.0, f64::max) / scale;
    let headroom = tacita_compile::Record::of(plan)
        .map_err(|e: Refused| Error::input(e.to_string()))?
        .map(|record| record.headroom);
    if options.json {
        return json_line(&json!({
            "figure": "extremes", "network": plan.public.name, "images": fates.len(), "left": left,
            "wrong_inside": wrong_inside, "wrong_outside": wrong_outside,
            "largest_margin_of_wrong_inside": closest, "headroom": headroom,
        }));
    }
    line(&format!(
        "{}: {} images of two colours; {} stay in all ranges (headroom {}), {wrong_inside} of these \
         have another label than the float network's (they lead by at most {:.2} % of the largest \
         logit of all); {left} leave a range, {wrong_outside} of these have another label",
        plan.public.name,
        fates.len(),
        fates.len() - left,
        headroom.map_or_else(|| "unknown".into(), |h| format!("{h:.1} bits")),
        100.0 * closest,
    ))
}

fn largest(logits: &[f64]) -> f64 {
    logits.iter().fold(0.0, |a, x| a.max(x.abs()))
}

/// By how much the largest logit wins.
fn margin(logits: &[f64]) -> f64 {
    let mut sorted = logits.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    match sorted.as_slice() {
        [x] => x.abs(),
        [first, second, ..] => first - second,
        [] => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_over_the_next() {
        assert!((margin(&[1.0, -4.0, 3.0]) - 2.0).abs() < 1e-12);
        assert!((margin(&[-2.0]) - 2.0).abs() < 1e-12);
        assert_eq!((margin(&[]), largest(&[1.0, -4.0])), (0.0, 4.0));
    }
}
