//! Z_2^64: additive shares, fixed point, local truncation.
//!
//! A value `x` is shared as `x_C + x_S mod 2^64`. Reals are stored as `round(x * 2^f)` in two's
//! complement, `f` being the tensor's fractional bits.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// The client's additive share of a tensor. Secret: no `Debug`, wiped when dropped.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct ClientShare(pub(crate) Vec<u64>);

/// The server's additive share of a tensor. Secret: no `Debug`, wiped when dropped.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct ServerShare(pub(crate) Vec<u64>);

/// The client's half of local truncation by `bits`: a logical shift.
///
/// With [`truncate_server`] on the other share the sum is `floor(x / 2^bits)` or that plus one,
/// except with probability `|x| / 2^63` (SecureML, Mohassel and Zhang 2017, section 4.1).
pub fn truncate_client(share: &mut [u64], bits: u32) {
    for c in share {
        *c >>= bits;
    }
}

/// The server's half of local truncation by `bits`: negate, shift, negate.
pub fn truncate_server(share: &mut [u64], bits: u32) {
    for z in share {
        *z = (z.wrapping_neg() >> bits).wrapping_neg();
    }
}

/// `a += b`, element by element.
pub fn add_assign(a: &mut [u64], b: &[u64]) {
    for (x, y) in a.iter_mut().zip(b) {
        *x = x.wrapping_add(*y);
    }
}

/// `a -= b`, element by element.
pub fn sub_assign(a: &mut [u64], b: &[u64]) {
    for (x, y) in a.iter_mut().zip(b) {
        *x = x.wrapping_sub(*y);
    }
}

/// `round(x * 2^frac)` as a ring element; halves round away from zero.
pub fn encode(x: f64, frac: u32) -> u64 {
    // A float-to-integer cast saturates; values come from validated images and weights.
    (x * f64::from(frac).exp2()).round() as i64 as u64
}

/// The real that a ring element stands for.
pub fn decode(x: u64, frac: u32) -> f64 {
    x as i64 as f64 / f64::from(frac).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn truncation_is_floor_or_one_more(x in -(1i64 << 40)..(1i64 << 40), c: u64, bits in 1u32..16) {
            // Gross errors have probability 2^-23 here: skip the shares that make one.
            let s = (x as u64).wrapping_sub(c);
            prop_assume!((c as i64).unsigned_abs() > 1 << 41 && (c ^ (1 << 63)) > 1 << 41);
            prop_assume!(c > 1 << 41 && c < u64::MAX - (1 << 41));
            let (mut vc, mut vs) = ([c], [s]);
            truncate_client(&mut vc, bits);
            truncate_server(&mut vs, bits);
            let got = vc[0].wrapping_add(vs[0]) as i64;
            let floor = x >> bits;
            prop_assert!(got == floor || got == floor + 1, "{got} for {floor}");
        }

        #[test]
        fn shares_reconstruct(x: Vec<u64>, seed: u64) {
            let r = crate::rng::SecretRng::from_test_seed(seed).u64s(x.len());
            let mut s = x.clone();
            sub_assign(&mut s, &r);
            add_assign(&mut s, &r);
            prop_assert_eq!(s, x);
        }

        #[test]
        fn fixed_point_round_trips(x in -1000.0f64..1000.0, f in 0u32..16) {
            let err = (decode(encode(x, f), f) - x).abs();
            prop_assert!(err <= 0.5 / f64::from(f).exp2());
        }
    }
}
