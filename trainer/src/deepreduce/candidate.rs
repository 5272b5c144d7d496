//! Training of a network with dropped ReLUs: from random weights, under fixed masks, guided
//! by a network that has all its ReLUs.
//!
//! The guide is the network before reshaping: it is the more accurate one, and the loss
//! compares logits alone, so that maps may differ in size.

use crate::Result;
use crate::loss::Weights;
use crate::masks::MaskSet;
use crate::net::Net;
use crate::pipeline::{Done, Run, Training};
use crate::senet::finetune::Distill;
use serde_json::json;

/// Hinton's distillation as DeepReDuce weights it.
pub const WEIGHTS: Weights =
    Weights { labels: 0.1, teacher: 0.9, temperature: 4.0, attention: 0.0 };

/// Trains the run's network under `masks` as stage `name`, guided by `teacher` (which may be
/// of another shape).
///
/// # Errors
/// As [`Run::train`]; or the masks do not fit the network.
pub fn train(
    run: &Run<'_>,
    name: &str,
    masks: &MaskSet,
    teacher: &Net,
    training: Training,
) -> Result<(Net, Done)> {
    let mut net = run.random_net(&[1.0])?;
    net.set_masks(masks)?;
    let settings = json!({"loss": WEIGHTS, "teacher": teacher.hash()?,
                          "masks": masks.hash(net.layers())});
    let mut method = Distill { teacher, weights: WEIGHTS };
    let done = run.train(name, &mut net, training, settings, &mut method)?;
    Ok((net, done))
}
