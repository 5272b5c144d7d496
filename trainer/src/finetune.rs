//! Stage 3 of SENet: train all weights with the masks frozen, guided by the teacher.
//!
//! A short schedule gains from a second, smaller cycle ("polish") that trusts the labels as
//! much as the teacher and no longer pulls at attention maps; it is ours, not the paper's.

use crate::checkpoint::Phase;
use crate::data::Dataset;
use crate::eval::accuracy;
use crate::fit::{Plan, Trainer};
use crate::loss::{Weights, distill};
use crate::net::Net;
use crate::{Result, checkpoint};
use std::path::Path;

/// Weights of the paper's code for CIFAR, with its stronger weight on the teacher.
pub const WEIGHTS: Weights =
    Weights { labels: 0.1, teacher: 0.9, temperature: 4.0, attention: 1000.0 };

/// Weights of the second cycle.
pub const POLISH: Weights = Weights { labels: 0.5, teacher: 0.5, temperature: 4.0, attention: 0.0 };

/// Trains `net` under its masks; `file` and `net` end up with the epoch that does best on
/// the validation images. Gives that accuracy.
///
/// # Errors
/// libtorch refuses an operation, or the checkpoint cannot be written.
pub fn train(
    net: &mut Net,
    teacher: &Net,
    data: &Dataset,
    phase: (Phase, Weights),
    plan: Plan,
    file: &Path,
) -> Result<f64> {
    let (name, weights) = (phase.0.name(), phase.1);
    let mut trainer = Trainer::new(name, &net.vars, &data.train, plan)?;
    let mut best = checkpoint::Best::new(file);
    for epoch in 1..=plan.epochs {
        let loss = trainer.epoch(|batch| {
            let guide = tch::no_grad(|| teacher.forward(&batch.images, false))?;
            let out = net.forward(&batch.images, true)?;
            distill(&out, &guide, &batch.labels, weights)
        })?;
        let validation = accuracy(net, &data.validation)?;
        tracing::info!(phase = name, epoch, loss, validation, "epoch done");
        best.offer(net, validation)?;
    }
    best.restore(net)
}
