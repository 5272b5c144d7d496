//! The client's key pair.
//!
//! One phase convention everywhere: a ciphertext `(a, b)` carries `b - a*s = DELTA*m + noise`.

use zeroize::ZeroizeOnDrop;

use super::params::{DEGREE, PRIMES};
use super::poly::{Coeff, Ntt, Poly, product};
use super::sampling::{self, Small};
use crate::bytes::{Reader, put_u64s};
use crate::error::{Error, Result};
use crate::rng::{PublicPrg, PublicSeed, SecretRng};

const KEY_DOMAIN: &str = "tacita rlwe public key v1";

/// The client's ternary secret. No `Debug`, wiped when dropped.
#[derive(ZeroizeOnDrop)]
pub struct SecretKey {
    pub(super) s: Poly<Ntt>,
}

impl SecretKey {
    /// A fresh secret.
    pub fn generate(rng: &mut SecretRng) -> Self {
        Self { s: Poly::from_signed(&sampling::ternary(rng)).into_ntt() }
    }

    /// A public key for this secret: an encryption of zero.
    pub fn public_key(&self, rng: &mut SecretRng) -> PublicKey {
        let seed = rng.array();
        let a = expand(&seed);
        let b = self.masked(&a, rng).into_ntt();
        PublicKey { seed, a, b }
    }

    /// `a*s + e` with fresh noise.
    pub(super) fn masked(&self, a: &Poly<Ntt>, rng: &mut SecretRng) -> Poly<Coeff> {
        let mut sum = product(a, &self.s);
        add_small(&mut sum, &sampling::noise(rng));
        sum
    }
}

fn add_small(poly: &mut Poly<Coeff>, small: &Small) {
    for (prime, residues) in PRIMES.iter().zip(poly.residues_mut()) {
        for (r, e) in residues.iter_mut().zip(small.iter()) {
            *r = prime.add(*r, prime.signed(i64::from(*e)));
        }
    }
}

fn expand(seed: &PublicSeed) -> Poly<Ntt> {
    Poly::uniform(&mut PublicPrg::new(seed, KEY_DOMAIN, 0))
}

/// The client's public key, with which the server freshens every response.
#[derive(Clone)]
pub struct PublicKey {
    seed: PublicSeed,
    pub(super) a: Poly<Ntt>,
    pub(super) b: Poly<Ntt>,
}

impl PublicKey {
    /// Length on the wire: a seed and the transform values of `b`.
    pub const BYTES: usize = 32 + 2 * 8 * DEGREE;

    /// The wire form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::BYTES);
        out.extend_from_slice(&self.seed);
        put_u64s(&mut out, self.b.values());
        out
    }

    /// Reads the wire form.
    ///
    /// # Errors
    /// [`Error::PeerMisbehaved`] for a wrong length or a value that is not reduced.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if bytes.len() != Self::BYTES {
            return Err(Error::misbehaved("an encryption key of the wrong length"));
        }
        let mut reader = Reader::new(bytes);
        let seed = reader.array()?;
        let b = Poly::from_wire(reader.u64s(2 * DEGREE)?)
            .ok_or_else(|| Error::misbehaved("an encryption key with values out of range"))?;
        reader.finish()?;
        Ok(Self { a: expand(&seed), seed, b })
    }
}
