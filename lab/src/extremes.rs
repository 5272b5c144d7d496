//! Images made to leave a plan's value ranges: how many do, and what becomes of their labels.

use std::path::PathBuf;

use clap::Args;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::json;
use tacita_bench::clear::Clear;
use tacita_cli::{json_line, line};
use tacita_compile::{Error as Refused, Rounding, Simulator, splitmix};
use tacita_image_input::{Pixels, encode};
use tacita_protocol::plan::{Plan, Shape, class_of};
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
    /// The float network's largest logit less its second, over the largest size of a logit.
    margin: f64,
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
        let pixels = draw(input, options.seed, i);
        let float = clear.float(&pixels)?;
        let outcome = simulator.run(&encode(&pixels, &clear.plan.public)?, rounding, i);
        Ok(Fate {
            left: outcome.layers.iter().any(|l| l.overflows > 0),
            wrong: clear.plan.public.winner(&outcome.logits)?.class != class_of(&float),
            margin: margin(&float),
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
    let closest = inside.fold(0.0, f64::max);
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
         have another label than the float network's (margin at most {:.2} % of the largest logit); \
         {left} leave a range, {wrong_outside} of these have another label",
        plan.public.name,
        fates.len(),
        fates.len() - left,
        headroom.map_or_else(|| "unknown".into(), |h| format!("{h:.1} bits")),
        100.0 * closest,
    ))
}

/// By how much the largest logit wins.
fn margin(logits: &[f64]) -> f64 {
    let largest = logits.iter().fold(0.0f64, |a, x| a.max(x.abs()));
    let mut sorted = logits.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let by = match sorted.as_slice() {
        [x] => x.abs(),
        [first, second, ..] => first - second,
        [] => 0.0,
    };
    by / largest.max(f64::MIN_POSITIVE)
}

/// Black, white, then checkerboards, stripes and noise of two saturated colours by turns.
fn draw(shape: Shape, seed: u64, number: u64) -> Pixels {
    let mut state = seed.wrapping_mul(1 << 32).wrapping_add(number);
    let mut next = |n: u64| splitmix(&mut state) % n.max(1);
    let colour = |bits: u64| [0, 1, 2].map(|c| if bits >> c & 1 == 1 { 255u8 } else { 0 });
    let first = next(8);
    let colours = match number {
        0 => [colour(0); 2],
        1 => [colour(7); 2],
        _ => [colour(first), colour((first + 1 + next(7)) % 8)],
    };
    let (rows, columns, share) = (1 + next(8), 1 + next(8), 1 + next(99));
    let mut rgb = Vec::with_capacity(3 * shape.height * shape.width);
    for y in 0..shape.height as u64 {
        for x in 0..shape.width as u64 {
            let second = match number % 4 {
                0 => (y / rows + x / columns) % 2 == 1,
                1 => x / columns % 2 == 1,
                2 => y / rows % 2 == 1,
                _ => next(100) < share,
            };
            rgb.extend(if second { colours[1] } else { colours[0] });
        }
    }
    Pixels { width: shape.width, height: shape.height, rgb }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_saturated_and_differ() {
        let shape = Shape::new(3, 12, 10);
        let images: Vec<_> = (0..40).map(|i| draw(shape, 1, i).rgb).collect();
        assert!(images.iter().flatten().all(|x| [0, 255].contains(x)));
        assert!(images[0].iter().all(|x| *x == 0) && images[1].iter().all(|x| *x == 255));
        let different: std::collections::HashSet<_> = images.iter().collect();
        assert!(different.len() > 36, "{}", different.len());
    }

    #[test]
    fn margins_are_relative() {
        assert!((margin(&[1.0, -4.0, 3.0]) - 0.5).abs() < 1e-12);
        assert!((margin(&[-2.0]) - 1.0).abs() < 1e-12);
        assert_eq!(margin(&[]), 0.0);
    }
}
