//! The clear fixed-point evaluator: the oracle of every test.
//!
//! Computes what the protocol approximates: the same integers, with truncation rounded to the
//! nearest integer (halves up). The protocol's local truncation gives the floor or one more, the
//! nearer one more often, so that its mean is exact: rounding is its likeliest result and has no
//! bias either. Lattice rounding adds a few units before truncation, of mean zero.

use super::Plan;
use super::graph::{CopyShape, Linear, PoolShape, TensorSpec};
use super::shape::{ConvShape, Shape};

/// Every activation tensor for one input (two's complement, `frac` fractional bits each).
/// `input` holds tensor 0. The plan is a validated one.
pub fn evaluate(plan: &Plan, input: &[i64]) -> Vec<Vec<i64>> {
    let mut values: Vec<Vec<i64>> = vec![input.to_vec()];
    for (j, spec) in plan.public.tensors.iter().enumerate().skip(1) {
        let mut z = accumulate(plan, j, spec, &values);
        activate(spec, &mut z);
        values.push(z);
    }
    values
}

fn accumulate(plan: &Plan, j: usize, spec: &TensorSpec, values: &[Vec<i64>]) -> Vec<i64> {
    let mut z = vec![0i64; spec.shape.len()];
    let Some(secret) = plan.secret.tensors.get(j) else { return z };
    let plane = spec.shape.height * spec.shape.width;
    for (out, b) in z.chunks_mut(plane).zip(&secret.bias) {
        out.fill(*b);
    }
    for (term, weights) in spec.terms.iter().zip(&secret.weights) {
        let (Some(a), Some(from)) = (values.get(term.input), plan.public.tensors.get(term.input))
        else {
            continue;
        };
        match &term.op {
            Linear::Conv(shape) => conv(shape, weights, a, &mut z),
            Linear::Copy(c) => copy(c, (from.shape, a), (spec.shape, &mut z)),
            Linear::AvgPool(pool) => avg_pool(pool, from.shape, a, &mut z),
        }
    }
    z
}

fn activate(spec: &TensorSpec, z: &mut [i64]) {
    let half = (1 << spec.truncate) >> 1;
    for (i, x) in z.iter_mut().enumerate() {
        *x = x.wrapping_add(half) >> spec.truncate;
        if spec.mask.relu(i) {
            *x = (*x).max(0);
        }
    }
}

/// Direct convolution, added to `z`.
#[expect(clippy::indexing_slicing, reason = "shapes were validated; this is the plain oracle")]
fn conv(s: &ConvShape, weights: &[i32], a: &[i64], z: &mut [i64]) {
    let (input, out) = (s.input, s.output());
    for (oi, w) in weights.iter().enumerate().filter(|(_, w)| **w != 0) {
        let (kx, rest) = (oi % s.kernel_w, oi / s.kernel_w);
        let (ky, rest) = (rest % s.kernel_h, rest / s.kernel_h);
        let (ch, o) = (rest % s.group_inputs(), rest / s.group_inputs());
        let ch = o / s.group_outputs() * s.group_inputs() + ch;
        let columns = valid_range(kx, s.pad.left, s.stride, input.width, out.width);
        if columns.is_empty() {
            // It may then lie behind the last output.
            continue;
        }
        for y in valid_range(ky, s.pad.top, s.stride, input.height, out.height) {
            let row = (ch * input.height + y * s.stride + ky - s.pad.top) * input.width;
            let at = (o * out.height + y) * out.width;
            let target = &mut z[at + columns.start..at + columns.end];
            let source = &a[row + columns.start * s.stride + kx - s.pad.left..];
            add_row(i64::from(*w), (source, s.stride), (target, 1));
        }
    }
}

/// `target += w * source`, taking every `stride`-th of the source to every `spread`-th of the
/// target.
///
/// Wraps, as the shares' ring does: only sums that stay within 64 bits mean anything (the compiler
/// refuses others), and partial sums may leave them.
fn add_row(w: i64, (source, stride): (&[i64], usize), (target, spread): (&mut [i64], usize)) {
    let add = |(z, a): (&mut i64, &i64)| *z = z.wrapping_add(w.wrapping_mul(*a));
    // The same loop thrice: where steps are known to be one, vector instructions serve.
    match (stride, spread) {
        (1, 1) => target.iter_mut().zip(source).for_each(add),
        (_, 1) => target.iter_mut().zip(source.iter().step_by(stride)).for_each(add),
        _ => target.iter_mut().step_by(spread).zip(source.iter().step_by(stride)).for_each(add),
    }
}

/// Output coordinates whose tap `k` reads inside the input.
pub(crate) fn valid_range(
    k: usize,
    pad: usize,
    stride: usize,
    input: usize,
    output: usize,
) -> std::ops::Range<usize> {
    let first = pad.saturating_sub(k).div_ceil(stride);
    let end = (input + pad).saturating_sub(k).div_ceil(stride).min(output);
    first..end.max(first)
}

/// `z += ± (a << shift)` where the copy reads and writes.
pub(crate) fn copy(c: &CopyShape, (from, a): (Shape, &[i64]), (to, z): (Shape, &mut [i64])) {
    let factor = if c.negative { -1i64 } else { 1 } << c.shift;
    c.for_each_run(from, to, |first, at, count| {
        let source = a.get(first..).unwrap_or_default();
        let end = at + (count - 1) * c.spread[1] + 1;
        let target = z.get_mut(at..end).unwrap_or_default();
        add_row(factor, (source, c.stride[1]), (target, c.spread[1]));
    });
}

fn avg_pool(p: &PoolShape, input: Shape, a: &[i64], z: &mut [i64]) {
    p.for_each_row(input, |out, row| {
        let sum: i64 = a.get(row).unwrap_or_default().iter().sum();
        if let Some(z) = z.get_mut(out) {
            *z += sum * i64::from(p.multiplier);
        }
    });
}
