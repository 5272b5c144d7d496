//! The upload: the client's masks under its own key, half of it implicit.
//!
//! A symmetric encryption of `r` has `b = a*s + e + DELTA*r`. Here `r` only has to be *uniform*,
//! not any given value, so the client lets a public stream choose the high half of `b`:
//!
//! ```text
//! a*s + e = DELTA*u + low        (division with remainder, low < DELTA)
//! b       = DELTA*h + low        (h from the public stream)
//! r       = h - u mod 2^64       (so that b - a*s = DELTA*r + e, up to one unit)
//! ```
//!
//! Only `low` travels: 62 bits instead of 126. This is the protocol's own; the argument: by
//! ring-LWE `a*s + e` is indistinguishable from uniform over `Z_q` given `a`, so `(u, low)` is
//! indistinguishable from uniform over `[0, 2^64) x [0, DELTA)` (all of `Z_q` but one value). The
//! server sees `a`, `h` and `low`, all independent of `u`: given its view `r = h - u` is uniform,
//! which is all that a mask must be. The view itself is simulated by uniform values.
//!
//! Where a coefficient must have a *given* value (zero between images, or a mask that an earlier
//! ciphertext has fixed) `b` travels whole, an ordinary encryption. Coefficients that no output
//! can see do not travel; their phase is noise, and reaches no coefficient that is ever sent.

use rayon::prelude::*;

use super::keys::SecretKey;
use super::packing::{Cell, CellMap, Defined};
use super::params::{DEGREE, DELTA, PRIMES, Q, add_mod_q, split_delta};
use super::poly::{Coeff, Ntt, Poly};
use crate::bytes::Reader;
use crate::error::{Error, Result};
use crate::rng::{PublicPrg, PublicSeed, SecretRng};

const UPLOAD_DOMAIN: &str = "tacita rlwe upload v1";

/// Ciphertexts that the client holds at a time: bounds its memory.
const CHUNK: usize = 64;

/// An upload ciphertext as the server evaluates it.
#[derive(Clone)]
pub struct Ciphertext {
    pub(super) a: Poly<Ntt>,
    pub(super) b: Poly<Ntt>,
}

/// The public stream of one ciphertext: `a`, then one `h` for each free cell in order.
fn public_stream(seed: &PublicSeed, stream: u32, ciphertext: usize) -> (Poly<Ntt>, PublicPrg) {
    let index = u64::from(stream) << 32 | ciphertext as u64;
    let mut prg = PublicPrg::new(seed, UPLOAD_DOMAIN, index);
    (Poly::uniform(&mut prg), prg)
}

/// Client: encrypts the masks of one tensor, and defines those in `Free` cells.
///
/// `r` is `[ticket][CHW]`; elements that an earlier packing defined are read, those that this one
/// defines are written. `seed` must be fresh for every batch, `stream` distinct for every packing
/// under one seed. The result has [`CellMap::bytes`] bytes.
///
/// # Errors
/// [`Error::Input`] if `r` has the wrong length.
pub fn encrypt_mask(
    key: &SecretKey,
    cells: &CellMap,
    seed: &PublicSeed,
    stream: u32,
    r: &mut [u64],
    rng: &mut SecretRng,
) -> Result<Vec<u8>> {
    if r.len() != cells.elements() {
        return Err(Error::input("the masks do not fit the packing"));
    }
    let mut out = Vec::with_capacity(cells.bytes());
    let all: Vec<usize> = (0..cells.ciphertexts()).collect();
    for chunk in all.chunks(CHUNK) {
        let forks: Vec<_> = chunk.iter().map(|i| (*i, rng.fork())).collect();
        let masked: Vec<_> = forks
            .into_par_iter()
            .map(|(i, mut rng)| {
                let (a, prg) = public_stream(seed, stream, i);
                (i, key.masked(&a, &mut rng), prg)
            })
            .collect();
        // In order: a cell may carry a mask that the ciphertext before has just defined.
        for (i, masked, prg) in masked {
            write_ciphertext(cells, i, &masked, prg, r, &mut out);
        }
    }
    Ok(out)
}

fn write_ciphertext(
    cells: &CellMap,
    index: usize,
    masked: &Poly<Coeff>,
    mut prg: PublicPrg,
    r: &mut [u64],
    out: &mut Vec<u8>,
) {
    for (j, cell) in cells.cells(index).enumerate() {
        match cell {
            Cell::Free(element) => {
                let (u, low) = split_delta(masked.lift(j));
                r[element] = prg.u64().wrapping_sub(u);
                out.extend_from_slice(&low.to_le_bytes());
            }
            Cell::Known(element) => {
                let message = u128::from(DELTA) * u128::from(r[element]);
                let b = add_mod_q(masked.lift(j), message);
                out.extend_from_slice(&b.to_le_bytes());
            }
            Cell::Zero => out.extend_from_slice(&masked.lift(j).to_le_bytes()),
            Cell::Skip => {}
        }
    }
}

/// Server: reads an upload, tile by tile, input group by input group.
///
/// # Errors
/// [`Error::PeerMisbehaved`] for a wrong length or a value out of range.
pub fn receive_upload(
    cells: &CellMap,
    seed: &PublicSeed,
    stream: u32,
    bytes: &[u8],
) -> Result<Vec<Ciphertext>> {
    let parts: Vec<_> = cells.split(bytes)?.into_iter().enumerate().collect();
    parts.into_par_iter().map(|part| receive_ciphertext(cells, seed, stream, part)).collect()
}

/// Server: reads one of the parts that [`CellMap::split`] makes of an upload, with its number.
///
/// # Errors
/// As [`receive_upload`].
pub fn receive_ciphertext(
    cells: &CellMap,
    seed: &PublicSeed,
    stream: u32,
    (index, bytes): (usize, &[u8]),
) -> Result<Ciphertext> {
    let (a, mut prg) = public_stream(seed, stream, index);
    let mut reader = Reader::new(bytes);
    let mut b = Poly::<Coeff>::zero();
    let [b0, b1] = b.residues_mut();
    for (j, cell) in cells.cells(index).enumerate().take(DEGREE) {
        [b0[j], b1[j]] = match cell {
            Cell::Free(_) => {
                let low = checked(reader.u64()?, DELTA)?;
                let h = prg.u64();
                [PRIMES[0].encode(h, low), PRIMES[1].encode(h, low)]
            }
            Cell::Known(_) | Cell::Zero => {
                let whole = checked(reader.u128()?, Q)?;
                [PRIMES[0].reduce_wide(whole), PRIMES[1].reduce_wide(whole)]
            }
            Cell::Skip => [0, 0],
        };
    }
    reader.finish()?;
    Ok(Ciphertext { a, b: b.into_ntt() })
}

fn checked<T: PartialOrd>(value: T, bound: T) -> Result<T> {
    if value < bound {
        Ok(value)
    } else {
        Err(Error::misbehaved("an upload with a value out of range"))
    }
}

/// Client: draws the masks that no convolution defined, because none reads those elements.
pub fn draw_missing(defined: &Defined, r: &mut [u64], rng: &mut SecretRng) {
    for (_, mask) in r.iter_mut().enumerate().filter(|(element, _)| !defined.contains(*element)) {
        *mask = rng.u64();
    }
}
