//! Many images at once.

use rayon::prelude::*;
use tacita_image_input::{Pixels, encode};

use super::{LayerStats, Outcome, Rounding, Simulator};
use crate::error::Result;

/// The labels of many images, and what the layers saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Simulation {
    /// Index of the largest logit of each image.
    pub classes: Vec<usize>,
    /// What is revealed of each image: the logits, at the output's fractional bits, or the value
    /// that names the largest.
    pub logits: Vec<Vec<i64>>,
    /// One entry a tensor.
    pub layers: Vec<LayerStats>,
}

impl Simulator<'_> {
    /// Runs every image, in parallel; image `i` draws from stream `i`. `done` is called after each.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if an image does not fit the plan.
    pub fn simulate(
        &self,
        images: &[Pixels],
        rounding: Rounding,
        done: &(dyn Fn() + Sync),
    ) -> Result<Simulation> {
        let one = |(i, pixels): (usize, &Pixels)| -> Result<Outcome> {
            let outcome = self.run(&encode(pixels, &self.plan.public)?, rounding, i as u64);
            done();
            Ok(outcome)
        };
        let outcomes = images.par_iter().enumerate().map(one).collect::<Result<Vec<_>>>()?;
        let mut all = Simulation::default();
        all.layers.resize(self.plan.public.tensors.len(), LayerStats::default());
        for outcome in outcomes {
            all.classes.push(self.plan.public.winner(&outcome.logits)?.class);
            all.logits.push(outcome.logits);
            all.layers.iter_mut().zip(&outcome.layers).for_each(|(sum, one)| sum.add(one));
        }
        Ok(all)
    }
}
