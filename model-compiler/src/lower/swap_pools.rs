//! ReLU then max-pooling becomes max-pooling then ReLU.

use tacita_protocol::plan::Mask;

use super::Pass;
use super::rewrite::{plane, readers};
use crate::error::Result;
use crate::network::{FloatOp, Layer, Network};

pub(super) const PASS: Pass = Pass {
    name: "swap_pools",
    about: "moves ReLUs behind the max-pooling that alone reads them: one ReLU a window",
    run,
};

/// Exact since the (clipped) ReLU never falls: the largest of the rectified values is the
/// rectified largest. A mask that varies within a channel would pair different functions, and
/// stays.
fn run(network: &mut Network) -> Result<()> {
    let readers = readers(&network.layers);
    for pool in 1..network.layers.len().saturating_sub(1) {
        let Some(input) = pooled(network, pool) else { continue };
        if readers.get(input) == Some(&1) {
            swap(&mut network.layers, input, pool);
        }
    }
    Ok(())
}

/// The rectified layer that layer `pool` pools, if the two can change places and that saves ReLUs.
fn pooled(network: &Network, pool: usize) -> Option<usize> {
    let layer = network.layers.get(pool)?;
    let [term] = layer.terms.as_slice() else { return None };
    let from = network.layers.get(term.input)?;
    let pools = matches!(term.op, FloatOp::MaxPool(_));
    let plain = layer.is_unbiased() && layer.is_linear();
    let smaller = layer.shape.len() < from.shape.len();
    let relus = !from.is_linear() && channel_mask(from).is_some();
    (pools && plain && smaller && relus).then_some(term.input)
}

/// One bit a channel, if the mask is the same all over each channel.
fn channel_mask(layer: &Layer) -> Option<Vec<bool>> {
    let plane = plane(layer.shape);
    let channel = |c: usize| {
        let first = layer.mask.relu(c * plane);
        (c * plane..(c + 1) * plane).all(|i| layer.mask.relu(i) == first).then_some(first)
    };
    (0..layer.shape.channels).map(channel).collect()
}

fn swap(layers: &mut [Layer], input: usize, pool: usize) {
    let Some(from) = layers.get_mut(input) else { return };
    let Some(channels) = channel_mask(from) else { return };
    let cap = from.cap.take();
    from.mask = Mask::uniform(from.shape.len(), false);
    from.unmasked_relus = 0;
    let Some(to) = layers.get_mut(pool) else { return };
    let plane = plane(to.shape);
    to.mask = Mask::from_bits(channels.iter().flat_map(|relu| (0..plane).map(|_| *relu)));
    to.unmasked_relus = to.shape.len();
    to.cap = cap;
}
