//! Many images at once.

use rayon::prelude::*;
use tacita_image_input::{Feed, encode};
use tacita_protocol::plan::decide;

use super::{LayerStats, Outcome, Rounding, Simulator};
use crate::error::{Error, Result};

/// The labels of many images, and what the layers saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Simulation {
    /// Index of the largest logit of each image; of maps, the class of every pixel, image after
    /// image.
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
        images: &[impl Feed + Sync],
        rounding: Rounding,
        done: &(dyn Fn() + Sync),
    ) -> Result<Simulation> {
        let all: Vec<usize> = (0..images.len()).collect();
        self.simulate_some(images, &all, rounding, done)
    }

    /// Like [`Self::simulate`], the images `which` alone, in that order; they draw from the same
    /// streams.
    ///
    /// # Errors
    /// As there.
    pub fn simulate_some(
        &self,
        images: &[impl Feed + Sync],
        which: &[usize],
        rounding: Rounding,
        done: &(dyn Fn() + Sync),
    ) -> Result<Simulation> {
        let one = |i: &usize| -> Result<Outcome> {
            let sample = images.get(*i).ok_or_else(|| Error::local("an image is missing"))?;
            let outcome = self.run(&encode(sample, &self.plan.public)?, rounding, *i as u64);
            done();
            Ok(outcome)
        };
        let outcomes = which.par_iter().map(one).collect::<Result<Vec<_>>>()?;
        let mut all = Simulation::default();
        all.layers.resize(self.plan.public.tensors.len(), LayerStats::default());
        for outcome in outcomes {
            match self.plan.public.map() {
                Some(shape) => all.classes.extend(decide(&outcome.logits, shape)),
                None => all.classes.push(self.plan.public.winner(&outcome.logits)?.class),
            }
            all.logits.push(outcome.logits);
            all.layers.iter_mut().zip(&outcome.layers).for_each(|(sum, one)| sum.add(one));
        }
        Ok(all)
    }
}

impl Simulation {
    /// Appends another part.
    pub(crate) fn extend(&mut self, other: Self) {
        self.classes.extend(other.classes);
        self.logits.extend(other.logits);
        self.layers.resize(other.layers.len(), LayerStats::default());
        self.layers.iter_mut().zip(&other.layers).for_each(|(sum, one)| sum.add(one));
    }
}
