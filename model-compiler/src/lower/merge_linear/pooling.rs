//! Averages of convolutions.

use tacita_protocol::plan::{ConvShape, MAX_WEIGHTS, MAX_WINDOW, Padding, Shape};

use super::{Merged, warn_of_uncounted};
use crate::lower::rewrite::readers;
use crate::network::{FloatOp, FloatTerm, Layer, Network, Window};

/// Largest window that is written into weights: they shrink by its area, and with them their
/// precision.
const MAX_AREA: usize = 16;

/// The convolutions that make `from`, each followed by the average, as single convolutions with a
/// larger kernel and stride.
///
/// A convolution's response and its multiplications grow with its output, which the average
/// makes smaller: taken only where that is so, and the larger kernel does not use it up.
pub(super) fn composed(window: &Window, from: &Layer, out: Shape) -> Option<Merged> {
    if window.pad != Padding::NONE || window.area() > MAX_AREA || out.len() >= from.shape.len() {
        return None;
    }
    let terms = from.terms.iter().map(|term| {
        let FloatOp::Conv { shape, weights } = &term.op else { return None };
        let joint = joint_shape(shape, window)?;
        let op = FloatOp::Conv { shape: joint, weights: averaged(shape, weights, &joint, window) };
        Some(FloatTerm { op, ..*term })
    });
    Some(Merged { terms: terms.collect::<Option<_>>()?, bias: from.bias.clone() })
}

fn joint_shape(s: &ConvShape, w: &Window) -> Option<ConvShape> {
    let joint = ConvShape {
        kernel_h: s.kernel_h + (w.kernel_h - 1) * s.stride,
        kernel_w: s.kernel_w + (w.kernel_w - 1) * s.stride,
        stride: s.stride * w.stride,
        ..*s
    };
    let largest = joint.kernel_h.max(joint.kernel_w).max(joint.stride);
    let fits = largest <= MAX_WINDOW && joint.weights() <= MAX_WEIGHTS;
    (fits && joint.macs() <= s.macs()).then_some(joint)
}

/// Each filter's mean over the places of the window.
fn averaged(s: &ConvShape, weights: &[f32], joint: &ConvShape, w: &Window) -> Vec<f32> {
    let scale = 1.0 / w.area() as f32;
    let mut all = vec![0.0; joint.weights()];
    let planes = weights.chunks((s.kernel_h * s.kernel_w).max(1));
    for (own, plane) in planes.zip(all.chunks_mut((joint.kernel_h * joint.kernel_w).max(1))) {
        for place in 0..w.area() {
            let (top, left) = (place / w.kernel_w * s.stride, place % w.kernel_w * s.stride);
            for (k, weight) in own.iter().enumerate() {
                let at = (top + k / s.kernel_w) * joint.kernel_w + left + k % s.kernel_w;
                if let Some(sum) = plane.get_mut(at) {
                    *sum += weight * scale;
                }
            }
        }
    }
    all
}

/// A 1x1 convolution and then an average: the average first, which leaves the convolution fewer
/// places to work on. True if the layer `reader` had such a term.
pub(super) fn pool_first(network: &mut Network, reader: usize) -> bool {
    let counts = readers(&network.layers);
    let Some(layer) = network.layers.get(reader) else { return false };
    let found = layer.terms.iter().position(|term| {
        counts.get(term.input) == Some(&1) && swappable(&network.layers, term, layer.shape)
    });
    let Some(t) = found else { return false };
    exchange(&mut network.layers, reader, t).is_some_and(|pooled| {
        warn_of_uncounted(network, pooled);
        true
    })
}

fn swappable(layers: &[Layer], term: &FloatTerm, out: Shape) -> bool {
    let FloatOp::AvgPool(w) = &term.op else { return false };
    let Some(from) = layers.get(term.input).filter(|l| l.is_linear()) else { return false };
    let [FloatTerm { op: FloatOp::Conv { shape, .. }, .. }] = from.terms.as_slice() else {
        return false;
    };
    (shape.kernel_h, shape.kernel_w, shape.stride) == (1, 1, 1)
        && shape.pad == Padding::NONE
        && w.pad == Padding::NONE
        && out.len() < from.shape.len()
}

/// Lets term `t` of the layer `reader` and the layer that it reads change places.
fn exchange(layers: &mut [Layer], reader: usize, t: usize) -> Option<usize> {
    let (earlier, rest) = layers.split_at_mut(reader);
    let layer = rest.first_mut()?;
    let (shape, bias) = (layer.shape, &mut layer.bias);
    let term = layer.terms.get_mut(t)?;
    let FloatOp::AvgPool(window) = term.op else { return None };
    let inner = earlier.get_mut(term.input)?;
    let first = inner.terms.first_mut()?;
    let FloatOp::Conv { shape: conv, weights } = &mut first.op else { return None };
    let pooled = Shape { channels: conv.input.channels, ..shape };
    let conv = ConvShape { input: pooled, ..*conv };
    let weights = std::mem::take(weights);
    first.op = FloatOp::AvgPool(window);
    term.op = FloatOp::Conv { shape: conv, weights };
    bias.iter_mut().zip(&inner.bias).for_each(|(b, own)| *b += own);
    let linear = Layer::linear(inner.name.clone(), pooled, std::mem::take(&mut inner.terms));
    *inner = Layer { unmasked_relus: inner.unmasked_relus, ..linear };
    Some(term.input)
}
