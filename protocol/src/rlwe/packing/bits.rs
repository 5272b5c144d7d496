//! Sets of polynomial positions, and their rotation.

use crate::rlwe::params::DEGREE;

const WORDS: usize = DEGREE / 64;

/// A subset of the positions `0..DEGREE`.
#[derive(Clone)]
pub(super) struct Positions([u64; WORDS]);

impl Positions {
    pub(super) const fn empty() -> Self {
        Self([0; WORDS])
    }

    pub(super) fn insert(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    #[cfg(test)]
    fn contains(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// The positions in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(i, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest.wrapping_sub(1);
                (bit < 64).then_some(64 * i + bit)
            })
        })
    }

    /// Adds every position of `other`, moved up by `by` modulo `DEGREE`.
    pub(super) fn insert_rotated(&mut self, other: &Self, by: usize) {
        let (words, bits) = (by / 64 % WORDS, by % 64);
        let at = |i: usize| other.0[(i + WORDS - words) % WORDS];
        let mut below = at(WORDS - 1);
        for (i, w) in self.0.iter_mut().enumerate() {
            let word = at(i);
            // Shifted in two steps: `bits` may be 0, and `64 - 0` is no legal shift.
            *w |= word << bits | below >> 1 >> (63 - bits);
            below = word;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_moves_every_position() {
        for by in [0, 1, 63, 64, 65, 4096, 8191] {
            let mut set = Positions::empty();
            for at in [0, 1, 62, 63, 64, 1000, 8191] {
                set.insert(at);
            }
            let mut moved = Positions::empty();
            moved.insert_rotated(&set, by);
            assert_eq!(moved.count(), set.count());
            assert!(moved.iter().all(|at| moved.contains(at)));
            assert_eq!(moved.iter().count(), moved.count());
            for at in 0..DEGREE {
                assert_eq!(moved.contains((at + by) % DEGREE), set.contains(at), "{at} by {by}");
            }
        }
    }
}
