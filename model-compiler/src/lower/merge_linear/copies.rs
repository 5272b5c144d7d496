//! Merging across copies.

use tacita_protocol::plan::{ConvShape, CopyShape, Padding, Shape};

use super::Merged;
use crate::copying::{self, Composed};
use crate::network::{FloatOp, FloatTerm, Layer, Window};

/// A layer that only a sum reads, as it is: its terms join the sum.
pub(super) fn moved(c: &CopyShape, from: &Layer) -> Option<Merged> {
    let sign = if c.negative { -1.0 } else { 1.0 };
    let terms = from.terms.iter().map(|t| signed(t, c.negative)).collect::<Option<_>>()?;
    Some(Merged { terms, bias: from.bias.iter().map(|b| sign * b).collect() })
}

/// The term itself, or its negative. A plan's pooling cannot be subtracted.
fn signed(term: &FloatTerm, negative: bool) -> Option<FloatTerm> {
    let op = match &term.op {
        op if !negative => op.clone(),
        FloatOp::Conv { shape, weights } => {
            FloatOp::Conv { shape: *shape, weights: weights.iter().map(|w| -w).collect() }
        }
        FloatOp::Copy(c) => FloatOp::Copy(CopyShape { negative: !c.negative, ..*c }),
        FloatOp::AvgPool(_) | FloatOp::MaxPool(_) => return None,
    };
    Some(FloatTerm { op, ..*term })
}

/// A copy of a layer that is made of copies: copies of what that layer reads. Several for one only
/// if nothing else reads the layer.
pub(super) fn composed(
    layers: &[Layer],
    c: &CopyShape,
    from: &Layer,
    out: Shape,
    alone: bool,
) -> Option<Merged> {
    if from.terms.len() > 1 && !alone {
        return None;
    }
    let bias = copied_bias(c, from, out)?;
    let mut terms = Vec::new();
    for term in &from.terms {
        let FloatOp::Copy(first) = &term.op else { return None };
        let source = layers.get(term.input)?.shape;
        match copying::composed(first, c, [source, from.shape, out]) {
            Composed::One(copy) => {
                terms.push(FloatTerm { input: term.input, op: FloatOp::Copy(copy) });
            }
            Composed::Nothing => {}
            Composed::Several => return None,
        }
    }
    Some(Merged { terms, bias }).filter(|m| !m.terms.is_empty())
}

/// What the copied channels' constants add, if they add the same everywhere.
fn copied_bias(c: &CopyShape, from: &Layer, out: Shape) -> Option<Vec<f32>> {
    let inside = |axis: usize, size: usize, count: usize| {
        let last = ((count - 1) * c.stride[axis]).checked_add_signed(c.offset[axis]);
        let all = c.spread[axis] == 1 && c.at[axis] == 0;
        all && c.offset[axis] >= 0 && last.is_some_and(|last| last < size)
    };
    let everywhere =
        inside(0, from.shape.height, out.height) && inside(1, from.shape.width, out.width);
    let sign = if c.negative { -1.0 } else { 1.0 };
    let copied = from.bias.iter().skip(c.from).step_by(c.step).take(c.channels);
    if !everywhere && copied.clone().any(|b| *b != 0.0) {
        return None;
    }
    let mut bias = vec![0.0; out.channels];
    bias.iter_mut().skip(c.to).zip(copied).for_each(|(b, x)| *b = sign * x);
    Some(bias)
}

/// A convolution or an average of a layer that is a tensor, its negative, or one with zeros
/// around it: reads that tensor.
pub(super) fn read_through(
    layers: &[Layer],
    op: &FloatOp,
    from: &Layer,
    out: Shape,
) -> Option<Merged> {
    let [term] = from.terms.as_slice() else { return None };
    let FloatOp::Copy(c) = &term.op else { return None };
    let source = layers.get(term.input)?.shape;
    let pad = zeros_around(c, source, from.shape).filter(|_| from.is_unbiased())?;
    let sum = |a: Padding| Padding {
        top: a.top + pad.top,
        left: a.left + pad.left,
        bottom: a.bottom + pad.bottom,
        right: a.right + pad.right,
    };
    let fits = |pad: &Padding, height: usize, width: usize| {
        pad.top.max(pad.bottom) < height && pad.left.max(pad.right) < width
    };
    let op = match op {
        FloatOp::Conv { shape, weights } => {
            let shape = ConvShape { input: source, pad: sum(shape.pad), ..*shape };
            let sign = if c.negative { -1.0 } else { 1.0 };
            let weights = weights.iter().map(|w| sign * w).collect();
            fits(&shape.pad, shape.kernel_h, shape.kernel_w)
                .then_some(FloatOp::Conv { shape, weights })
        }
        FloatOp::AvgPool(w) if !c.negative => {
            let w = Window { pad: sum(w.pad), ..*w };
            fits(&w.pad, w.kernel_h, w.kernel_w).then_some(FloatOp::AvgPool(w))
        }
        _ => None,
    }?;
    let terms = vec![FloatTerm { op, input: term.input }];
    Some(Merged { terms, bias: vec![0.0; out.channels] })
}

/// The zeros that a copy puts around a whole tensor, if that is all it does.
fn zeros_around(c: &CopyShape, source: Shape, to: Shape) -> Option<Padding> {
    let whole = c.from == 0
        && c.to == 0
        && c.channels == source.channels
        && source.channels == to.channels
        && c.step == 1
        && (c.stride, c.spread, c.at) == ([1; 2], [1; 2], [0; 2]);
    let before = |axis: usize| usize::try_from(-c.offset[axis]).ok().filter(|_| whole);
    let (top, left) = (before(0)?, before(1)?);
    Some(Padding {
        top,
        left,
        bottom: to.height.checked_sub(source.height + top)?,
        right: to.width.checked_sub(source.width + left)?,
    })
}
