//! A 1x1 convolution after convolutions.

use tacita_protocol::plan::{ConvShape, MAX_WEIGHTS, Padding};

use super::Merged;
use crate::network::{FloatOp, FloatTerm, Layer};

/// The convolutions that make `from`, each followed by the given 1x1 one, as single convolutions.
/// Only if that takes no more multiplications: the narrow middle of a bottleneck stays.
pub(super) fn composed(shape: &ConvShape, weights: &[f32], from: &Layer) -> Option<Merged> {
    let pointwise = (shape.kernel_h, shape.kernel_w, shape.stride) == (1, 1, 1);
    if !pointwise || shape.pad != Padding::NONE {
        return None;
    }
    let depthwise = shape.groups == shape.input.channels && shape.groups == shape.out_channels;
    let mut terms = Vec::new();
    let (mut before, mut after) = (shape.macs(), 0usize);
    for term in &from.terms {
        let FloatOp::Conv { shape: first, weights: own } = &term.op else { return None };
        let op = if depthwise {
            let mut op = term.op.clone();
            op.scale_channels(&weights.iter().map(|w| f64::from(*w)).collect::<Vec<_>>());
            op
        } else {
            let joint = ConvShape { out_channels: shape.out_channels, groups: 1, ..*first };
            before = before.saturating_add(first.macs());
            after = after.saturating_add(joint.macs());
            if shape.groups != 1 || after > before || joint.weights() > MAX_WEIGHTS {
                return None;
            }
            FloatOp::Conv { shape: joint, weights: product(weights, first, own, &joint) }
        };
        terms.push(FloatTerm { op, ..*term });
    }
    Some(Merged { terms, bias: mixed(shape, weights, &from.bias) })
}

/// Weights of `first`, its own weights, followed by a mixture of its output channels.
fn product(mix: &[f32], first: &ConvShape, own: &[f32], joint: &ConvShape) -> Vec<f32> {
    let area = first.kernel_h * first.kernel_w;
    let block = first.group_inputs() * area;
    let row = joint.weights() / joint.out_channels.max(1);
    let mut all = Vec::with_capacity(joint.weights());
    for mix in mix.chunks(first.out_channels.max(1)) {
        let mut sum = vec![0.0f64; row];
        for (middle, (factor, filter)) in mix.iter().zip(own.chunks(block.max(1))).enumerate() {
            // The inputs of a group are a block of the joint filter.
            let at = middle / first.group_outputs().max(1) * block;
            let place = sum.get_mut(at..at + block).unwrap_or_default();
            for (s, w) in place.iter_mut().zip(filter) {
                *s += f64::from(*factor) * f64::from(*w);
            }
        }
        all.extend(sum.into_iter().map(|s| s as f32));
    }
    all
}

/// What a 1x1 convolution makes of a constant for each channel.
fn mixed(shape: &ConvShape, weights: &[f32], bias: &[f32]) -> Vec<f32> {
    let rows = weights.chunks(shape.group_inputs().max(1)).enumerate();
    let sums = rows.map(|(o, row)| {
        let first = o / shape.group_outputs().max(1) * shape.group_inputs();
        let own = bias.iter().skip(first);
        row.iter().zip(own).map(|(w, b)| f64::from(*w) * f64::from(*b)).sum::<f64>() as f32
    });
    sums.collect()
}
