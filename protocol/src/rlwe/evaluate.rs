//! The server's part: products with the weights, then a response that hides them.
//!
//! # Circuit privacy
//!
//! Every response ciphertext is the sum of products plus a fresh encryption of `-mask` under the
//! client's public key, plus flooding noise on `b`:
//!
//! ```text
//! a' = sum w*a_i + pk.a*u + e1
//! b' = sum w*b_i + pk.b*u + e2 + DELTA*(-mask) + flood
//! ```
//!
//! The client knows `s`, so what it learns is `a'` and the phase `b' - a'*s`. The phase is
//! `DELTA*c + flood + v` with `v` bounded as in [`super::noise`]: `flood` is uniform over `2^65`
//! values and hides `v`, including `v`'s dependence on `u` and `e1`, within `2^-40` per sent
//! coefficient. With the phase simulated from `c` alone, nothing but `a'` depends on `u` and
//! `e1`, and `pk.a*u + e1` is a ring-LWE sample with secret `u`: `a'` is indistinguishable from
//! uniform whatever the weights. Coefficients of `b` that are no outputs are never sent.

use rayon::prelude::*;

use super::keys::PublicKey;
use super::packing::Packing;
use super::params::{DEGREE, DELTA, add_mod_q, signed_mod_q, switch_modulus};
use super::poly::{Accumulator, Coeff, Poly};
use super::sampling::{self, Small};
use super::upload::Ciphertext;
use super::weights::Weights;
use crate::error::{Error, Result};
use crate::rng::SecretRng;

/// Weight polynomials that one response group has in memory at a time.
const WEIGHT_BATCH: usize = 8;

/// Server: the responses for one batch, response group by response group, tile by tile.
///
/// `input` is what [`super::receive_upload`] gave for this packing; `mask` is the server's uniform
/// mask `s`, `[ticket][output CHW]`. The client will decrypt `c = L(r) - s`, off by a small error.
/// The result has [`Packing::response_bytes`] bytes. It reveals the weights unless
/// [`super::check_flooding`] accepts them.
///
/// # Errors
/// [`Error::Input`] if an argument does not fit the packing.
pub fn evaluate(
    packing: &Packing,
    weights: Weights<'_>,
    input: &[Ciphertext],
    key: &PublicKey,
    mask: &[u64],
    rng: &mut SecretRng,
) -> Result<Vec<u8>> {
    let evaluation = Evaluation { packing, weights, input, key, mask };
    let groups = evaluation.groups(rng)?;
    let parts: Vec<Vec<u8>> =
        groups.into_par_iter().map(|g| evaluation.respond(g, &|| ())).collect();
    Ok(parts.concat())
}

/// What [`evaluate`] works on, for a caller that hands out its parts itself.
#[derive(Clone, Copy)]
pub struct Evaluation<'a> {
    /// How the layer is laid out.
    pub packing: &'a Packing,
    /// Its weights.
    pub weights: Weights<'a>,
    /// The upload.
    pub input: &'a [Ciphertext],
    /// The client's key.
    pub key: &'a PublicKey,
    /// The server's mask.
    pub mask: &'a [u64],
}

/// One response group of an [`Evaluation`], with its randomness.
pub struct ResponseGroup {
    index: usize,
    rngs: Vec<SecretRng>,
}

impl Evaluation<'_> {
    /// The response groups, in the order in which they travel.
    ///
    /// # Errors
    /// As [`evaluate`].
    pub fn groups(&self, rng: &mut SecretRng) -> Result<Vec<ResponseGroup>> {
        let packing = self.packing;
        self.weights.check(packing)?;
        let outputs = packing.batch() * packing.shape().output().len();
        if self.input.len() != packing.uploads() || self.mask.len() != outputs {
            return Err(Error::input("ciphertexts or masks do not fit the packing"));
        }
        let mut rngs = || (0..packing.tiles()).map(|_| rng.fork()).collect();
        let groups = 0..packing.output_groups();
        Ok(groups.map(|index| ResponseGroup { index, rngs: rngs() }).collect())
    }

    /// The responses of one group, tile by tile. Calls `pause` every few milliseconds, when nothing
    /// waits for the thread.
    pub fn respond(&self, group: ResponseGroup, pause: &(dyn Fn() + Sync)) -> Vec<u8> {
        let ResponseGroup { index, rngs } = group;
        let sums = sum_products(self.packing, self.weights, index, self.input, pause);
        let jobs: Vec<_> = sums.into_iter().zip(rngs).enumerate().collect();
        let parts: Vec<Vec<u8>> = jobs
            .into_par_iter()
            .map(|(tile, (sum, mut rng))| {
                respond(self.packing, tile, index, sum, self.key, self.mask, &mut rng)
            })
            .collect();
        parts.concat()
    }
}

/// Sums of products for the two polynomials of a response.
pub(super) struct Sum {
    pub(super) a: Accumulator,
    pub(super) b: Accumulator,
}

impl Sum {
    fn new() -> Self {
        Self { a: Accumulator::new(), b: Accumulator::new() }
    }
}

/// The sums of one response group, for every tile; each weight polynomial is used for all tiles.
pub(super) fn sum_products(
    packing: &Packing,
    weights: Weights<'_>,
    group: usize,
    input: &[Ciphertext],
    pause: &(dyn Fn() + Sync),
) -> Vec<Sum> {
    let groups = packing.input_groups();
    let mut sums: Vec<Sum> = (0..packing.tiles()).map(|_| Sum::new()).collect();
    let mut scratch = Vec::new();
    for start in (0..groups).step_by(WEIGHT_BATCH) {
        pause();
        let range = start..(start + WEIGHT_BATCH).min(groups);
        weights.with(packing, group, range.clone(), &mut scratch, |polys| {
            sums.par_iter_mut().zip(input.par_chunks_exact(groups)).for_each(|(sum, tile)| {
                let (a, b): (Vec<_>, Vec<_>) =
                    tile[range.clone()].iter().map(|c| (&c.a, &c.b)).unzip();
                sum.a.add_products(polys, &a);
                sum.b.add_products(polys, &b);
            });
        });
    }
    sums
}

/// One response: freshened, flooded, switched to modulus `2^64`.
fn respond(
    packing: &Packing,
    tile: usize,
    group: usize,
    mut sum: Sum,
    key: &PublicKey,
    mask: &[u64],
    rng: &mut SecretRng,
) -> Vec<u8> {
    let u = Poly::from_signed(&sampling::ternary(rng)).into_ntt();
    sum.a.add_products(&[&key.a], &[&u]);
    sum.b.add_products(&[&key.b], &[&u]);
    let mut out = Vec::with_capacity(8 * (DEGREE + packing.wanted_count(tile, group)));
    put_a(&mut out, &sum.a.into_coeff(), &sampling::noise(rng));
    let (b, e2) = (sum.b.into_coeff(), sampling::noise(rng));
    for (at, element) in packing.wanted(tile, group) {
        let message = u128::from(DELTA) * u128::from(mask[element].wrapping_neg());
        let noise = i128::from(e2[at]) + sampling::flood(rng);
        let x = add_mod_q(add_mod_q(b.lift(at), message), signed_mod_q(noise));
        out.extend_from_slice(&switch_modulus(x).to_le_bytes());
    }
    out
}

fn put_a(out: &mut Vec<u8>, a: &Poly<Coeff>, e1: &Small) {
    for (i, e) in e1.iter().enumerate() {
        let x = add_mod_q(a.lift(i), signed_mod_q(i128::from(*e)));
        out.extend_from_slice(&switch_modulus(x).to_le_bytes());
    }
}
