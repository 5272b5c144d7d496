//! Secret distributions, without branches on what is sampled.

use zeroize::Zeroizing;

use super::params::DEGREE;
use crate::rng::SecretRng;

/// Parameter of the centred binomial noise: a difference of two 21-bit weights.
///
/// Standard deviation `sqrt(21 / 2) = 3.24`, and never above 21 in magnitude.
pub(super) const ETA: u32 = 21;

/// Flooding noise is uniform in `[-2^(FLOOD_BITS - 1), 2^(FLOOD_BITS - 1))`.
pub const FLOOD_BITS: u32 = 65;

/// One polynomial of small coefficients.
pub(super) type Small = Zeroizing<Vec<i8>>;

/// Uniform ternary coefficients.
///
/// Two random bits make a candidate, 3 is thrown away. Which candidates are thrown away is all
/// that timing could show, and it is independent of the ones that are kept.
pub(super) fn ternary(rng: &mut SecretRng) -> Small {
    let mut out = Zeroizing::new(vec![0i8; DEGREE + 1]);
    let mut kept = 0;
    while kept < DEGREE {
        let mut word = rng.u64();
        for _ in 0..32 {
            let candidate = (word & 3) as u8;
            out[kept] = candidate as i8 - 1;
            kept = (kept + usize::from(candidate != 3)).min(DEGREE);
            word >>= 2;
        }
    }
    out.truncate(DEGREE);
    out
}

/// Centred binomial coefficients.
pub(super) fn noise(rng: &mut SecretRng) -> Small {
    Zeroizing::new((0..DEGREE).map(|_| noise_value(rng)).collect())
}

fn noise_value(rng: &mut SecretRng) -> i8 {
    const MASK: u64 = (1 << ETA) - 1;
    let bits = rng.u64();
    (bits & MASK).count_ones() as i8 - (bits >> ETA & MASK).count_ones() as i8
}

/// One value of flooding noise.
#[inline]
pub(super) fn flood(rng: &mut SecretRng) -> i128 {
    let wide = u128::from(rng.u64()) << 64 | u128::from(rng.u64());
    (wide >> (128 - FLOOD_BITS)) as i128 - (1 << (FLOOD_BITS - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ternary_is_uniform() {
        let mut rng = SecretRng::from_test_seed(3);
        let mut counts = [0f64; 3];
        for _ in 0..8 {
            for t in ternary(&mut rng).iter() {
                counts[(t + 1) as usize] += 1.0;
            }
        }
        let expected = 8.0 * DEGREE as f64 / 3.0;
        let chi: f64 = counts.iter().map(|c| (c - expected).powi(2) / expected).sum();
        assert!(chi < 18.4, "chi-square {chi} at 2 degrees of freedom"); // p = 1e-4
    }

    #[test]
    fn noise_has_the_stated_deviation_and_bound() {
        let mut rng = SecretRng::from_test_seed(4);
        let (mut sum, mut squares, mut most) = (0i64, 0i64, 0);
        for _ in 0..16 {
            for e in noise(&mut rng).iter() {
                sum += i64::from(*e);
                squares += i64::from(*e).pow(2);
                most = most.max(e.unsigned_abs());
            }
        }
        let n = (16 * DEGREE) as f64;
        assert!((sum as f64 / n).abs() < 0.05);
        assert!((squares as f64 / n - 10.5).abs() < 0.3);
        assert!(most <= ETA as u8);
    }

    #[test]
    fn flooding_spans_its_width() {
        let mut rng = SecretRng::from_test_seed(5);
        let half = 2f64.powi(FLOOD_BITS as i32 - 1);
        let values: Vec<f64> = (0..4096).map(|_| flood(&mut rng) as f64 / half).collect();
        assert!(values.iter().all(|x| (-1.0..1.0).contains(x)));
        let mean = values.iter().sum::<f64>() / 4096.0;
        let variance = values.iter().map(|x| x * x).sum::<f64>() / 4096.0;
        assert!(mean.abs() < 0.04 && (variance - 1.0 / 3.0).abs() < 0.02);
    }
}
