//! One digit's table as bit planes, 64 entries a word.
//!
//! Word `i` of plane `p` lies at `i * planes + p`, two words a block; an odd last word has half a
//! block of zeros behind it. A table of fewer than 64 entries fills the low bits of its words.
//! Thresholds and values are secret: they turn into masks and shift amounts,
//! which take the same time whatever they are, never into branches or addresses.

use super::split::mask;

/// A table with `planes` bits for each of the `2^bits` values of a digit; empty for a digit of
/// no bits.
#[derive(Clone, Copy)]
pub(super) struct Digit {
    bits: usize,
    planes: usize,
}

/// Bit `v` of pattern `j` is bit `j` of `v`.
const PATTERNS: [u64; 6] = [
    0xaaaa_aaaa_aaaa_aaaa,
    0xcccc_cccc_cccc_cccc,
    0xf0f0_f0f0_f0f0_f0f0,
    0xff00_ff00_ff00_ff00,
    0xffff_0000_ffff_0000,
    0xffff_ffff_0000_0000,
];

impl Digit {
    pub(super) fn new(bits: usize, planes: usize) -> Self {
        Self { bits, planes }
    }

    pub(super) fn bits(self) -> usize {
        self.bits
    }

    /// Bits of a table.
    pub(super) fn table_bits(self) -> usize {
        if self.bits == 0 { 0 } else { self.planes << self.bits }
    }

    /// Words of one plane.
    pub(super) fn plane_words(self) -> usize {
        if self.bits == 0 { 0 } else { (1usize << self.bits).div_ceil(64) }
    }

    /// Words of a table.
    pub(super) fn words(self) -> usize {
        self.planes * self.plane_words()
    }

    /// Where word `word` of a plane lies in a table.
    #[inline]
    pub(super) fn place(self, plane: usize, word: usize) -> usize {
        word * self.planes + plane
    }

    /// Blocks of 128 bits that cover a table.
    pub(super) fn blocks(self) -> usize {
        self.words().div_ceil(2)
    }

    /// Entries in one word.
    #[inline]
    pub(super) fn ring(self) -> usize {
        1usize << self.bits.min(6)
    }

    /// The bits of a word that are entries.
    #[inline]
    pub(super) fn ring_mask(self) -> u64 {
        u64::MAX >> (64 - self.ring())
    }

    /// Hashes for each bit of the digit: two blocks share one, see `row.rs`.
    pub(super) fn hashes(self) -> usize {
        self.blocks().div_ceil(2)
    }

    /// Bits of a value by which entries of one block differ: two planes have a word each in it.
    pub(super) fn block_bits(self) -> usize {
        8 - self.planes
    }

    /// Which entries of a block's two words have bit `j` of their value set, if they differ in it.
    pub(super) fn ones(self, j: usize) -> [u64; 2] {
        PATTERNS.get(j).map_or([0, u64::MAX], |pattern| [*pattern; 2])
    }

    /// Word `word` of the plane `[v > threshold]`.
    #[inline]
    pub(super) fn greater(self, word: usize, threshold: u64) -> u64 {
        let (at, word) = (threshold >> 6, word as u64);
        less_mask(at, word) | equal_mask(at, word) & (u64::MAX << (threshold & 63) << 1)
    }

    /// Word `word` of the plane `[v = threshold]`.
    #[inline]
    pub(super) fn equal(self, word: usize, threshold: u64) -> u64 {
        equal_mask(threshold >> 6, word as u64) & (1 << (threshold & 63))
    }

    /// Word `word` of a plane, turned by `by` entries: value `v` takes the entry of `v - by`.
    /// `by` is public; `word_of` gives a word of the plane.
    #[inline]
    pub(super) fn turned(self, word: usize, by: u64, word_of: impl Fn(usize) -> u64) -> u64 {
        let (words, by) = (self.plane_words(), by as usize);
        let (skip, shift) = (by >> self.bits.min(6), by & (self.ring() - 1));
        let at = |back| word_of((word + 2 * words - skip - back) & (words - 1));
        (at(0) << shift | at(1) >> 1 >> (self.ring() - 1 - shift)) & self.ring_mask()
    }

    /// The entry of a secret value in one plane, whose words `word_of` gives: every word is
    /// looked at.
    #[inline]
    pub(super) fn pick(self, value: u64, mut word_of: impl FnMut(usize) -> u64) -> u8 {
        let mut found = 0;
        for word in 0..self.plane_words() {
            found |= word_of(word) & equal_mask(value >> 6, word as u64);
        }
        ((found >> (value & 63)) & 1) as u8
    }

    /// The entry of a secret value in plane `plane` of a table, a word of which `word_of` gives.
    #[inline]
    pub(super) fn entry(
        self,
        plane: usize,
        value: u64,
        mut word_of: impl FnMut(usize) -> u64,
    ) -> u8 {
        self.pick(value, |word| word_of(self.place(plane, word)))
    }

    /// `a - b` as values of this digit.
    #[inline]
    pub(super) fn minus(self, a: u64, b: u64) -> u64 {
        a.wrapping_sub(b) & mask(self.bits)
    }
}

/// All ones if `a < b`, both below 2^63.
#[inline]
fn less_mask(a: u64, b: u64) -> u64 {
    (a.wrapping_sub(b) as i64 >> 63) as u64
}

/// All ones if `a = b`, both below 2^63.
#[inline]
fn equal_mask(a: u64, b: u64) -> u64 {
    ((a ^ b).wrapping_sub(1) as i64 >> 63) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SecretRng;

    #[test]
    fn planes_say_what_integers_say() {
        for bits in 1..=10 {
            let digit = Digit::new(bits, 2);
            let n = 1u64 << bits;
            for threshold in (0..n).step_by(if bits > 7 { 37 } else { 1 }) {
                for v in 0..n {
                    assert_eq!(
                        digit.pick(v, |w| digit.greater(w, threshold)),
                        u8::from(v > threshold)
                    );
                    assert_eq!(
                        digit.pick(v, |w| digit.equal(w, threshold)),
                        u8::from(v == threshold)
                    );
                }
            }
        }
    }

    #[test]
    fn turning_moves_entries_and_patterns_are_value_bits() {
        let mut rng = SecretRng::from_test_seed(3);
        for bits in 1..=10 {
            let digit = Digit::new(bits, 2);
            let table: Vec<u64> =
                rng.u64s(digit.words()).iter().map(|w| w & digit.ring_mask()).collect();
            for by in (0..1u64 << bits).step_by(if bits > 7 { 29 } else { 1 }) {
                for v in 0..1u64 << bits {
                    for plane in 0..2 {
                        let turned = digit
                            .pick(v, |w| digit.turned(w, by, |w| table[digit.place(plane, w)]));
                        assert_eq!(turned, digit.entry(plane, digit.minus(v, by), |w| table[w]));
                    }
                }
            }
            for (j, v) in (0..bits.min(6)).flat_map(|j| (0..1u64 << bits).map(move |v| (j, v))) {
                let bit = digit.pick(v, |_| digit.ones(j)[0]);
                assert_eq!(u64::from(bit), (v >> j) & 1);
            }
        }
    }
}
