//! The float evaluator: ranges for calibration, and the reference that quantisation is judged by.

use tacet_protocol::plan::{ConvShape, CopyShape, Padding, PoolShape, Shape};

use crate::network::{FloatOp, Layer, Network, Window};

/// Everything that one evaluation computes.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Each activation tensor, after its masked ReLU.
    pub values: Vec<Vec<f32>>,
    /// Largest magnitude in each tensor *before* its masked ReLU.
    pub largest: Vec<f32>,
}

impl Network {
    /// Evaluates one normalised CHW image and keeps every tensor.
    pub fn trace(&self, input: &[f32]) -> Trace {
        let mut t = Trace::default();
        for (j, layer) in self.layers.iter().enumerate() {
            let mut z = if j == 0 {
                let mut z = input.to_vec();
                z.resize(layer.shape.len(), 0.0);
                z
            } else {
                self.accumulate(layer, &t.values)
            };
            t.largest.push(z.iter().fold(0.0, |m, x| x.abs().max(m)));
            if layer.mask.ones() > 0 {
                for (i, x) in z.iter_mut().enumerate().filter(|(i, _)| layer.mask.relu(*i)) {
                    debug_assert!(i < layer.shape.len());
                    *x = x.max(0.0).min(layer.cap.unwrap_or(f32::INFINITY));
                }
            }
            t.values.push(z);
        }
        t
    }

    fn accumulate(&self, layer: &Layer, values: &[Vec<f32>]) -> Vec<f32> {
        let mut z = vec![0.0; layer.shape.len()];
        let plane = layer.shape.height * layer.shape.width;
        for (out, b) in z.chunks_mut(plane.max(1)).zip(&layer.bias) {
            out.fill(*b);
        }
        for term in &layer.terms {
            let (Some(a), Some(from)) = (values.get(term.input), self.layers.get(term.input))
            else {
                continue;
            };
            match &term.op {
                FloatOp::Conv { shape, weights } => conv(shape, weights, a, &mut z),
                FloatOp::Copy(c) => copy(c, (from.shape, a), (layer.shape, &mut z)),
                FloatOp::AvgPool(w) => avg_pool(w, from.shape, a, &mut z),
                FloatOp::MaxPool(w) => max_pool(w, from.shape, a, &mut z),
            }
        }
        z
    }
}

/// Output coordinates whose tap `k` reads inside the input.
fn valid(k: usize, pad: usize, stride: usize, input: usize, output: usize) -> (usize, usize) {
    let first = pad.saturating_sub(k).div_ceil(stride);
    let end = (input + pad).saturating_sub(k).div_ceil(stride).min(output);
    (first, end.max(first))
}

/// Direct convolution, added to `z`: one row-times-scalar addition per tap and row.
fn conv(s: &ConvShape, weights: &[f32], a: &[f32], z: &mut [f32]) {
    let (input, out) = (s.input, s.output());
    let plane = out.height * out.width;
    let filter = s.weights() / s.out_channels.max(1);
    let filters = z.chunks_mut(plane.max(1)).zip(weights.chunks(filter.max(1)));
    for (o, (z, w)) in filters.enumerate() {
        if plane == 1 && filter == input.len() && s.pad == Padding::NONE {
            let dot: f32 = w.iter().zip(a).map(|(w, a)| w * a).sum();
            z.iter_mut().for_each(|z| *z += dot);
            continue;
        }
        let first = o / s.group_outputs() * s.group_inputs();
        let channels = a.chunks(input.height * input.width).skip(first);
        for (a, w) in channels.zip(w.chunks(s.kernel_h * s.kernel_w)) {
            conv_plane(s, w, a, z, out);
        }
    }
}

/// One input channel's share of one output channel.
fn conv_plane(s: &ConvShape, taps: &[f32], a: &[f32], z: &mut [f32], out: Shape) {
    for (k, &w) in taps.iter().enumerate().filter(|(_, w)| **w != 0.0) {
        let (ky, kx) = (k / s.kernel_w, k % s.kernel_w);
        let (y0, y1) = valid(ky, s.pad.top, s.stride, s.input.height, out.height);
        let (x0, x1) = valid(kx, s.pad.left, s.stride, s.input.width, out.width);
        if x0 == x1 {
            continue;
        }
        for y in y0..y1 {
            let row = (y * s.stride + ky - s.pad.top) * s.input.width;
            let from = row + x0 * s.stride + kx - s.pad.left;
            let to = y * out.width;
            let (Some(z), Some(a)) = (z.get_mut(to + x0..to + x1), a.get(from..)) else { continue };
            if s.stride == 1 {
                z.iter_mut().zip(a).for_each(|(z, a)| *z += w * a);
            } else {
                z.iter_mut().zip(a.iter().step_by(s.stride)).for_each(|(z, a)| *z += w * a);
            }
        }
    }
}

fn copy(c: &CopyShape, (from, a): (Shape, &[f32]), (to, z): (Shape, &mut [f32])) {
    let sign = if c.negative { -1.0 } else { 1.0 };
    c.for_each_run(from, to, |first, at, count| {
        let source = a.get(first..).unwrap_or_default().iter().step_by(c.stride[1]);
        let target = z.get_mut(at..at + count).unwrap_or_default();
        target.iter_mut().zip(source).for_each(|(z, a)| *z += sign * a);
    });
}

fn avg_pool(w: &Window, from: Shape, a: &[f32], z: &mut [f32]) {
    let scale = 1.0 / w.area() as f32;
    rows(w).for_each_row(from, |out, row| {
        let sum: f32 = a.get(row).unwrap_or_default().iter().sum();
        if let Some(z) = z.get_mut(out) {
            *z += sum * scale;
        }
    });
}

fn max_pool(w: &Window, from: Shape, a: &[f32], z: &mut [f32]) {
    let mut largest = vec![f32::NEG_INFINITY; z.len()];
    rows(w).for_each_row(from, |out, row| {
        if let Some(m) = largest.get_mut(out) {
            *m = a.get(row).unwrap_or_default().iter().fold(*m, |m, x| m.max(*x));
        }
    });
    z.iter_mut().zip(largest).for_each(|(z, m)| *z += m);
}

/// The window as a plan's pooling, whose walk it shares.
fn rows(w: &Window) -> PoolShape {
    let Window { kernel_h, kernel_w, stride, pad } = *w;
    PoolShape { kernel_h, kernel_w, stride, pad, multiplier: 1, added_frac: 0 }
}
