mod full;
mod layout;
mod model;
mod phase;
mod privacy;
mod trace;

use super::*;
use crate::plan::{ConvShape, Padding, Shape};
use crate::rng::SecretRng;

/// A square-kernel convolution.
fn conv(c: usize, h: usize, w: usize, out: usize, kernel: usize, stride: usize) -> ConvShape {
    ConvShape {
        input: Shape::new(c, h, w),
        out_channels: out,
        kernel_h: kernel,
        kernel_w: kernel,
        stride,
        pad: Padding::symmetric(kernel / 2, kernel / 2),
        groups: 1,
    }
}

fn weights(shape: &ConvShape, most: i32, rng: &mut SecretRng) -> Vec<i32> {
    let span = 2 * most as u64 + 1;
    (0..shape.weights()).map(|_| (rng.u64() % span) as i32 - most).collect()
}

/// The convolution by its definition, modulo `2^64`, `[ticket][CHW]`.
fn direct(shape: &ConvShape, batch: usize, weights: &[i32], x: &[u64]) -> Vec<u64> {
    let (input, out) = (shape.input, shape.output());
    let mut y = vec![0u64; batch * out.len()];
    for ticket in 0..batch {
        for o in 0..out.channels {
            for i in 0..out.height {
                for j in 0..out.width {
                    let at = ((ticket * out.channels + o) * out.height + i) * out.width + j;
                    y[at] = output(
                        shape,
                        weights,
                        &x[ticket * input.len()..][..input.len()],
                        [o, i, j],
                    );
                }
            }
        }
    }
    y
}

fn output(shape: &ConvShape, weights: &[i32], x: &[u64], [o, i, j]: [usize; 3]) -> u64 {
    let input = shape.input;
    let mut sum = 0u64;
    for ch in 0..input.channels {
        for ky in 0..shape.kernel_h {
            for kx in 0..shape.kernel_w {
                let (y, x_) = (i * shape.stride + ky, j * shape.stride + kx);
                let inside = y >= shape.pad.top
                    && x_ >= shape.pad.left
                    && y - shape.pad.top < input.height
                    && x_ - shape.pad.left < input.width;
                if inside {
                    let (y, x_) = (y - shape.pad.top, x_ - shape.pad.left);
                    let w = weights
                        [((o * input.channels + ch) * shape.kernel_h + ky) * shape.kernel_w + kx];
                    let v = x[(ch * input.height + y) * input.width + x_];
                    sum = sum.wrapping_add((w as u64).wrapping_mul(v));
                }
            }
        }
    }
    sum
}
