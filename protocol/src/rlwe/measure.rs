//! Transforms and products by themselves, for measurements: random polynomials, no ciphertexts.

use super::params::DEGREE;
use super::poly::{Accumulator, Coeff, Ntt, Poly};
use crate::rng::SecretRng;

/// A polynomial modulo both primes, as coefficients.
pub struct Plain(Poly<Coeff>);

/// A polynomial modulo both primes, transformed.
pub struct Transformed(Poly<Ntt>);

/// A sum of products of transformed polynomials.
pub struct Products(Accumulator);

impl Plain {
    /// Uniform 64-bit coefficients.
    pub fn random(rng: &mut SecretRng) -> Self {
        Self(Poly::from_u64s(&rng.u64s(DEGREE)))
    }

    /// The forward transform.
    pub fn forward(self) -> Transformed {
        Transformed(self.0.into_ntt())
    }
}

impl Products {
    /// Zero.
    #[expect(clippy::new_without_default, reason = "there is no default sum")]
    pub fn new() -> Self {
        Self(Accumulator::new())
    }

    /// Adds the products, left by right.
    pub fn add(&mut self, left: &[Transformed], right: &[Transformed]) {
        let left: Vec<_> = left.iter().map(|p| &p.0).collect();
        let right: Vec<_> = right.iter().map(|p| &p.0).collect();
        self.0.add_products(&left, &right);
    }

    /// The inverse transform, with the reduction that the lazy sum left to do.
    pub fn inverse(self) -> Plain {
        Plain(self.0.into_coeff())
    }
}
