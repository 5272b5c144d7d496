//! Runs a plan in the clear, fast, as the protocol would: what two parties compute, without them.
//!
//! [`Rounding::Nearest`] is the oracle [`tacita_protocol::plan::clear`], bit for bit.
//! [`Rounding::Shares`] draws what random shares do to the same integers; `shares` states the
//! formulas. Not modelled: gross truncation errors (below `2^-12` an inference by every plan's
//! check).

mod forward;
mod images;
mod lattice;
mod shares;
mod stats;
#[cfg(test)]
mod tests;

use tacita_protocol::linear::Backend;
use tacita_protocol::plan::{Linear, Plan};

pub use images::Simulation;
pub use stats::{LayerStats, Outcome};

use crate::compile::filter_norms;
use crate::engine::Filters;
use lattice::LatticeError;

/// What truncation and comparison do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Truncation to the nearest integer, exact signs, no lattice error.
    Nearest,
    /// As with uniform shares, drawn from this seed; each image has its own stream.
    Shares(u64),
}

/// A plan made ready for many images.
pub struct Simulator<'a> {
    plan: &'a Plan,
    /// For each tensor and term.
    terms: Vec<Vec<TermEngine>>,
    /// Last tensor that reads each one.
    last_use: Vec<usize>,
    errors: LatticeError,
    backend: Backend,
}

/// How one term is evaluated.
struct TermEngine {
    /// The convolution in `f64`, where that is worth it.
    filters: Option<Filters<f64>>,
    /// Largest sum of weight magnitudes over one output.
    norm: f64,
}

impl<'a> Simulator<'a> {
    /// Lays the weights out. `plan` is a validated one.
    pub fn new(plan: &'a Plan) -> Self {
        let tensors = plan.public.tensors.iter().zip(&plan.secret.tensors);
        let engines = tensors.zip(filter_norms(plan)).map(|((spec, secret), norms)| {
            let terms = spec.terms.iter().zip(&secret.weights).zip(norms);
            terms.map(|((term, w), norm)| TermEngine { filters: filters(&term.op, w), norm })
        });
        let terms = engines.map(Iterator::collect).collect();
        let (errors, backend) = (LatticeError::new(), Backend::detect());
        Self { plan, terms, last_use: last_uses(plan), errors, backend }
    }
}

/// The protocol's own integer product is faster where images are small.
fn filters(op: &Linear, weights: &[i32]) -> Option<Filters<f64>> {
    let Linear::Conv(shape) = op else { return None };
    let real = || weights.iter().map(|w| f64::from(*w)).collect();
    Filters::<f64>::pays(shape).then(|| Filters::new(shape, real()))
}

fn last_uses(plan: &Plan) -> Vec<usize> {
    let mut last = vec![0; plan.public.tensors.len()];
    for (j, spec) in plan.public.tensors.iter().enumerate() {
        for term in &spec.terms {
            if let Some(last) = last.get_mut(term.input) {
                *last = j;
            }
        }
    }
    last
}
