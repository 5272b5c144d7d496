//! One image through the plan.

use tacita_protocol::linear;
use tacita_protocol::plan::{Linear, TensorSpec, Term};

use super::shares::Draws;
use super::{LayerStats, Outcome, Rounding, Simulator, TermEngine};

/// Below this, sums of integers are exact in `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53

/// An activation tensor.
#[derive(Default)]
struct Values {
    /// Two's complement, as the shares' ring has them.
    ring: Vec<u64>,
    /// Largest magnitude.
    peak: u64,
}

impl Values {
    fn new(ring: Vec<u64>) -> Self {
        let peak = ring.iter().map(|x| (*x as i64).unsigned_abs()).max().unwrap_or(0);
        Self { ring, peak }
    }
}

impl Simulator<'_> {
    /// The logits of one image and what its layers saw. `input` holds tensor 0, `image` names the
    /// stream of random draws.
    pub fn run(&self, input: &[i64], rounding: Rounding, image: u64) -> Outcome {
        let mut layers = Vec::new();
        let logits = self.walk(input, rounding, image, |j, stats, values: &mut Vec<Values>| {
            layers.push(stats);
            for (tensor, last) in values.iter_mut().zip(&self.last_use) {
                if *last == j {
                    tensor.ring = Vec::new();
                }
            }
        });
        let logits = logits.last().map(|v| v.ring.iter().map(|x| *x as i64).collect());
        Outcome { logits: logits.unwrap_or_default(), layers }
    }

    /// Every activation tensor of one image, as [`tacita_protocol::plan::clear::evaluate`] gives
    /// them.
    pub fn tensors(&self, input: &[i64], rounding: Rounding, image: u64) -> Vec<Vec<i64>> {
        let values = self.walk(input, rounding, image, |_, _, _| ());
        values.into_iter().map(|v| v.ring.into_iter().map(|x| x as i64).collect()).collect()
    }

    fn walk(
        &self,
        input: &[i64],
        rounding: Rounding,
        image: u64,
        mut seen: impl FnMut(usize, LayerStats, &mut Vec<Values>),
    ) -> Vec<Values> {
        let mut draws = match rounding {
            Rounding::Nearest => None,
            Rounding::Shares(seed) => Some(Draws::new(seed, image)),
        };
        let first = Values::new(input.iter().map(|x| *x as u64).collect());
        let stats = LayerStats { peak: first.peak, ..LayerStats::default() };
        let mut values = vec![first];
        seen(0, stats, &mut values);
        for (j, spec) in self.plan.public.tensors.iter().enumerate().skip(1) {
            let mut z = self.accumulate(j, spec, &values);
            let stats = match &mut draws {
                None => nearest(spec, &mut z),
                Some(draws) => draws.activate(spec, &self.errors, &mut z),
            };
            values.push(Values::new(z));
            seen(j, stats, &mut values);
        }
        values
    }

    fn accumulate(&self, j: usize, spec: &TensorSpec, values: &[Values]) -> Vec<u64> {
        let mut z = vec![0u64; spec.shape.len()];
        let Some(secret) = self.plan.secret.tensors.get(j) else { return z };
        let plane = spec.shape.height * spec.shape.width;
        for (z, bias) in z.chunks_mut(plane).zip(&secret.bias) {
            z.fill(*bias as u64);
        }
        let engines = self.terms.get(j).map(Vec::as_slice).unwrap_or_default();
        for ((term, weights), engine) in spec.terms.iter().zip(&secret.weights).zip(engines) {
            if let Some(a) = values.get(term.input) {
                self.add_term((spec, term), (weights, engine), a, &mut z);
            }
        }
        z
    }

    fn add_term(
        &self,
        (spec, term): (&TensorSpec, &Term),
        (weights, engine): (&[i32], &TermEngine),
        a: &Values,
        z: &mut [u64],
    ) {
        let Some(from) = self.plan.public.tensors.get(term.input) else { return };
        match (&term.op, &engine.filters) {
            (Linear::Conv(_), Some(filters)) if engine.norm * (a.peak as f64) < EXACT => {
                let real: Vec<f64> = a.ring.iter().map(|x| *x as i64 as f64).collect();
                let mut sums = vec![0.0; z.len()];
                filters.add_to(&real, &mut sums);
                z.iter_mut().zip(sums).for_each(|(z, s)| *z = z.wrapping_add(s as i64 as u64));
            }
            (Linear::Conv(shape), _) => linear::conv(self.backend, shape, weights, &a.ring, z),
            (Linear::Copy(c), _) => linear::copy(c, (from.shape, &a.ring), (spec.shape, z)),
            (Linear::AvgPool(pool), _) => linear::avg_pool(pool, from.shape, &a.ring, z),
        }
    }
}

/// Truncates to the nearest integer (halves up) and applies the masked ReLU.
fn nearest(spec: &TensorSpec, z: &mut [u64]) -> LayerStats {
    let half = (1i64 << spec.truncate) >> 1;
    let mut stats = LayerStats::default();
    for (i, z) in z.iter_mut().enumerate() {
        let x = (*z as i64).wrapping_add(half) >> spec.truncate;
        let relu = spec.mask.relu(i);
        stats.see(spec, x, relu);
        *z = if relu { x.max(0) } else { x } as u64;
    }
    stats
}
