//! `tacita-compile accuracy`.

use rayon::prelude::*;
use serde::Serialize;
use tacita_compile::{Error, Result, Rounding, Simulator};
use tacita_image_input::{encode, read_cifar};

use super::args::Accuracy;
use super::output::{print, print_json};
use super::{load_plan, progress};

#[derive(Serialize)]
struct Outcome {
    images: usize,
    correct: usize,
    accuracy: f64,
}

pub fn run(args: &Accuracy, json: bool) -> Result<()> {
    let plan = load_plan(&args.plan)?;
    let mut data = read_cifar(&args.data)?;
    data.truncate(args.n.unwrap_or(usize::MAX));
    if data.is_empty() {
        return Err(Error::input("no images to evaluate"));
    }
    let bar = progress(data.len(), "evaluating");
    let simulator = Simulator::new(&plan);
    let right = |(label, pixels): &(u8, _)| {
        let label = usize::from(*label);
        let outcome = simulator.run(&encode(pixels, &plan.public)?, Rounding::Nearest, 0);
        bar.inc(1);
        Ok(plan.public.winner(&outcome.logits)?.class == label)
    };
    let verdicts = data.par_iter().map(right).collect::<Result<Vec<_>>>()?;
    bar.finish_and_clear();
    let (images, correct) = (verdicts.len(), verdicts.iter().filter(|r| **r).count());
    let accuracy = correct as f64 / images as f64;
    if json {
        return print_json(&Outcome { images, correct, accuracy });
    }
    print(&format!("{:.2} % ({correct} of {images})\n", 100.0 * accuracy))
}
