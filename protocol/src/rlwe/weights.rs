//! Weight polynomials in the transform domain.

use std::ops::Range;

use rayon::prelude::*;

use super::packing::Packing;
use super::params::{DEGREE, PRIMES};
use super::poly::{Coeff, Ntt, Poly};
use crate::error::{Error, Result};

/// Weight polynomials of a part.
const PART: usize = 8;

/// The transformed weight polynomials of one layer under one packing, kept between batches.
pub struct PreparedWeights {
    polys: Vec<Poly<Ntt>>,
    inputs: usize,
}

impl PreparedWeights {
    /// Transforms `weights`, in (output, input, row, column) order.
    ///
    /// # Errors
    /// [`Error::Input`] if the number of weights does not fit the packing.
    pub fn new(packing: &Packing, weights: &[i32]) -> Result<Self> {
        let parts = Self::parts(packing).into_par_iter();
        let parts = parts.map(|range| WeightPart::new(packing, weights, range));
        Ok(Self::of(packing, parts.collect::<Result<_>>()?))
    }

    /// The parts in which a packing's weights can be prepared, each a few milliseconds of work.
    pub fn parts(packing: &Packing) -> Vec<Range<usize>> {
        let polys = packing.weight_polys();
        let starts = (0..polys).step_by(PART);
        starts.map(|start| start..(start + PART).min(polys)).collect()
    }

    /// Puts all [`Self::parts`] together, given in order.
    pub fn of(packing: &Packing, parts: Vec<WeightPart>) -> Self {
        let polys = parts.into_iter().flat_map(|part| part.0).collect();
        Self { polys, inputs: packing.input_groups() }
    }

    /// Memory that these take, in bytes.
    pub fn held(&self) -> usize {
        self.polys.len() * 2 * 8 * DEGREE
    }

    /// Memory that the prepared weights of a packing take, in bytes.
    pub fn bytes(packing: &Packing) -> usize {
        packing.weight_polys() * 2 * 8 * DEGREE
    }
}

/// Some of a layer's transformed weight polynomials.
pub struct WeightPart(Vec<Poly<Ntt>>);

impl WeightPart {
    /// Transforms one of [`PreparedWeights::parts`].
    ///
    /// # Errors
    /// As [`PreparedWeights::new`].
    pub fn new(packing: &Packing, weights: &[i32], range: Range<usize>) -> Result<Self> {
        check_weights(packing, weights)?;
        let inputs = packing.input_groups();
        let mut scratch = Poly::zero();
        let transformed = range.map(|i| {
            scratch.clear();
            lay_out(packing, weights, (i / inputs, i % inputs), &mut scratch);
            // Few coefficients are set, and new memory that is read before it is written costs
            // two page faults a page instead of one.
            scratch.clone().into_ntt()
        });
        Ok(Self(transformed.collect()))
    }
}

/// The weights of one layer: raw, transformed anew for every batch, or prepared.
#[derive(Clone, Copy)]
pub enum Weights<'a> {
    /// In (output, input, row, column) order.
    Raw(&'a [i32]),
    /// Transformed before.
    Prepared(&'a PreparedWeights),
}

impl Weights<'_> {
    /// Refuses weights that do not belong to `packing`.
    pub(super) fn check(&self, packing: &Packing) -> Result<()> {
        match self {
            Self::Raw(weights) => check_weights(packing, weights),
            Self::Prepared(p)
                if p.inputs == packing.input_groups()
                    && p.polys.len() == packing.weight_polys() =>
            {
                Ok(())
            }
            Self::Prepared(_) => Err(Error::input("weights prepared for another packing")),
        }
    }

    /// Calls `f` on the weight polynomials of one response group and some input groups. Those that
    /// are transformed for it lie in `scratch`, whose memory serves from call to call.
    pub(super) fn with<R>(
        &self,
        packing: &Packing,
        output: usize,
        inputs: Range<usize>,
        scratch: &mut Vec<Poly<Ntt>>,
        f: impl FnOnce(&[&Poly<Ntt>]) -> R,
    ) -> R {
        match self {
            Self::Raw(weights) => {
                scratch.resize_with(inputs.len(), Poly::zero);
                scratch.par_iter_mut().zip(inputs).for_each(|(poly, input)| {
                    let mut blank = poly.take_cleared();
                    lay_out(packing, weights, (output, input), &mut blank);
                    *poly = blank.into_ntt();
                });
                f(&scratch.iter().collect::<Vec<_>>())
            }
            Self::Prepared(p) => {
                let first = output * p.inputs;
                let polys = &p.polys[first + inputs.start..first + inputs.end];
                f(&polys.iter().collect::<Vec<_>>())
            }
        }
    }
}

fn check_weights(packing: &Packing, weights: &[i32]) -> Result<()> {
    if weights.len() == packing.shape().weights() {
        Ok(())
    } else {
        Err(Error::input(format!(
            "{} weights for a convolution that has {}",
            weights.len(),
            packing.shape().weights()
        )))
    }
}

/// Adds one weight polynomial's coefficients to `poly`.
fn lay_out(
    packing: &Packing,
    weights: &[i32],
    (output, input): (usize, usize),
    poly: &mut Poly<Coeff>,
) {
    let [r0, r1] = poly.residues_mut();
    for tap in packing.taps(output, input) {
        let w = i64::from(weights[tap.weight]);
        let w = if tap.negative { -w } else { w };
        // Taps of two blocks may fall on one position (short images): they add up.
        r0[tap.at] = PRIMES[0].add(r0[tap.at], PRIMES[0].signed(w));
        r1[tap.at] = PRIMES[1].add(r1[tap.at], PRIMES[1].signed(w));
    }
}
