//! Accuracy of a network on labelled images.

use crate::Result;
use crate::batch::Normaliser;
use crate::data::{Images, Normalise};
use crate::net::{Mode, Net};

/// Images evaluated at once.
const BATCH: usize = 250;

/// Share of `images` whose largest logit is at their label, in [0, 1]; 0 without images.
///
/// # Errors
/// libtorch refuses an operation.
pub fn accuracy(net: &Net, images: &Images, normalise: &Normalise) -> Result<f64> {
    accuracy_at(net, net.widths.len() - 1, images, normalise)
}

/// The same for width `index` of an ordered network.
///
/// # Errors
/// libtorch refuses an operation.
pub fn accuracy_at(net: &Net, index: usize, images: &Images, normalise: &Normalise) -> Result<f64> {
    let normaliser = Normaliser::new(normalise);
    let order: Vec<usize> = (0..images.len()).collect();
    let _guard = tch::no_grad_guard();
    let mut right = 0;
    for indices in order.chunks(BATCH) {
        let batch = normaliser.plain(images, indices)?.to_device(net.store.device());
        let guess = net.forward_at(index, &batch.images, Mode::Eval)?.logits.f_argmax(1, false)?;
        let hits = guess.f_eq_tensor(&batch.labels)?.f_sum(tch::Kind::Int64)?;
        right += hits.f_int64_value(&[])?;
    }
    Ok(right as f64 / images.len().max(1) as f64)
}
