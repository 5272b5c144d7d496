//! The float evaluator: ranges for calibration, and the reference that quantisation is judged by.

use tacita_image_input::{Feed, normalise};
use tacita_protocol::plan::{CopyShape, InputSpec, Shape};

use crate::engine::Filters;
use crate::error::Result;
use crate::network::{FloatOp, FloatTerm, Layer, Network, Window};

/// Everything that one evaluation computes.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Each activation tensor, after its masked ReLU.
    pub values: Vec<Vec<f32>>,
    /// Largest magnitude in each tensor *before* its masked ReLU.
    pub largest: Vec<f32>,
    /// Largest value in each tensor before its masked ReLU.
    pub highest: Vec<f32>,
}

/// A network made ready for many images.
pub struct Evaluator<'a> {
    network: &'a Network,
    /// For each layer and term; `None` where it is no convolution.
    filters: Vec<Vec<Option<Filters<f32>>>>,
}

impl<'a> Evaluator<'a> {
    /// Lays the weights out.
    pub fn new(network: &'a Network) -> Self {
        let filters = |term: &FloatTerm| match &term.op {
            FloatOp::Conv { shape, weights } => Some(Filters::new(shape, weights.clone())),
            _ => None,
        };
        let of_layer = |l: &Layer| l.terms.iter().map(filters).collect();
        Self { network, filters: network.layers.iter().map(of_layer).collect() }
    }

    /// Evaluates one input, made ready as `spec` says.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if it does not fit the network.
    pub fn trace_of(&self, sample: &impl Feed, spec: &InputSpec) -> Result<Trace> {
        let real = normalise(sample, self.network.input, spec)?;
        Ok(self.trace(&real.iter().map(|x| *x as f32).collect::<Vec<_>>()))
    }

    /// Evaluates one normalised CHW image and keeps every tensor.
    pub fn trace(&self, input: &[f32]) -> Trace {
        let mut t = Trace::default();
        for (j, (layer, filters)) in self.network.layers.iter().zip(&self.filters).enumerate() {
            let mut z = if j == 0 {
                let mut z = input.to_vec();
                z.resize(layer.shape.len(), 0.0);
                z
            } else {
                self.accumulate(layer, filters, &t.values)
            };
            t.largest.push(z.iter().fold(0.0, |m, x| x.abs().max(m)));
            t.highest.push(z.iter().fold(f32::NEG_INFINITY, |m, x| x.max(m)));
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

    /// The logits for a normalised CHW image. Missing input elements count as zero.
    pub fn evaluate(&self, input: &[f32]) -> Vec<f32> {
        self.trace(input).values.pop().unwrap_or_default()
    }

    fn accumulate(
        &self,
        layer: &Layer,
        filters: &[Option<Filters<f32>>],
        values: &[Vec<f32>],
    ) -> Vec<f32> {
        let mut z = vec![0.0; layer.shape.len()];
        let plane = layer.shape.height * layer.shape.width;
        for (out, b) in z.chunks_mut(plane.max(1)).zip(&layer.bias) {
            out.fill(*b);
        }
        for (term, filters) in layer.terms.iter().zip(filters) {
            let (Some(a), Some(from)) =
                (values.get(term.input), self.network.layers.get(term.input))
            else {
                continue;
            };
            match &term.op {
                FloatOp::Conv { .. } => filters.iter().for_each(|f| f.add_to(a, &mut z)),
                FloatOp::Copy(c) => copy(c, (from.shape, a), (layer.shape, &mut z)),
                FloatOp::AvgPool(w) => avg_pool(w, from.shape, a, &mut z),
                FloatOp::MaxPool(w) => max_pool(w, from.shape, a, &mut z),
            }
        }
        z
    }
}

impl Network {
    /// Evaluates one normalised CHW image and keeps every tensor; [`Evaluator`] serves many images.
    pub fn trace(&self, input: &[f32]) -> Trace {
        Evaluator::new(self).trace(input)
    }
}

fn copy(c: &CopyShape, (from, a): (Shape, &[f32]), (to, z): (Shape, &mut [f32])) {
    let sign = if c.negative { -1.0 } else { 1.0 };
    c.for_each_run(from, to, |first, at, count| {
        let source = a.get(first..).unwrap_or_default().iter().step_by(c.stride[1]);
        let target = z.get_mut(at..).unwrap_or_default().iter_mut().step_by(c.spread[1]);
        target.zip(source).take(count).for_each(|(z, a)| *z += sign * a);
    });
}

fn avg_pool(w: &Window, from: Shape, a: &[f32], z: &mut [f32]) {
    let scale = 1.0 / w.area() as f32;
    w.pool().for_each_row(from, |out, row| {
        let sum: f32 = a.get(row).unwrap_or_default().iter().sum();
        if let Some(z) = z.get_mut(out) {
            *z += sum * scale;
        }
    });
}

fn max_pool(w: &Window, from: Shape, a: &[f32], z: &mut [f32]) {
    let mut largest = vec![f32::NEG_INFINITY; z.len()];
    w.pool().for_each_row(from, |out, row| {
        if let Some(m) = largest.get_mut(out) {
            *m = a.get(row).unwrap_or_default().iter().fold(*m, |m, x| m.max(*x));
        }
    });
    z.iter_mut().zip(largest).for_each(|(z, m)| *z += m);
}
