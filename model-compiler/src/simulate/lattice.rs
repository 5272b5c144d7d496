//! The error that a lattice response leaves in a value.
//!
//! The client decrypts `c = b - a*s mod 2^64` from `b` and `a` that were rounded from modulus `q` to
//! `2^64`. Each of the 8192 coefficients of `a` is off by a uniform error in +-1/2 and meets a
//! uniform ternary coefficient of `s`: variance `8192 * 2/3 * 1/12 = 8192/18`, and normal, being a
//! sum of thousands. The server's flooding is uniform over `2^65` units of `q = 2^126`, so over
//! `2^65 * 2^64 / q = 8` units of `c`, from -4 to 4. The rounding of `b` makes the sum an integer,
//! as rounding it does here: variance 1/12. In all the standard deviation is
//! `sqrt(8192/18 + 8^2/12 + 1/12) = 21.46`. The evaluated noise is `2^40` times smaller than the
//! flooding and is left out.

use tacita_protocol::rlwe::{DEGREE, FLOOD_BITS, Q};

/// Largest error in the table: beyond it lies less than `2^-100`.
const MOST: i64 = 255;
/// Columns of the alias table, a power of two.
const COLUMNS: usize = 512;
/// Bits of a draw that decide within a column.
const THRESHOLD_BITS: u32 = 32 - COLUMNS.trailing_zeros();

/// Draws errors by the alias method (Walker 1977, Vose 1991): one 32-bit draw an error,
/// probabilities within `2^-32`.
pub(super) struct LatticeError {
    /// For each column: draws below this keep the column's own error.
    thresholds: Vec<u32>,
    /// The error otherwise.
    aliases: Vec<i64>,
}

impl LatticeError {
    pub(super) fn new() -> Self {
        let mut share: Vec<f64> =
            (0..COLUMNS as i64).map(|i| probability(i - MOST) * COLUMNS as f64).collect();
        let mut thresholds = vec![1 << THRESHOLD_BITS; COLUMNS];
        let mut aliases: Vec<i64> = (0..COLUMNS as i64).map(|i| i - MOST).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..COLUMNS).partition(|i| share.get(*i).is_some_and(|p| *p < 1.0));
        while let (Some(s), Some(l)) = (small.pop(), large.pop()) {
            let p = share[s];
            thresholds[s] = (p * f64::from(1u32 << THRESHOLD_BITS)).round() as u32;
            aliases[s] = l as i64 - MOST;
            share[l] -= 1.0 - p;
            if share[l] < 1.0 { small.push(l) } else { large.push(l) }
        }
        Self { thresholds, aliases }
    }

    /// The error that 32 uniform bits stand for.
    pub(super) fn draw(&self, uniform: u32) -> i64 {
        let column = (uniform >> THRESHOLD_BITS) as usize;
        let low = uniform & ((1 << THRESHOLD_BITS) - 1);
        match (self.thresholds.get(column), self.aliases.get(column)) {
            (Some(t), Some(alias)) if low >= *t => *alias,
            _ => column as i64 - MOST,
        }
    }
}

/// Probability of the error `n`: a normal variable plus a uniform one, rounded.
fn probability(n: i64) -> f64 {
    const STEPS: u32 = 64;
    let deviation = (DEGREE as f64 / 18.0).sqrt();
    let width = f64::from(FLOOD_BITS).exp2() * 64f64.exp2() / Q as f64;
    // Averages the density over the uniform part and the rounding, by midpoints.
    let density = |x: f64| (-0.5 * (x / deviation).powi(2)).exp();
    let mut sum = 0.0;
    for i in 0..STEPS {
        let flood = width * ((f64::from(i) + 0.5) / f64::from(STEPS) - 0.5);
        for j in 0..4 {
            sum += density(n as f64 + flood + (f64::from(j) + 0.5) / 4.0 - 0.5);
        }
    }
    sum / f64::from(STEPS * 4) / (deviation * std::f64::consts::TAU.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_stated_distribution() {
        let table = LatticeError::new();
        // Every 2^12th draw: the whole range of columns and thresholds.
        let draws = (0..1u32 << 20).map(|i| table.draw(i << 12 | 0x800) as f64);
        let (mut mean, mut squares, mut within) = (0.0, 0.0, 0.0);
        for e in draws {
            mean += e;
            squares += e * e;
            within += f64::from(u8::from(e.abs() <= 21.0));
        }
        let n = f64::from(1u32 << 20);
        let deviation = (squares / n).sqrt();
        assert!((mean / n).abs() < 0.05, "{}", mean / n);
        assert!((deviation - 21.46).abs() < 0.02, "{deviation}");
        assert!((within / n - 0.683).abs() < 0.005, "{}", within / n);
    }
}
