//! Polynomials at work, for the instruction counts: what the protocol's own modules cannot reach.

use super::params::DEGREE;
use super::poly::{Accumulator, Ntt, Poly, product};
use crate::rng::SecretRng;

fn transformed(rng: &mut SecretRng) -> Poly<Ntt> {
    Poly::from_u64s(&rng.u64s(DEGREE)).into_ntt()
}

/// The forward transform modulo both primes.
pub(crate) fn forward(seed: u64) -> impl FnMut() {
    let poly = Poly::from_u64s(&SecretRng::from_test_seed(seed).u64s(DEGREE));
    move || drop(std::hint::black_box(poly.clone().into_ntt()))
}

/// One product and the inverse transform.
pub(crate) fn product_to_coefficients(seed: u64) -> impl FnMut() {
    let mut rng = SecretRng::from_test_seed(seed);
    let (left, right) = (transformed(&mut rng), transformed(&mut rng));
    move || drop(std::hint::black_box(product(&left, &right)))
}

/// `count` products, added up.
pub(crate) fn products(count: usize) -> impl FnMut() {
    let mut rng = SecretRng::from_test_seed(count as u64);
    let left: Vec<_> = (0..count).map(|_| transformed(&mut rng)).collect();
    let right: Vec<_> = (0..count).map(|_| transformed(&mut rng)).collect();
    let mut sum = Accumulator::new();
    move || sum.add_products(&left.iter().collect::<Vec<_>>(), &right.iter().collect::<Vec<_>>())
}
