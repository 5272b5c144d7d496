//! How the compared bits are cut into two digits.

use super::digit::Digit;
use crate::error::{Error, Result};
use crate::gadget::CompareBits;

/// A comparison whose low `m = compared - 1` bits are cut into a high and a low digit, each looked
/// up in a table with an entry for every value.
///
/// The high digit has 1 to [`Split::MAX_DIGIT`] bits, the low one 0 to that many: with none, its
/// table is empty and the high digit decides alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Split {
    compare: CompareBits,
    low: u8,
}

impl Split {
    /// Most bits of a digit: a table of 1024 entries.
    pub const MAX_DIGIT: usize = 10;

    /// Gives the low digit `low` bits and the high one the rest.
    ///
    /// # Errors
    /// [`Error::Input`] if a digit gets more than [`Self::MAX_DIGIT`] bits or the high one none.
    pub fn new(compare: CompareBits, low: usize) -> Result<Self> {
        Self::of(compare, low).ok_or_else(|| {
            Error::input(format!(
                "{m} bits cannot be looked up with a low digit of {low}: the high digit takes 1 to \
                 {max} bits, the low one 0 to {max}",
                m = compare.compared() - 1,
                max = Self::MAX_DIGIT
            ))
        })
    }

    fn of(compare: CompareBits, low: usize) -> Option<Self> {
        let high = (compare.compared() - 1).saturating_sub(low);
        let possible = (1..=Self::MAX_DIGIT).contains(&high) && low <= Self::MAX_DIGIT;
        possible.then_some(Self { compare, low: low as u8 })
    }

    /// Every split of a comparison, by ascending low digit; none if it is too wide.
    pub fn all(compare: CompareBits) -> impl Iterator<Item = Self> {
        (0..=Self::MAX_DIGIT).filter_map(move |low| Self::of(compare, low))
    }

    /// The split with the fewest bytes, and among those with the fewest hashes. Every split takes the
    /// same number of OTs, so what an OT costs does not matter.
    ///
    /// # Errors
    /// [`Error::Input`] for comparisons of more than `2 * MAX_DIGIT + 1` bits: garble those.
    pub fn cheapest(compare: CompareBits) -> Result<Self> {
        let cost = |s: &Self| (s.table_bits(), s.digit_hashes());
        Self::all(compare).min_by_key(cost).ok_or_else(|| {
            Error::input(format!(
                "a comparison of {} bits is too wide for lookup tables: at most {} are possible",
                compare.compared(),
                2 * Self::MAX_DIGIT + 1
            ))
        })
    }

    /// What is compared.
    pub fn compare(self) -> CompareBits {
        self.compare
    }

    /// Bits of the high digit.
    pub fn high(self) -> usize {
        self.digit_bits() - self.low()
    }

    /// Bits of the low digit.
    pub fn low(self) -> usize {
        usize::from(self.low)
    }

    /// m: bits of both digits.
    pub fn digit_bits(self) -> usize {
        self.compare.compared() - 1
    }

    /// Bits of both tables of one position.
    pub fn table_bits(self) -> usize {
        self.digits().map(Digit::table_bits).iter().sum()
    }

    /// Hashes of one position's digit OTs that the receiver computes; the sender computes two for
    /// each.
    pub fn digit_hashes(self) -> usize {
        self.digits().map(|d| d.bits() * d.hashes()).iter().sum()
    }

    /// The tables: the high digit's says greater and equal, the low digit's greater only.
    pub(super) fn digits(self) -> [Digit; 2] {
        [Digit::new(self.high(), 2), Digit::new(self.low(), 1)]
    }

    /// Words that one position's tables or their pads take in memory.
    pub fn words(self) -> usize {
        self.digits().map(Digit::words).iter().sum()
    }

    /// Blocks that the pads of one position's tables take in memory.
    pub(super) fn blocks(self) -> usize {
        self.digits().map(Digit::blocks).iter().sum()
    }

    /// The digits of the low `m` compared bits of a share, high one first.
    #[inline]
    pub(super) fn digits_of(self, share: u64) -> [u64; 2] {
        let bits = share >> self.compare.dropped();
        [(bits >> self.low) & mask(self.high()), bits & mask(self.low())]
    }

    /// 1 if there is a low digit, 0 if its table is empty and masks nothing.
    #[inline]
    pub(super) fn low_bit(self) -> u8 {
        u8::from(self.low > 0)
    }

    /// The highest compared bit of a share.
    #[inline]
    pub(super) fn top(self, share: u64) -> u8 {
        self.compare.bit(share, self.digit_bits())
    }
}

/// The lowest `bits` bits, fewer than 64.
#[inline]
pub(super) fn mask(bits: usize) -> u64 {
    (1 << bits) - 1
}
