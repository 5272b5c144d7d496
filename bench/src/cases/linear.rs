//! Online convolutions on shares.

use tacita_protocol::linear::{Backend, conv};
use tacita_protocol::plan::ConvShape;
use tacita_protocol::rng::SecretRng;

/// A convolution with its share of the input.
pub struct Conv {
    shape: ConvShape,
    weights: Vec<i32>,
    a: Vec<u64>,
    z: Vec<u64>,
}

impl Conv {
    /// With random weights and a random share.
    pub fn new(shape: &ConvShape, rng: &mut SecretRng) -> Self {
        Self {
            shape: *shape,
            weights: (0..shape.weights()).map(|_| (rng.u64() % 2001) as i32 - 1000).collect(),
            a: rng.u64s(shape.input.len()),
            z: vec![0; shape.output().len()],
        }
    }

    /// Computes it.
    pub fn run(&mut self, backend: Backend) {
        conv(backend, &self.shape, &self.weights, &self.a, &mut self.z);
    }
}
