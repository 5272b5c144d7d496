//! What dropped bits do to pictures that no calibration image is like.
//!
//! Bits are dropped as far as the labels of the images that choose allow, and those have lively
//! values in every layer. A picture of two flat colours has some layers in which all values are
//! small: dropped bits can swallow them whole, and with them the label, while every range holds. So a
//! choice is held against drawn pictures of that kind as well, as far as they stay within the ranges.

use rayon::prelude::*;
use tacita_image_input::{Pixels, encode, normalise};
use tacita_protocol::plan::{InputSpec, Plan, class_of};

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

/// One picture in the float network.
struct Known {
    picture: Pixels,
    class: usize,
    /// By how much the class's logit leads.
    lead: f64,
}

/// Pictures and their labels in the float network.
pub(super) struct Extremes {
    pictures: Vec<Known>,
    /// What a lead may lose at least.
    tie: f64,
}

impl Extremes {
    /// So many pictures, where `largest` is the largest logit of the images; none for networks of arrays, and for those that label pixels.
    pub(super) fn new(
        network: &Network,
        input: &InputSpec,
        (count, seed): (usize, u64),
        largest: f64,
    ) -> Result<Self> {
        let tie = TIE * largest;
        if !input.pictures || network.map().is_some() {
            return Ok(Self { pictures: vec![], tie });
        }
        let evaluator = Evaluator::new(network);
        let one = |i| -> Result<Known> {
            let picture = extreme(network.input, seed, i);
            let real = normalise(&picture, network.input, input)?;
            let mut trace = evaluator.trace(&real.iter().map(|x| *x as f32).collect::<Vec<_>>());
            let logits = trace.values.pop().unwrap_or_default();
            let logits: Vec<f64> = logits.into_iter().map(f64::from).collect();
            let class = class_of(&logits);
            Ok(Known { picture, class, lead: lead(&logits, class) })
        };
        let pictures = (0..count as u64).into_par_iter().map(one).collect::<Result<_>>()?;
        Ok(Self { pictures, tie })
    }

    /// Whether no picture that stays within the ranges loses more than this part of its label's lead,
    /// or more than rounding takes of a tie.
    pub(super) fn keep(&self, plan: &Plan, part: f64, seed: u64) -> Result<bool> {
        let simulator = Simulator::new(plan);
        for (c, chunk) in self.pictures.chunks(CHUNK).enumerate() {
            let keeps = |(i, known): (usize, &Known)| -> Result<bool> {
                let input = encode(&known.picture, &plan.public)?;
                let stream = (c * CHUNK + i) as u64;
                let outcome = simulator.run(&input, Rounding::Shares(seed), stream);
                let left = outcome.layers.iter().any(|l| l.overflows > 0);
                let unit = f64::from(plan.public.logit_frac()).exp2();
                let logits: Vec<f64> = outcome.logits.iter().map(|x| *x as f64 / unit).collect();
                let lost = known.lead - lead(&logits, known.class);
                Ok(left || lost <= self.tie.max(part * known.lead))
            };
            let kept: Vec<bool> = chunk.par_iter().enumerate().map(keeps).collect::<Result<_>>()?;
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
