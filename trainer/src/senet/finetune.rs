//! Stage 3 of SENet: train all weights with the masks frozen, guided by the teacher.
//!
//! A short schedule gains from a second, smaller cycle ("polish") that trusts the labels as
//! much as the teacher and no longer pulls at attention maps; it is ours, not the paper's.

use crate::Result;
use crate::batch::Batch;
use crate::fit::Method;
use crate::loss::{Weights, distill};
use crate::net::{Mode, Net};
use tch::Tensor;

/// Weights of the paper's code for CIFAR, with its stronger weight on the teacher.
pub const WEIGHTS: Weights =
    Weights { labels: 0.1, teacher: 0.9, temperature: 4.0, attention: 1000.0 };

/// Weights of the second cycle.
pub const POLISH: Weights = Weights { labels: 0.5, teacher: 0.5, temperature: 4.0, attention: 0.0 };

/// Training under frozen masks.
#[derive(Debug)]
pub struct Distill<'a> {
    /// The guide, in evaluation mode.
    pub teacher: &'a Net,
    /// Weights of the terms of the loss.
    pub weights: Weights,
}

impl Method for Distill<'_> {
    fn loss(&mut self, net: &Net, batch: &Batch) -> Result<Tensor> {
        let guide = tch::no_grad(|| self.teacher.forward(&batch.images, Mode::Eval))?;
        let out = net.forward(&batch.images, Mode::Train)?;
        distill(&out, &guide, &batch.labels, self.weights)
    }
}
