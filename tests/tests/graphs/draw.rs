//! Reproducible drawing.

use tacita_compile::splitmix;

/// The state of [`splitmix`].
pub struct Draw(pub u64);

impl Draw {
    fn next(&mut self) -> u64 {
        splitmix(&mut self.0)
    }

    /// One of `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// One of `from..=to`.
    pub fn between(&mut self, from: usize, to: usize) -> usize {
        from + self.below(to - from + 1)
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// An index, as often as its weight says.
    pub fn weighted(&mut self, weights: impl Iterator<Item = usize> + Clone) -> usize {
        let mut left = self.below(weights.clone().sum());
        let index = weights.clone().position(|w| {
            let here = left < w;
            left = left.saturating_sub(w);
            here
        });
        index.unwrap_or(0)
    }

    /// A number of [from, to).
    pub fn real(&mut self, from: f32, to: f32) -> f32 {
        let unit = (self.next() >> 40) as f32 / (1u64 << 24) as f32;
        from + (to - from) * unit
    }

    pub fn reals(&mut self, n: usize, from: f32, to: f32) -> Vec<f32> {
        (0..n).map(|_| self.real(from, to)).collect()
    }

    pub fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i + 1);
            items.swap(i, j);
        }
    }
}
