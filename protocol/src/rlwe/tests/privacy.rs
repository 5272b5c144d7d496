//! Distributions: what a response shows, and what it must not.

use super::full::{Run, Session};
use super::*;

fn moments(errors: &[i64]) -> (f64, f64) {
    let n = errors.len() as f64;
    let mean = errors.iter().sum::<i64>() as f64 / n;
    let variance = errors.iter().map(|e| (*e as f64 - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

/// Largest distance between two empirical distributions (Kolmogorov, Smirnov).
fn ks(a: &[i64], b: &[i64]) -> f64 {
    let below = |v: &[i64], x: i64| v.iter().filter(|e| **e <= x).count() as f64 / v.len() as f64;
    (-200..200).map(|x| (below(a, x) - below(b, x)).abs()).fold(0.0, f64::max)
}

/// The layer of these tests: 4096 outputs.
fn shape() -> ConvShape {
    conv(4, 16, 16, 16, 3, 1)
}

#[test]
fn errors_have_the_predicted_distribution() {
    let mut session = Session::new(21);
    let raw = weights(&shape(), 1000, &mut session.rng);
    let mut errors = Vec::new();
    for _ in 0..4 {
        errors.extend(session.layer(&shape(), 1, &raw).errors);
    }
    let (mean, deviation) = moments(&errors);
    let flooding = 2f64.powi(FLOOD_BITS as i32) / DELTA as f64 / 12f64.sqrt();
    let expected = (DEGREE as f64 / 18.0 + 1.0 / 12.0 + flooding.powi(2)).sqrt();
    // 16384 samples, correlated through the secret: a few percent.
    assert!((deviation / expected - 1.0).abs() < 0.04, "{deviation:.2} for {expected:.2}");
    assert!(mean.abs() < 1.0, "mean {mean:.2}");
}

#[test]
fn errors_do_not_tell_weights_apart() {
    let mut session = Session::new(22);
    let small = weights(&shape(), 1, &mut session.rng);
    let large = vec![2047; shape().weights()];
    let zero = vec![0; shape().weights()];
    let errors: Vec<Vec<i64>> = [&small, &large, &zero]
        .map(|w| (0..2).flat_map(|_| session.layer(&shape(), 1, w).errors).collect())
        .into();
    for (a, b) in [(0, 1), (1, 2), (0, 2)] {
        let distance = ks(&errors[a], &errors[b]);
        // Two samples of 8192: p = 1e-4 at 2.2 * sqrt(2 / 8192).
        assert!(distance < 0.035, "{a} and {b} differ by {distance:.4}");
    }
}

#[test]
fn equal_evaluations_differ_everywhere() {
    let mut session = Session::new(23);
    let packing = Packing::choose(&shape(), 1).unwrap();
    let mut defined = Defined::none(1, shape().input.len());
    let cells = CellMap::new(&packing, &mut defined).unwrap();
    let mut r = vec![0; defined.len()];
    let seed = [1; 32];
    let upload = encrypt_mask(&session.key, &cells, &seed, 0, &mut r, &mut session.rng).unwrap();
    let input = receive_upload(&cells, &seed, 0, &upload).unwrap();
    let raw = weights(&shape(), 9, &mut session.rng);
    let mask = session.rng.u64s(shape().output().len());
    let mut response = || {
        let weights = Weights::Raw(&raw);
        evaluate(&packing, weights, &input, &session.public, &mask, &mut session.rng).unwrap()
    };
    let (one, two) = (response(), response());
    let words = |v: &[u8]| crate::bytes::u64s_from(&v[..8 * DEGREE]);
    let equal = words(&one).iter().zip(&words(&two)).filter(|(a, b)| a == b).count();
    assert_eq!(equal, 0, "positions of `a` that two responses share");
}

/// Chi-square of the bytes against uniform, 255 degrees of freedom.
fn chi_square(bytes: impl Iterator<Item = u8>) -> f64 {
    let mut counts = [0f64; 256];
    bytes.for_each(|b| counts[usize::from(b)] += 1.0);
    let expected = counts.iter().sum::<f64>() / 256.0;
    counts.iter().map(|c| (c - expected).powi(2) / expected).sum()
}

/// p = 1e-5 at 255 degrees of freedom is 361.
const UNIFORM: f64 = 361.0;

#[test]
fn masks_and_shares_look_uniform() {
    let mut session = Session::new(24);
    let packing = Packing::choose(&shape(), 2).unwrap();
    let mut defined = Defined::none(2, shape().input.len());
    let mut r = vec![0; defined.len()];
    // Even for weights of zero, whose outputs are all zero.
    let zero = vec![0; shape().weights()];
    let Run { c, mask, response, .. } =
        session.run(&packing, Weights::Raw(&zero), &zero, &mut r, &mut defined);
    let bytes = |v: Vec<u64>| v.into_iter().flat_map(u64::to_le_bytes);
    assert!(chi_square(bytes(r)) < UNIFORM);
    assert!(chi_square(bytes(c)) < UNIFORM);
    assert!(chi_square(bytes(mask)) < UNIFORM);
    assert!(chi_square(response.into_iter()) < UNIFORM);
}

#[test]
fn uploads_look_uniform() {
    let mut session = Session::new(25);
    let packing = Packing::choose(&shape(), 2).unwrap();
    let cells = CellMap::new(&packing, &mut Defined::none(2, shape().input.len())).unwrap();
    let mut r = vec![0; 2 * shape().input.len()];
    let upload = encrypt_mask(&session.key, &cells, &[2; 32], 0, &mut r, &mut session.rng).unwrap();
    // The top byte of every value is bounded by DELTA or Q; the others are uniform.
    let words = upload.chunks_exact(8).flat_map(|w| w[..7].to_vec());
    assert!(chi_square(words) < UNIFORM);
}
