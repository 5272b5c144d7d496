//! The training loop that all phases share.

use crate::batch::{Augment, Batch, Normaliser};
use crate::data::{Images, Normalise};
use crate::progress::Progress;
use crate::rng::Rng;
use crate::{Error, Result};
use tch::Tensor;
use tch::nn::{self, Optimizer, OptimizerConfig};

/// Momentum of stochastic gradient descent.
const MOMENTUM: f64 = 0.9;
/// Weight decay of every trained variable.
const WEIGHT_DECAY: f64 = 5e-4;

/// Learning rate over a phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// The same at every step.
    Constant(f64),
    /// Linear from a tenth of the peak over the first fifth, then down a half cosine to 0:
    /// reaches in a few epochs what decay by steps takes hundreds for.
    OneCycle(f64),
}

impl Schedule {
    /// Share of the steps that the rate rises.
    const WARM_UP: f64 = 0.2;

    /// The rate at `done`, the share of all steps that lie behind, in [0, 1].
    pub fn at(self, done: f64) -> f64 {
        match self {
            Self::Constant(rate) => rate,
            Self::OneCycle(peak) if done < Self::WARM_UP => {
                peak * (0.1 + 0.9 * done / Self::WARM_UP)
            }
            Self::OneCycle(peak) => {
                let fall = (done - Self::WARM_UP) / (1.0 - Self::WARM_UP);
                peak * 0.5 * (1.0 + (std::f64::consts::PI * fall).cos())
            }
        }
    }
}

/// Trains one network on one set of images for a number of epochs.
#[derive(Debug)]
pub struct Trainer<'a> {
    phase: &'static str,
    images: &'a Images,
    batch: usize,
    epochs: usize,
    schedule: Schedule,
    optimizer: Optimizer,
    normaliser: Normaliser,
    rng: Rng,
    epoch: usize,
}

/// What a phase trains on and how long.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Passes over the training images.
    pub epochs: usize,
    /// Images in a mini-batch.
    pub batch: usize,
    /// Learning rate.
    pub schedule: Schedule,
    /// Seed of data order and augmentation.
    pub seed: u64,
}

impl<'a> Trainer<'a> {
    /// A trainer for the variables of `vars`.
    ///
    /// # Errors
    /// A batch does not fit into the images, or libtorch refuses the optimiser.
    pub fn new(
        phase: &'static str,
        vars: &nn::VarStore,
        images: &'a Images,
        plan: Plan,
    ) -> Result<Self> {
        if plan.batch == 0 || plan.batch > images.len() {
            let problem = "is 0 or more than the training images";
            return Err(Error::BadSetting { setting: "--batch", problem });
        }
        let sgd = nn::Sgd { momentum: MOMENTUM, dampening: 0.0, wd: WEIGHT_DECAY, nesterov: true };
        Ok(Self {
            phase,
            images,
            batch: plan.batch,
            epochs: plan.epochs,
            schedule: plan.schedule,
            optimizer: sgd.build(vars, plan.schedule.at(0.0))?,
            normaliser: Normaliser::new(&Normalise::cifar10()),
            rng: Rng::new(plan.seed, phase),
            epoch: 0,
        })
    }

    /// Runs one epoch in a fresh random order and gives the mean loss. A last batch that is
    /// not full is left out, so that every step weighs the same.
    ///
    /// # Errors
    /// `loss` fails, or libtorch refuses an operation.
    pub fn epoch(&mut self, mut loss: impl FnMut(&Batch) -> Result<Tensor>) -> Result<f64> {
        let mut order: Vec<usize> = (0..self.images.len()).collect();
        self.rng.shuffle(&mut order);
        let steps = order.len() / self.batch;
        let total = (steps * self.epochs) as f64;
        let mut progress = Progress::new(self.phase, self.epoch + 1, steps * self.batch);
        for (step, indices) in order.chunks_exact(self.batch).enumerate() {
            self.optimizer.set_lr(self.schedule.at((self.epoch * steps + step) as f64 / total));
            let augment = Augment::default();
            let batch = self.normaliser.augmented(self.images, indices, &mut self.rng, augment)?;
            let loss = loss(&batch)?;
            self.optimizer.zero_grad();
            loss.f_backward()?;
            self.optimizer.step();
            progress.step(indices.len(), loss.f_double_value(&[])?);
        }
        self.epoch += 1;
        progress.finish();
        Ok(progress.mean_loss())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cycle_rises_then_falls_to_zero() {
        let s = Schedule::OneCycle(0.2);
        assert!((s.at(0.0) - 0.02).abs() < 1e-12);
        assert!((s.at(0.2) - 0.2).abs() < 1e-12);
        assert!(s.at(1.0).abs() < 1e-12);
        assert!(s.at(0.5) > s.at(0.7));
        assert_eq!(Schedule::Constant(0.05).at(0.9), 0.05);
    }
}
