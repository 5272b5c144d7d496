//! What uniform shares do to a value: the formulas and their draws.
//!
//! **Truncation.** With `x = c + s mod 2^64` and `c` uniform, the client keeps `floor(c / 2^t)`, the
//! server `-floor(-s / 2^t)`. Write `c = 2^t c1 + c0`. Unless the sum wraps (`|x| / 2^63`, not
//! modelled), `-s = c - x` gives `c1 - floor(c1 + (c0 - x) / 2^t) = ceil((x - c0) / 2^t)`: that is
//! `floor(x / 2^t) + 1` if `c0 < x mod 2^t`, so with probability `(x mod 2^t) / 2^t`, and
//! `floor(x / 2^t)` otherwise. Accumulators without convolutions have shares whose low bits are
//! zero wherever those of `x` are (shifted copies, even multipliers), which leaves the probability
//! as it is. Shares of different positions are independent where a convolution adds to them, and
//! are drawn as if they were elsewhere.
//!
//! **Comparison.** Bits `d..k` of both shares of `x` are compared. Their low parts sum to
//! `x mod 2^d`, or to that plus `2^d`: the carry is lost when `c mod 2^d > x mod 2^d`. So the
//! compared sum is `floor(x / 2^d)`, or that minus 1 with probability
//! `(2^d - 1 - x mod 2^d) / 2^d`, modulo `2^(k-d)`; its top bit is the sign. A value
//! `0 <= x < 2^d` is thus taken for negative with probability `1 - (x + 1) / 2^d`. These bits of the
//! client's share lie above those that truncation used, and are independent of them.
//!
//! **Lattice error.** Each convolution adds one [`super::lattice::LatticeError`] an output to the
//! accumulator: every output belongs to one response, whatever the packing.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tacita_protocol::plan::{Linear, TensorSpec};

use super::LayerStats;
use super::lattice::LatticeError;

/// The random draws of one image.
pub(super) struct Draws(ChaCha8Rng);

impl Draws {
    pub(super) fn new(seed: u64, image: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(image);
        Self(rng)
    }

    /// Lattice errors, truncation and the masked ReLU of a whole tensor.
    pub(super) fn activate(
        &mut self,
        spec: &TensorSpec,
        errors: &LatticeError,
        z: &mut [u64],
    ) -> LayerStats {
        let convs = spec.terms.iter().filter(|t| matches!(t.op, Linear::Conv(_))).count();
        let mut stats = LayerStats::default();
        for (i, z) in z.iter_mut().enumerate() {
            for _ in 0..convs {
                *z = z.wrapping_add(errors.draw(self.0.next_u32()) as u64);
            }
            let mut x = self.truncate(*z as i64, spec.truncate);
            let relu = spec.mask.relu(i);
            stats.see(spec, x, relu);
            if relu {
                let positive = self.positive(spec, x);
                stats.sign_mistakes += u64::from(positive != (x >= 0) && x != 0);
                x = if positive { x } else { 0 };
            }
            *z = x as u64;
        }
        stats
    }

    fn truncate(&mut self, z: i64, bits: u32) -> i64 {
        if bits == 0 {
            return z;
        }
        let mask = (1u64 << bits) - 1;
        let up = (self.0.next_u64() & mask) < (z as u64 & mask);
        (z >> bits).wrapping_add(i64::from(up))
    }

    /// The sign that the comparison finds.
    fn positive(&mut self, spec: &TensorSpec, x: i64) -> bool {
        let (d, k) = (spec.dropped, spec.magnitude + 1 + u32::from(spec.dropped > 0));
        let mask = (1u64 << d) - 1;
        let lost = d > 0 && (self.0.next_u64() & mask) > (x as u64 & mask);
        let sum = (x >> d).wrapping_sub(i64::from(lost));
        (sum >> (k - d - 1)) & 1 == 0
    }
}
