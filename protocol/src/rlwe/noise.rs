//! How far the server's weights could show in the noise of a response, and the refusal.
//!
//! A response's phase at an output is `DELTA * c + flood + v`, `v` being everything that depends
//! on the weights or on the server's other coins:
//!
//! * `sum of w * e` over every weight of the response's polynomials: aliasing makes the noise of
//!   *all* output channels packed together meet in one coefficient, so the sum runs over all
//!   weights of the layer, whatever the packing. The `e` are the client's honest centred binomial
//!   noise: the sum is at most `21 * |w|_1`, and, `e` being subgaussian with variance proxy 10.5,
//!   at most `31 * |w|_2` except with probability `2^-65`. The smaller bound counts.
//! * `k <= |w_o|_1` (one channel) for reducing an integer convolution modulo `2^64`
//!   (`DELTA * 2^64 = q - 1`), and 1 for subtracting the server's mask.
//! * the noise of the fresh encryption, `e*u + e2 - e1*s`: at most `31 * sqrt(2 * 8192 + 1)`, with
//!   the same exception.
//!
//! Flooding uniform over `2^65` values moves by `v` in statistical distance `|v| / 2^65`: this is
//! the bound *per coefficient*, and the one that is checked against 40 bits. Over a ticket the
//! distances add up: a ticket with `2^18` output coefficients at 44 bits each is within `2^-26` of
//! a simulation that knows no weights. The figure is worst case over the noise; see
//! [`flooding_bits`].

use super::params::DEGREE;
use super::sampling::{ETA, FLOOD_BITS};
use crate::error::{Error, Result};
use crate::plan::ConvShape;

/// Least statistical distance per coefficient, in bits, that [`check_flooding`] accepts.
pub const MIN_FLOODING_BITS: u32 = 40;

/// `31^2 / (2 * 10.5) / ln 2 - 1 = 65.0`: a subgaussian tail of `2^-65`.
const TAIL: u128 = 31;

/// Bounds the noise that a layer's weights leave in any response coefficient, in units of the
/// ciphertext modulus; `weights` in (output, input, row, column) order.
pub fn noise_bound(weights: &[i32], shape: &ConvShape) -> u128 {
    let per_channel = shape.group_inputs() * shape.kernel_h * shape.kernel_w;
    let norm = |w: &[i32]| w.iter().map(|w| u128::from(w.unsigned_abs())).sum::<u128>();
    let widest = weights.chunks(per_channel.max(1)).map(norm).max().unwrap_or(0);
    let squares: u128 = weights.iter().map(|w| u128::from(w.unsigned_abs()).pow(2)).sum();
    let noise = (u128::from(ETA) * norm(weights)).min(TAIL * (squares.isqrt() + 1));
    noise + widest + 1 + TAIL * ((2 * DEGREE as u128 + 1).isqrt() + 1)
}

/// Bits by which flooding exceeds `bound`: the statistical distance per coefficient is at most
/// `2^-bits`.
pub fn flooding_bits(bound: u128) -> u32 {
    match bound {
        0 | 1 => FLOOD_BITS,
        _ => FLOOD_BITS.saturating_sub((bound - 1).ilog2() + 1),
    }
}

/// Refuses a layer whose noise flooding does not hide.
///
/// # Errors
/// [`Error::Input`] below [`MIN_FLOODING_BITS`].
pub fn check_flooding(bound: u128) -> Result<()> {
    let bits = flooding_bits(bound);
    if bits >= MIN_FLOODING_BITS {
        return Ok(());
    }
    Err(Error::input(format!(
        "this layer's weights are too large to hide: {bits} bits of flooding per coefficient, \
         {MIN_FLOODING_BITS} needed; use fewer fractional bits for its weights"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Padding, Shape};

    fn shape(channels: usize, out: usize, k: usize) -> ConvShape {
        ConvShape {
            input: Shape::new(channels, 8, 8),
            out_channels: out,
            kernel_h: k,
            kernel_w: k,
            stride: 1,
            pad: Padding::symmetric(1, 1),
            groups: 1,
        }
    }

    #[test]
    fn bits_round_down() {
        assert_eq!(flooding_bits(1 << 25), 40);
        assert_eq!(flooding_bits((1 << 25) + 1), 39);
        assert_eq!(flooding_bits((1 << 25) - 1), 40);
        assert_eq!(flooding_bits(0), FLOOD_BITS);
        assert_eq!(flooding_bits(u128::MAX), 0);
    }

    #[test]
    fn ordinary_weights_pass_and_huge_ones_are_refused() {
        let s = shape(512, 512, 3);
        let ordinary: Vec<i32> = (0..s.weights()).map(|i| (i % 81) as i32 - 40).collect();
        let bound = noise_bound(&ordinary, &s);
        assert!(flooding_bits(bound) >= 43, "{}", flooding_bits(bound));
        assert!(check_flooding(bound).is_ok());
        let huge = vec![i32::MIN; s.weights()];
        let refusal = check_flooding(noise_bound(&huge, &s));
        assert!(matches!(refusal, Err(Error::Input { .. })));
    }

    #[test]
    fn small_layers_use_the_hard_bound() {
        let s = shape(1, 1, 1);
        assert_eq!(noise_bound(&[3], &s), 63 + 3 + 1 + 31 * 129);
    }
}
