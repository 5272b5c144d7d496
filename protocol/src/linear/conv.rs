//! Convolution of ring elements with small integer weights: im2col, then the matrix kernel.

use rayon::prelude::*;

use crate::linear::gemm::{Backend, LANES, gemm};
use crate::plan::{ConvShape, clear::valid_range};

/// `z += conv(a)`: `weights` are OIHW, `a` and `z` hold whole CHW tensors of the shape's sizes.
///
/// Multiplies: [`ConvShape::macs`]. The input columns are gathered once (kernel area times the
/// input, 8 bytes each).
pub fn conv(backend: Backend, shape: &ConvShape, weights: &[i32], a: &[u64], z: &mut [u64]) {
    let out = shape.output();
    let of_group = |len: usize| (len / shape.groups).max(1);
    z.par_chunks_mut(of_group(out.len()))
        .zip(a.par_chunks(of_group(shape.input.len())))
        .zip(weights.par_chunks(of_group(weights.len())))
        .for_each(|((z, a), w)| conv_group(backend, shape, w, a, z));
}

/// One group of channels.
fn conv_group(backend: Backend, shape: &ConvShape, weights: &[i32], a: &[u64], z: &mut [u64]) {
    let out = shape.output();
    let n = out.height * out.width;
    let padded = n.next_multiple_of(LANES);
    let k = shape.group_inputs() * shape.kernel_h * shape.kernel_w;
    let columns = im2col(shape, a, padded);
    let mut result = vec![0u64; shape.group_outputs() * padded];
    gemm(backend, k, padded, weights, &columns, &mut result);
    for (z, r) in z.chunks_mut(n).zip(result.chunks(padded)) {
        for (z, r) in z.iter_mut().zip(r) {
            *z = z.wrapping_add(*r);
        }
    }
}

/// One row a tap (input channel, kernel row, kernel column), one column an output position,
/// zero where the tap reads padding; rows are `padded` long.
fn im2col(s: &ConvShape, a: &[u64], padded: usize) -> Vec<u64> {
    let out = s.output();
    let taps = s.group_inputs() * s.kernel_h * s.kernel_w;
    let mut columns = vec![0u64; taps * padded];
    for (tap, row) in columns.chunks_mut(padded).enumerate() {
        let (kx, rest) = (tap % s.kernel_w, tap / s.kernel_w);
        let (ky, ch) = (rest % s.kernel_h, rest / s.kernel_h);
        let xs = valid_range(kx, s.pad.left, s.stride, s.input.width, out.width);
        for y in valid_range(ky, s.pad.top, s.stride, s.input.height, out.height) {
            let from = (ch * s.input.height + y * s.stride + ky - s.pad.top) * s.input.width;
            let first = from + xs.start * s.stride + kx - s.pad.left;
            let source = a.get(first..).unwrap_or_default().iter().step_by(s.stride);
            let target = row.get_mut(y * out.width + xs.start..y * out.width + xs.end);
            for (t, v) in target.unwrap_or_default().iter_mut().zip(source) {
                *t = *v;
            }
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Padding, Shape};
    use crate::rng::SecretRng;
    use proptest::prelude::*;

    fn direct(s: &ConvShape, w: &[i32], a: &[u64]) -> Vec<u64> {
        let (i, o) = (s.input, s.output());
        let mut z = vec![0u64; o.len()];
        for (at, z) in z.iter_mut().enumerate() {
            let (x, y, oc) = (at % o.width, at / o.width % o.height, at / (o.width * o.height));
            for within in 0..s.group_inputs() {
                let ch = oc / s.group_outputs() * s.group_inputs() + within;
                for ky in 0..s.kernel_h {
                    for kx in 0..s.kernel_w {
                        let (iy, ix) = (y * s.stride + ky, x * s.stride + kx);
                        let (Some(iy), Some(ix)) =
                            (iy.checked_sub(s.pad.top), ix.checked_sub(s.pad.left))
                        else {
                            continue;
                        };
                        if iy < i.height && ix < i.width {
                            let tap = ((oc * s.group_inputs() + within) * s.kernel_h + ky)
                                * s.kernel_w
                                + kx;
                            let v = a[(ch * i.height + iy) * i.width + ix];
                            *z = z.wrapping_add(v.wrapping_mul(w[tap] as i64 as u64));
                        }
                    }
                }
            }
        }
        z
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_backend_agrees_with_the_direct_sum(
            c in 1usize..5, o in 1usize..5, groups in 1usize..4, h in 1usize..9, w in 1usize..20,
            kh in 1usize..4, kw in 1usize..4, stride in 1usize..4, seed: u64,
            (top, left, bottom, right) in (0usize..3, 0usize..3, 0usize..3, 0usize..3),
        ) {
            let pad = Padding {
                top: top.min(kh - 1), left: left.min(kw - 1),
                bottom: bottom.min(kh - 1), right: right.min(kw - 1),
            };
            let input = Shape::new(c * groups, h, w);
            let padded = pad.around(input);
            prop_assume!(padded.0 >= kh && padded.1 >= kw);
            let s = ConvShape {
                input, out_channels: o * groups, kernel_h: kh, kernel_w: kw, stride, pad, groups,
            };
            let mut rng = SecretRng::from_test_seed(seed);
            let a = rng.u64s(input.len());
            let weights: Vec<i32> = (0..s.weights()).map(|_| rng.u64() as i32).collect();
            let expected = direct(&s, &weights, &a);
            for backend in Backend::available() {
                let mut z = vec![0u64; s.output().len()];
                conv(backend, &s, &weights, &a, &mut z);
                prop_assert_eq!(&z, &expected, "{:?}", backend);
            }
        }
    }
}
