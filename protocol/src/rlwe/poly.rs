//! Polynomials by residue, with the domain in the type, and the lazy multiply-accumulate.

use std::marker::PhantomData;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::kernel::Sums;
use super::params::{DEGREE, P, PRIMES, lift, plans};
use crate::rng::PublicPrg;

/// Coefficients in order.
#[derive(Clone)]
pub(super) enum Coeff {}
/// Values of the negacyclic transform, in its bit-reversed order.
#[derive(Clone)]
pub(super) enum Ntt {}

/// A ring element: reduced residues modulo `P[0]`, then modulo `P[1]`.
///
/// Wiped when dropped: many are secret, and wiping is cheap next to a transform. Mixing the
/// domains does not compile; the way from [`Ntt`] back to [`Coeff`] is an [`Accumulator`].
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Poly<D> {
    values: Vec<u64>,
    domain: PhantomData<D>,
}

impl<D> Poly<D> {
    pub(super) fn zero() -> Self {
        Self::of(vec![0; 2 * DEGREE])
    }

    fn of(values: Vec<u64>) -> Self {
        Self { values, domain: PhantomData }
    }

    /// Makes it zero.
    pub(super) fn clear(&mut self) {
        self.values.fill(0);
    }

    /// A zero element in this one's memory; this one has none left.
    pub(super) fn take_cleared(&mut self) -> Poly<Coeff> {
        self.clear();
        Poly::of(std::mem::take(&mut self.values))
    }

    /// The residues modulo each prime.
    pub(super) fn residues(&self) -> [&[u64]; 2] {
        let (a, b) = self.values.split_at(DEGREE);
        [a, b]
    }

    /// The residues modulo each prime, to write.
    pub(super) fn residues_mut(&mut self) -> [&mut [u64]; 2] {
        let (a, b) = self.values.split_at_mut(DEGREE);
        [a, b]
    }

    /// All residues, for the wire.
    pub(super) fn values(&self) -> &[u64] {
        &self.values
    }
}

impl Poly<Coeff> {
    /// Small signed coefficients.
    pub(super) fn from_signed(coefficients: &[i8]) -> Self {
        let mut out = Self::zero();
        for (prime, residues) in PRIMES.iter().zip(out.residues_mut()) {
            for (r, c) in residues.iter_mut().zip(coefficients) {
                *r = prime.signed(i64::from(*c));
            }
        }
        out
    }

    /// Unsigned 64-bit coefficients.
    pub(super) fn from_u64s(coefficients: &[u64]) -> Self {
        let mut out = Self::zero();
        for (prime, residues) in PRIMES.iter().zip(out.residues_mut()) {
            for (r, c) in residues.iter_mut().zip(coefficients) {
                *r = prime.reduce(*c);
            }
        }
        out
    }

    /// The coefficient `i` in `[0, Q)`.
    #[inline(always)]
    pub(super) fn lift(&self, i: usize) -> u128 {
        lift(self.values[i], self.values[DEGREE + i])
    }

    /// The forward transform.
    pub(super) fn into_ntt(mut self) -> Poly<Ntt> {
        for (plan, residues) in plans().iter().zip(self.residues_mut()) {
            plan.fwd(residues);
        }
        Poly::of(std::mem::take(&mut self.values))
    }
}

impl Poly<Ntt> {
    /// A uniform ring element of a public stream (the transform is a bijection).
    pub(super) fn uniform(prg: &mut PublicPrg) -> Self {
        let mut out = Self::zero();
        for (p, residues) in P.into_iter().zip(out.residues_mut()) {
            residues.fill_with(|| below(prg, p));
        }
        out
    }

    /// Transform values off the wire; `None` unless there are enough and all are reduced.
    pub(super) fn from_wire(values: Vec<u64>) -> Option<Self> {
        if values.len() != 2 * DEGREE {
            return None;
        }
        let out = Self::of(values);
        let reduced = P.iter().zip(out.residues()).all(|(p, r)| r.iter().all(|x| x < p));
        reduced.then_some(out)
    }
}

/// A uniform value below a 63-bit prime, by rejection.
fn below(prg: &mut PublicPrg, p: u64) -> u64 {
    loop {
        let x = prg.u64() >> 1;
        if x < p {
            return x;
        }
    }
}

/// A sum of products of transformed polynomials, reduced lazily.
pub(super) struct Accumulator {
    sums: [Sums; 2],
}

impl Accumulator {
    pub(super) fn new() -> Self {
        Self { sums: [Sums::new(DEGREE), Sums::new(DEGREE)] }
    }

    /// Adds the sum of `left[i] * right[i]`.
    pub(super) fn add_products(&mut self, left: &[&Poly<Ntt>], right: &[&Poly<Ntt>]) {
        for (i, (sums, prime)) in self.sums.iter_mut().zip(&PRIMES).enumerate() {
            let l: Vec<_> = left.iter().map(|x| x.residues()[i]).collect();
            let r: Vec<_> = right.iter().map(|x| x.residues()[i]).collect();
            sums.add_products(&l, &r, prime);
        }
    }

    /// The sum as coefficients.
    pub(super) fn into_coeff(self) -> Poly<Coeff> {
        let mut out = Poly::zero();
        let parts = out.residues_mut().into_iter().zip(&self.sums);
        for ((prime, plan), (r, sums)) in PRIMES.iter().zip(plans()).zip(parts) {
            sums.reduce(r, prime);
            plan.inv(r);
            for r in r {
                *r = prime.normalize.times(*r);
            }
        }
        out
    }
}

/// The product of two transformed polynomials, as coefficients.
pub(super) fn product(left: &Poly<Ntt>, right: &Poly<Ntt>) -> Poly<Coeff> {
    let mut sum = Accumulator::new();
    sum.add_products(&[left], &[right]);
    sum.into_coeff()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rlwe::params::signed_mod_q;
    use crate::rng::SecretRng;

    #[test]
    fn product_is_the_negacyclic_convolution() {
        let mut rng = SecretRng::from_test_seed(1);
        let a = rng.u64s(DEGREE);
        let mut sparse = vec![0i8; DEGREE];
        let taps: Vec<_> =
            (0..40).map(|_| (rng.u64() as usize % DEGREE, (rng.u64() % 21) as i8 - 10)).collect();
        for (at, w) in &taps {
            sparse[*at] = *w;
        }
        let left = Poly::from_u64s(&a).into_ntt();
        let right = Poly::from_signed(&sparse).into_ntt();
        let got = product(&left, &right);
        for i in 0..DEGREE {
            let expected: i128 = (0..DEGREE)
                .filter(|j| sparse[*j] != 0)
                .map(|j| {
                    let term = i128::from(sparse[j]) * i128::from(a[(i + DEGREE - j) % DEGREE]);
                    if j > i { -term } else { term }
                })
                .sum();
            assert_eq!(got.lift(i), signed_mod_q(expected), "coefficient {i}");
        }
    }

    #[test]
    fn many_products_of_extreme_values_agree_with_division() {
        // All-maximal values are the worst case of the lazy reduction.
        for count in [1, 2, 3, 8, 9] {
            let top: Vec<u64> = P.iter().flat_map(|p| vec![p - 1; DEGREE]).collect();
            let x = Poly::<Ntt>::from_wire(top).unwrap();
            let mut sum = Accumulator::new();
            for _ in 0..5 {
                sum.add_products(&vec![&x; count], &vec![&x; count]);
            }
            // (-1)^2 added 5 * count times at every point is the constant polynomial.
            let got = sum.into_coeff();
            assert_eq!(got.lift(0), 5 * count as u128);
            assert!((1..DEGREE).all(|i| got.lift(i) == 0));
        }
    }

    #[test]
    fn unreduced_wire_values_are_refused() {
        let mut values = vec![0; 2 * DEGREE];
        values[DEGREE + 5] = P[1];
        assert!(Poly::<Ntt>::from_wire(values.clone()).is_none());
        values[DEGREE + 5] = P[1] - 1;
        assert!(Poly::<Ntt>::from_wire(values).is_some());
        assert!(Poly::<Ntt>::from_wire(vec![0; DEGREE]).is_none());
    }
}
