//! Convolutions whose strides differ between rows and columns.

use tacita_protocol::plan::{ConvShape, CopyShape, Padding, Shape};

use super::graph::Op;
use super::interpret::{Interpreter, Operand, Step};
use crate::error::Location;

/// A convolution with a stride of its own for rows and columns.
pub(super) struct Strided {
    /// Its geometry but for the stride.
    pub shape: ConvShape,
    pub strides: [usize; 2],
    pub weights: Vec<f32>,
    pub bias: Vec<f64>,
}

/// Which rows and columns of kernel and image a part of the sum is about.
#[derive(Clone, Copy)]
struct Phase {
    /// First row and column of the kernel.
    first: [usize; 2],
    /// Rows and columns from one to the next, in kernel and image alike.
    step: [usize; 2],
}

impl<'m> Interpreter<'m> {
    /// The stride that both ways share stays; what one has more is done by parts: the kernel's rows
    /// 0, n, 2n, ... convolve the image's rows 0, n, 2n, ..., and so on, and the parts add up.
    pub(super) fn phases(&mut self, x: &Operand, c: &Strided, at: &Location) -> Step<Operand> {
        let [a, b] = c.strides;
        let common = gcd(a, b);
        let step = [a / common, b / common];
        let out = output(c);
        let kernel = [c.shape.kernel_h, c.shape.kernel_w];
        let mut parts = Vec::new();
        for y in 0..step[0].min(kernel[0]) {
            for z in 0..step[1].min(kernel[1]) {
                let phase = Phase { first: [y, z], step };
                let bias = if parts.is_empty() { c.bias.clone() } else { vec![0.0; out.channels] };
                parts.push(self.phase(x, c, phase, (common, bias), at)?.id);
            }
        }
        self.push(Op::Sum, parts, out, super::view::View::image(out), at)
    }

    fn phase(
        &mut self,
        x: &Operand,
        c: &Strided,
        p: Phase,
        (stride, bias): (usize, Vec<f64>),
        at: &Location,
    ) -> Step<Operand> {
        let out = output(c);
        let taps = |way: usize, k: usize| (k - p.first[way]).div_ceil(p.step[way]);
        let (kernel_h, kernel_w) = (taps(0, c.shape.kernel_h), taps(1, c.shape.kernel_w));
        let input = Shape::new(
            x.shape.channels,
            (out.height - 1) * stride + kernel_h,
            (out.width - 1) * stride + kernel_w,
        );
        let offset = [
            p.first[0] as isize - c.shape.pad.top as isize,
            p.first[1] as isize - c.shape.pad.left as isize,
        ];
        let copy = CopyShape { stride: p.step, offset, ..CopyShape::whole(x.shape.channels, 0) };
        let view = super::view::View::image(input);
        let part = self.copies(vec![(0, copy)], vec![x.id], input, view, at)?;
        let shape = ConvShape { input, kernel_h, kernel_w, stride, pad: Padding::NONE, ..c.shape };
        let weights = picked(c, p);
        self.push_image(Op::Conv { shape, weights, bias }, &part, out, at)
    }
}

/// The taps of one phase.
fn picked(c: &Strided, p: Phase) -> Vec<f32> {
    let (h, w) = (c.shape.kernel_h, c.shape.kernel_w);
    let rows = |plane| {
        let rows = <[f32]>::chunks(plane, w).skip(p.first[0]).step_by(p.step[0]);
        rows.flat_map(|row| row.iter().skip(p.first[1]).step_by(p.step[1]).copied())
    };
    c.weights.chunks(h * w).flat_map(rows).collect()
}

/// Shape of the whole convolution's output.
fn output(c: &Strided) -> Shape {
    let (height, width) = c.shape.pad.around(c.shape.input);
    let [a, b] = c.strides;
    Shape {
        channels: c.shape.out_channels,
        height: (height - c.shape.kernel_h) / a + 1,
        width: (width - c.shape.kernel_w) / b + 1,
    }
}

/// Greatest common divisor.
pub(super) const fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
