//! One group as a matrix product on gathered input values (im2col).

use std::ops::Range;

use tacita_protocol::plan::ConvShape;

use super::Scalar;
use super::direct::valid;

/// Most gathered values at a time: 256 or 512 KiB, about half of a core's cache.
const BLOCK: usize = 1 << 16;

/// `z += w * a` for one group's weights, input channels and output channels.
pub(super) fn group<T: Scalar>(s: &ConvShape, w: &[T], a: &[T], z: &mut [T]) {
    let out = s.output();
    let (plane, taps) = (out.height * out.width, s.group_inputs() * s.kernel_h * s.kernel_w);
    let rows = (BLOCK / (taps * out.width)).clamp(1, out.height);
    let mut gathered = vec![T::default(); taps * rows * out.width];
    for first in (0..out.height).step_by(rows) {
        let block = first..(first + rows).min(out.height);
        let n = block.len() * out.width;
        gather(s, a, block, &mut gathered);
        let Some(z) = z.get_mut(first * out.width..) else { return };
        T::product([s.group_outputs(), taps, n], w, (&gathered, n), (z, plane));
    }
}

/// For each tap, the input value that it meets at each pixel of the output rows `rows`.
fn gather<T: Scalar>(s: &ConvShape, a: &[T], rows: Range<usize>, gathered: &mut [T]) {
    let out = s.output();
    let taps = s.kernel_h * s.kernel_w;
    let channels = a.chunks(s.input.height * s.input.width);
    let targets = gathered.chunks_mut(taps * rows.len() * out.width);
    for (a, targets) in channels.zip(targets) {
        for (k, target) in targets.chunks_mut(rows.len() * out.width).enumerate() {
            tap(s, [k / s.kernel_w, k % s.kernel_w], a, rows.clone(), target);
        }
    }
}

/// One tap of one channel.
fn tap<T: Scalar>(
    s: &ConvShape,
    [ky, kx]: [usize; 2],
    a: &[T],
    rows: Range<usize>,
    target: &mut [T],
) {
    let out = s.output();
    let inside = valid(ky, s.pad.top, s.stride, s.input.height, out.height);
    let columns = valid(kx, s.pad.left, s.stride, s.input.width, out.width);
    for (y, row) in rows.zip(target.chunks_mut(out.width)) {
        if !inside.contains(&y) || columns.is_empty() {
            row.fill(T::default());
            continue;
        }
        let from = (y * s.stride + ky - s.pad.top) * s.input.width
            + (columns.start * s.stride + kx - s.pad.left);
        let source = a.get(from..).unwrap_or_default();
        let (before, rest) = row.split_at_mut(columns.start);
        let (within, after) = rest.split_at_mut(columns.len());
        before.fill(T::default());
        after.fill(T::default());
        if s.stride == 1 {
            within.iter_mut().zip(source).for_each(|(t, v)| *t = *v);
        } else {
            within.iter_mut().zip(source.iter().step_by(s.stride)).for_each(|(t, v)| *t = *v);
        }
    }
}
