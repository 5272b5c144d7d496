//! The all-ReLU network that guides mask search and fine-tuning (SENet's AR model).

use crate::data::Dataset;
use crate::eval::accuracy;
use crate::fit::{Plan, Trainer};
use crate::loss::cross_entropy;
use crate::net::Net;
use crate::{Result, checkpoint};
use std::path::Path;

/// Share of the label's probability that is spread over the other classes.
const SMOOTHING: f64 = 0.0;

/// Trains `net` on labels alone; `file` and `net` end up with the epoch that does best on
/// the validation images.
///
/// # Errors
/// libtorch refuses an operation, or the checkpoint cannot be written.
pub fn train(net: &mut Net, data: &Dataset, plan: Plan, file: &Path) -> Result<f64> {
    let mut trainer = Trainer::new("teacher", &net.vars, &data.train, plan)?;
    let mut best = checkpoint::Best::new(file);
    for epoch in 1..=plan.epochs {
        let loss = trainer.epoch(|batch| {
            let out = net.forward(&batch.images, true)?;
            cross_entropy(&out.logits, &batch.labels, SMOOTHING)
        })?;
        let validation = accuracy(net, &data.validation)?;
        tracing::info!(phase = "teacher", epoch, loss, validation, "epoch done");
        best.offer(net, validation)?;
    }
    best.restore(net)
}
