//! Reproducible drawing of what is no secret: masks and weights of networks that only cost.

use tacita_compile::splitmix;

/// The state of [`splitmix`].
pub struct Draw(u64);

impl Draw {
    /// The stream of a seed.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A uniform number.
    pub fn u64(&mut self) -> u64 {
        splitmix(&mut self.0)
    }

    /// A number below `n` (of at most 32 bits: the bias is below 2^-32).
    pub fn below(&mut self, n: usize) -> usize {
        (self.u64() % n.max(1) as u64) as usize
    }

    /// A number from `-bound` to `bound`.
    pub fn within(&mut self, bound: i64) -> i64 {
        (self.u64() % (2 * bound.unsigned_abs() + 1)) as i64 - bound
    }
}
