//! Parameters and modular arithmetic: `Z_q[X] / (X^8192 + 1)`, `q = p1 * p2`, `q = 1 mod 2^64`.
//!
//! Because `q - 1 = DELTA * 2^64` exactly, a message `m` of `Z_2^64` is encoded as `DELTA * m`
//! with no rounding term, and passing from `m + 2^64` to `m` costs one unit of noise.
//! 126 bits of modulus at degree 8192 lie beyond 192-bit security in the tables of the
//! Homomorphic Encryption Standard (Albrecht et al. 2018) for a ternary secret.

use std::sync::OnceLock;

use tfhe_ntt::prime64::Plan;

/// Degree of the ring.
pub const DEGREE: usize = 8192;
/// The two NTT primes; `P[0] > P[1]`, both are 1 modulo `2 * DEGREE`.
pub const P: [u64; 2] = [0x7fff_ffff_e02d_0001, 0x7fff_c7e9_1fd3_0001];
/// The ciphertext modulus.
pub const Q: u128 = P[0] as u128 * P[1] as u128;
/// Scale of a message: `(Q - 1) / 2^64`, a little under `2^62`.
pub const DELTA: u64 = ((Q - 1) >> 64) as u64;

/// `floor(2^126 / DELTA) - 2^64`.
const DELTA_RECIPROCAL: u64 = ((1u128 << 126) / DELTA as u128 - (1 << 64)) as u64;

const _: () = assert!(Q % (1 << 64) == 1 && Q < 1 << 126 && DELTA < 1 << 62 && P[1] < P[0]);

/// A constant factor with its precomputed quotient (Shoup's modular multiplication).
#[derive(Clone, Copy)]
pub(super) struct Factor {
    w: u64,
    ratio: u64,
    p: u64,
}

impl Factor {
    const fn new(w: u64, p: u64) -> Self {
        Self { w, ratio: (((w as u128) << 64) / p as u128) as u64, p }
    }

    /// `w * x mod p` for any `x`.
    #[inline(always)]
    pub(super) fn times(self, x: u64) -> u64 {
        let quotient = high(self.ratio, x);
        reduce_once(self.w.wrapping_mul(x).wrapping_sub(quotient.wrapping_mul(self.p)), self.p)
    }
}

/// One of the two primes with its constants.
pub(super) struct Prime {
    /// The prime.
    pub(super) p: u64,
    /// `-1 / p mod 2^64`.
    neg_inv: u64,
    /// `2^64 mod p`.
    two64: Factor,
    /// `DELTA mod p`.
    delta: Factor,
    /// `2^64 / DEGREE mod p`: undoes [`Prime::redc`] and the inverse transform's factor at once.
    pub(super) normalize: Factor,
}

pub(super) const PRIMES: [Prime; 2] = [Prime::new(P[0]), Prime::new(P[1])];

/// `1 / P[0] mod P[1]`.
const P0_INVERSE: Factor = Factor::new(pow_mod(P[0] % P[1], P[1] - 2, P[1]), P[1]);

impl Prime {
    const fn new(p: u64) -> Self {
        let two64 = ((1u128 << 64) % p as u128) as u64;
        let degree_inverse = pow_mod(DEGREE as u64, p - 2, p);
        let normalize = (two64 as u128 * degree_inverse as u128 % p as u128) as u64;
        Self {
            p,
            neg_inv: inverse_mod_2_64(p).wrapping_neg(),
            two64: Factor::new(two64, p),
            delta: Factor::new(DELTA % p, p),
            normalize: Factor::new(normalize, p),
        }
    }

    /// `a + b mod p` of reduced values.
    #[inline(always)]
    pub(super) fn add(&self, a: u64, b: u64) -> u64 {
        reduce_once(a + b, self.p)
    }

    /// `x mod p` for any u64 (`2^64 < 3p`).
    #[inline(always)]
    pub(super) fn reduce(&self, x: u64) -> u64 {
        reduce_once(reduce_once(x, self.p), self.p)
    }

    /// `x mod p` for any u128.
    #[inline(always)]
    pub(super) fn reduce_wide(&self, x: u128) -> u64 {
        self.add(self.two64.times((x >> 64) as u64), self.reduce(x as u64))
    }

    /// `DELTA * message + low mod p`, with `low < p`.
    #[inline(always)]
    pub(super) fn encode(&self, message: u64, low: u64) -> u64 {
        self.add(self.delta.times(message), low)
    }

    /// `x * 2^64 mod p`: undoes [`Prime::redc`].
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn shift64(&self, x: u64) -> u64 {
        self.two64.times(x)
    }

    /// The residue of a small signed value.
    #[inline(always)]
    pub(super) fn signed(&self, x: i64) -> u64 {
        (x as u64).wrapping_add(self.p & (x >> 63) as u64)
    }

    /// `x / 2^64 mod p` for `x < p * 2^64` (Montgomery 1985).
    #[inline(always)]
    pub(super) fn redc(&self, x: u128) -> u64 {
        let m = (x as u64).wrapping_mul(self.neg_inv);
        reduce_once(((x + m as u128 * self.p as u128) >> 64) as u64, self.p)
    }
}

/// The transforms of both primes.
#[expect(clippy::expect_used, reason = "constants: every test runs this")]
pub(super) fn plans() -> &'static [Plan; 2] {
    static PLANS: OnceLock<[Plan; 2]> = OnceLock::new();
    PLANS.get_or_init(|| P.map(|p| Plan::try_new(DEGREE, p).expect("both primes are NTT primes")))
}

/// The value in `[0, Q)` with the given residues.
#[inline(always)]
pub(super) fn lift(x0: u64, x1: u64) -> u128 {
    let difference = x1.wrapping_sub(reduce_once(x0, P[1]));
    let borrowed = P[1] & (difference >> 63).wrapping_neg();
    let t = P0_INVERSE.times(difference.wrapping_add(borrowed));
    t as u128 * P[0] as u128 + x0 as u128
}

/// `(floor(x / DELTA) mod 2^64, x mod DELTA)` for `x < 2^126`, without a division.
#[inline(always)]
pub(super) fn split_delta(x: u128) -> (u64, u64) {
    let top = (x >> 62) as u64;
    // At most 3 below the true quotient: `top`, the reciprocal and the product each lose < 1.
    let mut quotient = top.wrapping_add(high(top, DELTA_RECIPROCAL));
    let mut rest = (x as u64).wrapping_sub(quotient.wrapping_mul(DELTA));
    for _ in 0..3 {
        let over = u64::from(rest >= DELTA);
        quotient = quotient.wrapping_add(over);
        rest = rest.wrapping_sub(DELTA & over.wrapping_neg());
    }
    (quotient, rest)
}

/// `round(x * 2^64 / Q) mod 2^64` for `x < Q`.
///
/// Computed as `round(x / DELTA)`: the two differ only where `x / DELTA` lies within `2^-62` of a
/// half, and then by one unit.
#[inline(always)]
pub(super) fn switch_modulus(x: u128) -> u64 {
    split_delta(x + (DELTA / 2) as u128).0
}

/// `a + b mod Q` of reduced values.
#[inline(always)]
pub(super) fn add_mod_q(a: u128, b: u128) -> u128 {
    let sum = a + b;
    let over = u128::from(sum >= Q);
    sum - (Q & over.wrapping_neg())
}

/// The representative in `[0, Q)` of a signed value of magnitude below `Q`.
#[inline(always)]
pub(super) fn signed_mod_q(x: i128) -> u128 {
    (x as u128).wrapping_add(Q & (x >> 127) as u128)
}

#[inline(always)]
fn high(a: u64, b: u64) -> u64 {
    ((a as u128 * b as u128) >> 64) as u64
}

/// `x - p` if that is not negative, else `x`; for `x < 2p`. No branch.
#[inline(always)]
pub(super) fn reduce_once(x: u64, p: u64) -> u64 {
    x.min(x.wrapping_sub(p))
}

const fn pow_mod(mut base: u64, mut exponent: u64, p: u64) -> u64 {
    let mut out = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            out = (out as u128 * base as u128 % p as u128) as u64;
        }
        base = (base as u128 * base as u128 % p as u128) as u64;
        exponent >>= 1;
    }
    out
}

/// Newton's iteration; `p` is odd.
const fn inverse_mod_2_64(p: u64) -> u64 {
    let mut x = 1u64;
    let mut i = 0;
    while i < 6 {
        x = x.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(x)));
        i += 1;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check_split(x: u128) {
        let (u, low) = split_delta(x);
        assert_eq!(u, (x / DELTA as u128) as u64, "{x:#x}");
        assert_eq!(low as u128, x % DELTA as u128, "{x:#x}");
    }

    #[test]
    fn split_is_exact_at_the_edges() {
        let d = DELTA as u128;
        for m in [0, 1, 2, d, 1 << 62, 1 << 63, (1 << 64) - 2, (1 << 64) - 1] {
            for x in [m * d, m * d + 1, m * d + d - 1, (m * d).saturating_sub(1)] {
                check_split(x.min((1 << 126) - 1));
            }
        }
        for x in [0, Q - 1, Q, Q + d / 2, (1 << 126) - 1] {
            check_split(x);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn arithmetic_agrees_with_division(x: u128, y: u128, small in -(1i64 << 40)..(1i64 << 40)) {
            let (x, y) = (x % Q, y % Q);
            check_split(x);
            prop_assert_eq!(lift((x % P[0] as u128) as u64, (x % P[1] as u128) as u64), x);
            prop_assert_eq!(add_mod_q(x, y), (x + y) % Q);
            prop_assert_eq!(signed_mod_q(small as i128), (small as i128).rem_euclid(Q as i128) as u128);
            for prime in &PRIMES {
                let p = prime.p as u128;
                prop_assert_eq!(prime.reduce_wide(y << 2) as u128, (y << 2) % p);
                prop_assert_eq!(prime.reduce(x as u64) as u128, (x as u64) as u128 % p);
                prop_assert_eq!(prime.signed(small) as i128, (small as i128).rem_euclid(p as i128));
                let low = y as u64 % DELTA;
                let encoded = (DELTA as u128 * (x as u64 as u128) + low as u128) % p;
                prop_assert_eq!(prime.encode(x as u64, low) as u128, encoded);
                let montgomery = prime.redc(x % (p << 64)) as u128;
                prop_assert_eq!((montgomery << 64) % p, x % p);
            }
        }

        #[test]
        fn switch_rounds(x: u128) {
            let x = x % Q;
            // floor((2^65 x + Q) / 2Q), with the numerator split to stay in 128 bits.
            let (whole, rest) = (x / DELTA as u128, x % DELTA as u128);
            let got = switch_modulus(x);
            let exact = whole as u64;
            let up = rest >= (DELTA / 2) as u128;
            prop_assert!(got == exact.wrapping_add(u64::from(up)) || rest.abs_diff((DELTA / 2) as u128) < 2);
        }
    }
}
