//! Groups that a matrix product would not serve: few outputs, or a single output pixel.

use std::ops::Range;

use tacita_protocol::plan::ConvShape;

use super::Scalar;

/// Independent partial sums of a dot product, so that vector instructions can add them.
const LANES: usize = 16;

/// Output coordinates whose tap `k` reads inside the input.
pub(super) fn valid(
    k: usize,
    pad: usize,
    stride: usize,
    input: usize,
    output: usize,
) -> Range<usize> {
    let first = pad.saturating_sub(k).div_ceil(stride);
    let end = (input + pad).saturating_sub(k).div_ceil(stride).min(output);
    first..end.max(first)
}

/// Fully connected: one dot product an output.
pub(super) fn dense<T: Scalar>(w: &[T], a: &[T], z: &mut [T]) {
    for (z, w) in z.iter_mut().zip(w.chunks_exact(a.len().max(1))) {
        *z += dot(w, a);
    }
}

fn dot<T: Scalar>(w: &[T], a: &[T]) -> T {
    let mut lanes = [T::default(); LANES];
    let (w, w_rest) = w.as_chunks::<LANES>();
    let (a, a_rest) = a.as_chunks::<LANES>();
    for (w, a) in w.iter().zip(a) {
        for ((sum, w), a) in lanes.iter_mut().zip(w).zip(a) {
            *sum += *w * *a;
        }
    }
    let mut sum = T::default();
    lanes.into_iter().for_each(|x| sum += x);
    w_rest.iter().zip(a_rest).for_each(|(w, a)| sum += *w * *a);
    sum
}

/// One row-times-scalar addition per tap and row.
pub(super) fn group<T: Scalar>(s: &ConvShape, w: &[T], a: &[T], z: &mut [T]) {
    let out = s.output();
    let taps = s.kernel_h * s.kernel_w;
    for (z, w) in z.chunks_mut(out.height * out.width).zip(w.chunks(s.group_inputs() * taps)) {
        for (a, w) in a.chunks(s.input.height * s.input.width).zip(w.chunks(taps)) {
            plane(s, w, a, z);
        }
    }
}

/// One input channel's share of one output channel.
fn plane<T: Scalar>(s: &ConvShape, taps: &[T], a: &[T], z: &mut [T]) {
    let out = s.output();
    for (k, &w) in taps.iter().enumerate().filter(|(_, w)| **w != T::default()) {
        let (ky, kx) = (k / s.kernel_w, k % s.kernel_w);
        let columns = valid(kx, s.pad.left, s.stride, s.input.width, out.width);
        if columns.is_empty() {
            continue;
        }
        for y in valid(ky, s.pad.top, s.stride, s.input.height, out.height) {
            let row = (y * s.stride + ky - s.pad.top) * s.input.width;
            let from = row + columns.start * s.stride + kx - s.pad.left;
            let to = y * out.width;
            let target = z.get_mut(to + columns.start..to + columns.end);
            let (Some(z), Some(a)) = (target, a.get(from..)) else { continue };
            if s.stride == 1 {
                z.iter_mut().zip(a).for_each(|(z, a)| *z += w * *a);
            } else {
                z.iter_mut().zip(a.iter().step_by(s.stride)).for_each(|(z, a)| *z += w * *a);
            }
        }
    }
}
