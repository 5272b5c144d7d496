//! Fully connected layers.

use tacita_onnx::NodeProto;
use tacita_protocol::plan::{ConvShape, Shape};

use super::attributes::Attributes;
use super::constant::{Constant, Reason};
use super::graph::{Graph, Op};
use super::interpret::{Fault, Interpreter, Operand, Step, Value};
use super::view::{Axis, View};
use crate::error::Location;

/// A matrix (outputs, features) and a bias.
struct Matrix {
    outputs: usize,
    features: usize,
    weights: Vec<f64>,
    bias: Vec<f64>,
}

impl<'m> Interpreter<'m> {
    /// `alpha * x * W + beta * C`.
    pub(super) fn gemm(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        let a = Attributes(node);
        let w = self.constant(node, 1)?;
        let w = if a.int("transB", 0) == 0 { w.transposed()? } else { w.as_ref().clone() };
        let outputs = w.dims.first().copied().unwrap_or(0);
        let x = match a.int("transA", 0) {
            0 => x,
            _ => {
                let view = x.view.transposed(&[1, 0]).ok_or("its input is no matrix")?;
                Operand { view, ..x }
            }
        };
        let bias = match self.optional_constant(node, 2)? {
            Some(c) => c.broadcast(&[1, outputs])?,
            None => vec![0.0; outputs],
        };
        let [alpha, beta] = [a.float("alpha", 1.0), a.float("beta", 1.0)].map(f64::from);
        let mut m = Matrix::new(&w)?;
        m.weights.iter_mut().for_each(|w| *w *= alpha);
        m.bias = bias.into_iter().map(|b| f64::from(b) * beta).collect();
        self.fully_connected(x, m, at)
    }

    pub(super) fn mat_mul(&mut self, node: &NodeProto, at: &Location) -> Step {
        let (Value::Node(x), Value::Const(w)) = (self.value(node, 0)?, self.value(node, 1)?) else {
            return Err("only a product of a value and a constant matrix after it is supported \
                 (attention multiplies two values)"
                .into());
        };
        // Matrices of a batch of one.
        let lead = w.dims.len().saturating_sub(2);
        let (front, matrix) = w.dims.split_at_checked(lead).unwrap_or_default();
        if front.iter().any(|d| *d != 1) {
            return Err("a product with several matrices".into());
        }
        let w = w.reshaped(matrix.to_vec())?;
        self.fully_connected(x, Matrix::new(&w.transposed()?)?, at)
    }

    /// A matrix over the last dimension of `x`.
    fn fully_connected(&mut self, x: Operand, m: Matrix, at: &Location) -> Step {
        let dims = x.dims();
        let misfit = || {
            Fault::Because(format!(
                "weights for {} features on an input of shape {dims:?}: flatten it first",
                m.features
            ))
        };
        if dims.last() != Some(&m.features) || m.outputs == 0 || m.features == 0 {
            return Err(misfit());
        }
        if m.features == x.shape.len() {
            return self.whole(x, m, at);
        }
        match order_of_channels(&x) {
            Some(order) => self.pixelwise(x, Matrix { weights: m.reordered(&order), ..m }, at),
            None => Err(misfit()),
        }
    }

    /// A matrix over everything: a convolution whose kernel covers its input. Features come in the
    /// model's order, weights go in storage order.
    fn whole(&mut self, x: Operand, m: Matrix, at: &Location) -> Step {
        let mut m = Matrix { weights: m.reordered(&x.view.indices()), ..m };
        let id = m.absorb(&self.graph, x.id);
        // What is read may lie otherwise than `x`, where a vector's layout was taken in.
        let read = self.graph.nodes.get(id).map_or(x.shape, |n| n.shape);
        let (kernel_h, kernel_w) = (read.height, read.width);
        let shape = ConvShape { kernel_h, kernel_w, ..ConvShape::same(read, m.outputs, 1, 1) };
        let out = Shape::new(m.outputs, 1, 1);
        // The dimensions before the features are ones.
        let mut dims = x.dims();
        if let Some(d) = dims.last_mut() {
            *d = m.outputs;
        }
        let view = View::vector(out).reshaped(&dims).ok_or("its output has too many dimensions")?;
        let op = Op::Conv { shape, weights: m.narrow()?, bias: m.bias };
        self.push(op, vec![id], out, view, at).map(Value::Node)
    }

    /// A matrix over the channels of each pixel: a 1x1 convolution.
    fn pixelwise(&mut self, x: Operand, m: Matrix, at: &Location) -> Step {
        let shape = ConvShape::same(x.shape, m.outputs, 1, 1);
        let out = shape.output();
        let last = x.view.rank().saturating_sub(1);
        let view = x.view.resized(x.shape, out, Some((last, Axis::Channels)));
        let view = view.ok_or("its input's dimensions are too entangled")?;
        let op = Op::Conv { shape, weights: m.narrow()?, bias: m.bias };
        self.push(op, vec![x.id], out, view, at).map(Value::Node)
    }
}

/// The stored channels in the order of the last dimension, if that walks over all of them and
/// nothing else.
fn order_of_channels(x: &Operand) -> Option<Vec<usize>> {
    let plane = (x.shape.height * x.shape.width).max(1);
    let offsets = x.view.offsets(x.view.rank().checked_sub(1)?);
    let order: Vec<usize> = offsets.iter().map(|o| o / plane).collect();
    let mut seen = vec![false; x.shape.channels];
    for (offset, &channel) in offsets.iter().zip(&order) {
        let slot = seen.get_mut(channel).filter(|s| !**s && offset % plane == 0)?;
        *slot = true;
    }
    seen.iter().all(|s| *s).then_some(order)
}

/// The order of the elements, if a convolution does nothing but lay them out as a vector.
fn laid_out_by(shape: &ConvShape, weights: &[f32]) -> Option<Vec<usize>> {
    let n = shape.input.len();
    let whole = [shape.kernel_h, shape.kernel_w] == [shape.input.height, shape.input.width];
    if !whole || shape.out_channels != n || shape.groups != 1 || weights.len() != n * n {
        return None;
    }
    let place = |row: &[f32]| {
        let at = row.iter().position(|w| *w == 1.0)?;
        (row.iter().filter(|w| **w != 0.0).count() == 1).then_some(at)
    };
    weights.chunks(n).map(place).collect()
}

impl Matrix {
    /// Its weights with the features at the places that `order` names, which is a permutation.
    fn reordered(&self, order: &[usize]) -> Vec<f64> {
        let mut weights = self.clone_empty();
        let rows = self.weights.chunks(self.features.max(1));
        for (to, from) in weights.chunks_mut(self.features.max(1)).zip(rows) {
            for (&at, w) in order.iter().zip(from) {
                if let Some(t) = to.get_mut(at) {
                    *t = *w;
                }
            }
        }
        weights
    }

    fn new(w: &Constant) -> Reason<Self> {
        let &[outputs, features] = w.dims.as_slice() else {
            return Err("its weights are no matrix".into());
        };
        let weights = w.vector(w.len())?.into_iter().map(f64::from).collect();
        Ok(Self { outputs, features, weights, bias: vec![0.0; outputs] })
    }

    fn clone_empty(&self) -> Vec<f64> {
        vec![0.0; self.weights.len()]
    }

    fn narrow(&self) -> Reason<Vec<f32>> {
        if self.bias.iter().chain(&self.weights).any(|b| !b.is_finite()) {
            return Err("its weights or its bias are not finite".into());
        }
        Ok(self.weights.iter().map(|w| *w as f32).collect())
    }

    /// Takes in what is done to each element before; returns the value before that.
    fn absorb(&mut self, graph: &Graph, mut id: usize) -> usize {
        let plane = |channels: usize, features: usize| features / channels.max(1);
        loop {
            let Some((op, below)) = graph.op(id) else { return id };
            // The image's own normalisation is not the matrix's.
            if matches!(graph.op(below), Some((Op::Input, _))) {
                return id;
            }
            match op {
                Op::Affine { scale, shift } => {
                    let plane = plane(scale.len(), self.features);
                    self.shift(|i| shift.get(i / plane.max(1)).copied().unwrap_or(0.0));
                    self.scale(|i| scale.get(i / plane.max(1)).copied().unwrap_or(1.0));
                }
                Op::Scale(v) => self.scale(|i| v.get(i).map_or(1.0, |v| f64::from(*v))),
                Op::Offset(v) => self.shift(|i| v.get(i).map_or(0.0, |v| f64::from(*v))),
                Op::Conv { shape, weights, bias } => match laid_out_by(shape, weights) {
                    Some(order) if order.len() == self.features => {
                        self.shift(|i| bias.get(i).copied().unwrap_or(0.0));
                        self.weights = self.reordered(&order);
                    }
                    _ => return id,
                },
                _ => return id,
            }
            id = below;
        }
    }

    fn scale(&mut self, by: impl Fn(usize) -> f64) {
        for row in self.weights.chunks_mut(self.features) {
            row.iter_mut().enumerate().for_each(|(i, w)| *w *= by(i));
        }
    }

    fn shift(&mut self, by: impl Fn(usize) -> f64) {
        for (row, b) in self.weights.chunks(self.features).zip(&mut self.bias) {
            *b += row.iter().enumerate().map(|(i, w)| w * by(i)).sum::<f64>();
        }
    }
}
