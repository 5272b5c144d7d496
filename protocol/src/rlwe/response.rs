//! The client's part: from responses to its share of the layer's output.

use rayon::prelude::*;

use super::keys::SecretKey;
use super::packing::Packing;
use super::params::{DEGREE, Q};
use super::poly::{Coeff, Poly, product};
use crate::bytes::u64s_from;
use crate::error::{Error, Result};

/// Client: decrypts responses to `c = L(r) - s`, `[ticket][output CHW]`.
///
/// Each value is off by a rounding and flooding error of standard deviation about 21.5 units
/// (`sqrt(8192 / 18)` for switching the modulus, and `8 / sqrt(12)` for the flooding).
///
/// # Errors
/// [`Error::PeerMisbehaved`] for a wrong length.
pub fn decrypt_response(key: &SecretKey, packing: &Packing, bytes: &[u8]) -> Result<Vec<u64>> {
    if bytes.len() != packing.response_bytes() {
        return Err(Error::misbehaved(format!(
            "responses of {} bytes instead of {}",
            bytes.len(),
            packing.response_bytes()
        )));
    }
    let parts: Vec<Vec<u64>> = split(packing, bytes)
        .into_par_iter()
        .map(|(tile, group, part)| decrypt(key, packing, tile, group, part))
        .collect();
    let mut out = vec![0; packing.batch() * packing.shape().output().len()];
    let order = order(packing).flat_map(|(tile, group)| packing.wanted(tile, group));
    for ((_, element), c) in order.zip(parts.into_iter().flatten()) {
        out[element] = c;
    }
    Ok(out)
}

/// Responses in the order in which they travel, as (tile, response group).
fn order(packing: &Packing) -> impl Iterator<Item = (usize, usize)> {
    let tiles = packing.tiles();
    (0..packing.output_groups()).flat_map(move |group| (0..tiles).map(move |tile| (tile, group)))
}

fn split<'a>(packing: &Packing, bytes: &'a [u8]) -> Vec<(usize, usize, &'a [u8])> {
    let mut rest = bytes;
    order(packing)
        .map(|(tile, group)| {
            let (head, tail) = rest.split_at(8 * (DEGREE + packing.wanted_count(tile, group)));
            rest = tail;
            (tile, group, head)
        })
        .collect()
}

/// `b - a*s mod 2^64` at the wanted coefficients.
fn decrypt(
    key: &SecretKey,
    packing: &Packing,
    tile: usize,
    group: usize,
    bytes: &[u8],
) -> Vec<u64> {
    let (a, b) = bytes.split_at(8 * DEGREE);
    let a = Poly::from_u64s(&u64s_from(a)).into_ntt();
    let masked = product(&a, &key.s);
    let wanted = packing.wanted(tile, group).map(|(at, _)| at);
    wanted.zip(u64s_from(b)).map(|(at, b)| b.wrapping_sub(centred(&masked, at))).collect()
}

/// The coefficient in `(-Q/2, Q/2)`, modulo `2^64`.
///
/// The product of 64-bit values with a ternary secret is below `2^77` in magnitude, so modulo `Q`
/// it is exact; `Q = 1 mod 2^64` makes the correction of a negative value a subtraction of 1.
fn centred(poly: &Poly<Coeff>, at: usize) -> u64 {
    let x = poly.lift(at);
    (x as u64).wrapping_sub(u64::from(x > Q / 2))
}
