//! What dropped bits do to pictures that no calibration image is like.
//!
//! Bits are dropped as far as the labels of the images that choose allow, and those have lively
//! values in every layer. A picture of two flat colours has some layers in which all values are
//! small: dropped bits can swallow them whole, and with them the label, while every range holds. So a
//! choice is held against drawn pictures of that kind as well, as far as they stay within the ranges.

use rayon::prelude::*;
use tacita_image_input::encode;
use tacita_protocol::plan::{InputSpec, Plan, Shape, class_of};

use crate::draw::extreme;
use crate::error::Result;
use crate::float::Evaluator;
use crate::network::Network;
use crate::simulate::{Rounding, Simulator};

/// What rounding may take of any lead, as a part of the largest logit of all images: a label that
/// leads by less is a tie.
const TIE: f64 = 0.01;
/// Pictures simulated before it is asked whether to go on.
const CHUNK: usize = 64;

/// Pictures to draw, and what is asked of them.
pub(super) struct Draw {
    /// How many at most.
    pictures: usize,
    seed: u64,
    /// The part of its lead that a label may lose: what just holds here would fail on others.
    lost: f64,
}

/// The pictures that choose.
pub(super) const CHOOSING: Draw = Draw { pictures: 512, seed: 0x6368, lost: 0.25 };
/// Those that confirm a choice.
pub(super) const CONFIRMING: Draw = Draw { pictures: 1024, seed: 0x636f, lost: 0.5 };

/// One picture in the float network.
struct Known {
    class: usize,
    /// By how much the class's logit leads.
    lead: f64,
}

/// Pictures and their labels in the float network.
pub(super) struct Extremes {
    draw: Draw,
    /// One entry a picture, which is drawn again when it is needed.
    known: Vec<Known>,
    shape: Shape,
    /// What a lead may lose at least.
    tie: f64,
}

impl Extremes {
    /// At most `images` pictures, where `largest` is the largest logit of the images; none for
    /// networks of arrays, and for those that label pixels.
    pub(super) fn new(
        network: &Network,
        input: &InputSpec,
        draw: Draw,
        (images, largest): (usize, f64),
    ) -> Result<Self> {
        let (shape, seed) = (network.input, draw.seed);
        let labels = input.pictures && network.map().is_none();
        // Not much more work than the images themselves.
        let count = if labels { draw.pictures.min(images) } else { 0 };
        let evaluator = Evaluator::new(network);
        let one = |i| -> Result<Known> {
            let mut trace = evaluator.trace_of(&extreme(shape, seed, i), input)?;
            let logits = trace.values.pop().unwrap_or_default();
            let logits: Vec<f64> = logits.into_iter().map(f64::from).collect();
            let class = class_of(&logits);
            Ok(Known { class, lead: lead(&logits, class) })
        };
        let known = (0..count as u64).into_par_iter().map(one).collect::<Result<_>>()?;
        Ok(Self { draw, known, shape, tie: TIE * largest })
    }

    /// Whether no picture that stays within the ranges loses too much of its label's lead: more than
    /// the part allowed, and more than rounding takes of a tie.
    pub(super) fn keep(&self, plan: &Plan, seed: u64) -> Result<bool> {
        let simulator = Simulator::new(plan);
        let unit = f64::from(plan.public.logit_frac()).exp2();
        let keeps = |(i, known): (u64, &Known)| -> Result<bool> {
            let picture = extreme(self.shape, self.draw.seed, i);
            let outcome =
                simulator.run(&encode(&picture, &plan.public)?, Rounding::Shares(seed), i);
            let logits: Vec<f64> = outcome.logits.iter().map(|x| *x as f64 / unit).collect();
            let lost = known.lead - lead(&logits, known.class);
            Ok(!outcome.in_range() || lost <= self.tie.max(self.draw.lost * known.lead))
        };
        let numbered: Vec<(u64, &Known)> = (0..).zip(&self.known).collect();
        for chunk in numbered.chunks(CHUNK) {
            let kept: Vec<bool> = chunk.par_iter().copied().map(keeps).collect::<Result<_>>()?;
            if !kept.into_iter().all(|k| k) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The logit of a class less the largest of the others.
fn lead(logits: &[f64], class: usize) -> f64 {
    if let [one] = logits {
        return if class == 1 { *one } else { -one };
    }
    let others = logits.iter().enumerate().filter(|(i, _)| *i != class);
    let best = others.fold(f64::NEG_INFINITY, |m, (_, x)| m.max(*x));
    logits.get(class).map_or(0.0, |own| own - best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_are_of_the_class_asked_for() {
        let logits = [1.0, -4.0, 3.0];
        assert_eq!([0, 1, 2].map(|c| lead(&logits, c)), [-2.0, -7.0, 2.0]);
        assert_eq!([0, 1].map(|c| lead(&[0.5], c)), [-0.5, 0.5]);
        assert_eq!(lead(&[], 0), 0.0);
    }
}
