//! The training loop that all stages share.

use crate::batch::{Augment, Batch, Normaliser};
use crate::checkpoint::{Reached, Stage};
use crate::data::Dataset;
use crate::eval::accuracy;
use crate::net::Net;
use crate::optim::Sgd;
use crate::progress::Progress;
use crate::results::EpochRow;
use crate::rng::Rng;
use crate::scale::LossScale;
use crate::schedule::Schedule;
use crate::{Error, Result};
use std::collections::HashMap;
use std::time::Instant;
use tch::Tensor;

/// What a stage does with a mini-batch, and between epochs.
pub trait Method {
    /// The loss of a mini-batch in training.
    ///
    /// # Errors
    /// libtorch refuses an operation.
    fn loss(&mut self, net: &Net, batch: &Batch) -> Result<Tensor>;

    /// Called before the first epoch of a process, with tensors of [`Method::state`] if the
    /// stage goes on.
    ///
    /// # Errors
    /// The tensors do not fit.
    fn begin(&mut self, _net: &mut Net, _saved: &HashMap<String, Tensor>) -> Result<()> {
        Ok(())
    }

    /// Called after each step of the optimiser, also one that loss scaling skipped.
    ///
    /// # Errors
    /// libtorch refuses an operation.
    fn stepped(&mut self, _net: &Net) -> Result<()> {
        Ok(())
    }

    /// Called after the steps of an epoch, before the network is judged.
    ///
    /// # Errors
    /// libtorch refuses an operation.
    fn end(&mut self, _net: &mut Net, _sgd: &Sgd, _epoch: usize) -> Result<Turn> {
        Ok(Turn::default())
    }

    /// Accuracy on images by which epochs are chosen; for a network of one width that of it.
    ///
    /// # Errors
    /// libtorch refuses an operation.
    fn judge(&self, net: &Net, data: &Dataset, test: bool) -> Result<f64> {
        accuracy(net, if test { &data.test } else { &data.validation }, &data.normalise)
    }

    /// Whether the stage leaves the network as it is after the last epoch, rather than after
    /// the one that does best on the validation images.
    fn latest(&self) -> bool {
        false
    }

    /// Tensors to save with each epoch; their names start with `~`.
    fn state(&self) -> Vec<(String, Tensor)> {
        Vec::new()
    }
}

/// What a method found at the end of an epoch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turn {
    /// Distance between the masks before and after.
    pub distance: Option<f64>,
    /// Whether further epochs would be in vain.
    pub stop: bool,
}

/// How long and how fast a stage trains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Passes over the training images.
    pub epochs: usize,
    /// Images in a mini-batch.
    pub batch: usize,
    /// Learning rate.
    pub schedule: Schedule,
    /// Seed of data order and augmentation.
    pub seed: u64,
    /// Cropping and mirroring.
    pub augment: Augment,
    /// Whether to compute in half precision where that is safe, with scaled losses. For CUDA:
    /// on a CPU only the losses are scaled.
    pub mixed: bool,
}

/// Trains `net` by `method` and leaves it at the epoch that does best on the validation
/// images (the last one if the method says so); goes on where the stage was, and returns at
/// once if it is complete.
///
/// # Errors
/// libtorch refuses an operation, a file cannot be written, or training diverges.
pub fn train(
    stage: &mut Stage,
    net: &mut Net,
    data: &Dataset,
    plan: &Plan,
    method: &mut dyn Method,
) -> Result<Reached> {
    if let Some(reached) = stage.reached() {
        tracing::info!(stage = stage.name(), "complete, loaded from its checkpoint");
        stage.load_best(net)?;
        return Ok(reached);
    }
    if plan.batch == 0 || plan.batch > data.train.len() {
        let problem = "is 0 or more than the training images";
        return Err(Error::BadSetting { setting: "--batch", problem });
    }
    let mut sgd = Sgd::new(net);
    let (done, saved) = stage.restore(net, &mut sgd)?;
    if done > 0 {
        tracing::info!(stage = stage.name(), epoch = done, "going on after this epoch");
    }
    method.begin(net, &saved)?;
    let mut pass = Pass::new(stage.name(), data, plan, done);
    pass.scale = plan.mixed.then(|| LossScale::restore(&saved)).transpose()?;
    for epoch in done + 1..=plan.epochs {
        if stage.manifest.stopped {
            break;
        }
        let start = Instant::now();
        let loss = pass.epoch(epoch, net, &mut sgd, method)?;
        let turn = method.end(net, &sgd, epoch)?;
        let validation = method.judge(net, data, false)?;
        let (rate, seconds) = (plan.schedule.at(epoch, plan.epochs), start.elapsed().as_secs_f64());
        let (phase, distance) = (stage.name().to_owned(), turn.distance);
        let validation = Some(validation);
        let row = EpochRow { phase, epoch, loss, validation, rate, seconds, distance };
        tracing::info!(stage = stage.name(), epoch, loss, validation, distance, "epoch done");
        if method.latest() {
            stage.forget_best();
        }
        let extra = method.state().into_iter().chain(pass.scale.as_ref().map(LossScale::state));
        stage.commit(net, &sgd, extra.collect(), (&row, turn.stop))?;
    }
    pass.progress.finish();
    let validation = stage.load_best(net)?;
    let test = method.judge(net, data, true)?;
    let reached = Reached { validation, test };
    stage.finish(reached)?;
    tracing::info!(stage = stage.name(), validation, test, "stage done");
    Ok(reached)
}

/// Passes over the training images.
struct Pass<'a> {
    name: String,
    data: &'a Dataset,
    plan: &'a Plan,
    normaliser: Normaliser,
    progress: Progress,
    /// For half precision alone.
    scale: Option<LossScale>,
}

impl<'a> Pass<'a> {
    fn new(name: &str, data: &'a Dataset, plan: &'a Plan, done: usize) -> Self {
        let steps = data.train.len() / plan.batch;
        let progress = Progress::new(name, plan.epochs, steps * plan.batch, done);
        let (name, normaliser) = (name.to_owned(), Normaliser::new(&data.normalise));
        Self { name, data, plan, normaliser, progress, scale: None }
    }

    /// One pass in a fresh random order; gives the mean loss. A last batch that is not full is
    /// left out, so that every step weighs the same. Order and views depend on seed, stage
    /// and epoch alone, so that an epoch is the same after a restart.
    fn epoch(
        &mut self,
        epoch: usize,
        net: &mut Net,
        sgd: &mut Sgd,
        method: &mut dyn Method,
    ) -> Result<f64> {
        let (plan, images) = (self.plan, &self.data.train);
        let mut rng = Rng::new(plan.seed, &format!("{} epoch {epoch}", self.name));
        let mut order: Vec<usize> = (0..images.len()).collect();
        rng.shuffle(&mut order);
        let steps = (order.len() / plan.batch) as f64;
        self.progress.begin(epoch);
        for (step, indices) in order.chunks_exact(plan.batch).enumerate() {
            let batch = self.normaliser.augmented(images, indices, &mut rng, plan.augment)?;
            let batch = batch.to_device(net.store.device());
            let loss = tch::autocast(plan.mixed, || method.loss(net, &batch))?;
            let done = ((epoch - 1) as f64 + step as f64 / steps) / plan.epochs as f64;
            descend(&loss, sgd, plan.schedule.at_share(done), self.scale.as_mut())?;
            method.stepped(net)?;
            let loss = loss.f_double_value(&[])?;
            if !loss.is_finite() || self.scale.as_ref().is_some_and(LossScale::exhausted) {
                return Err(Error::Diverged { stage: self.name.clone(), epoch });
            }
            self.progress.step(indices.len(), loss);
        }
        Ok(self.progress.mean_loss())
    }
}

/// Runs the backward pass of a loss and takes a step at learning rate `rate`; with a loss
/// scale, no step if gradients overflow.
///
/// # Errors
/// libtorch refuses an operation.
pub fn descend(
    loss: &Tensor,
    sgd: &mut Sgd,
    rate: f64,
    scale: Option<&mut LossScale>,
) -> Result<()> {
    sgd.zero_grad();
    let Some(scale) = scale else {
        loss.f_backward()?;
        return sgd.step(rate);
    };
    scale.scaled(loss)?.f_backward()?;
    if scale.unscale(&sgd.gradients())? {
        sgd.step(rate)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
