//! Which bits of a hash are the pads of which entries.
//!
//! Of the two streams of one bit of a digit, entry `v` takes a bit of the one that its own bit
//! says. A table of one block leaves half of either stream unused. A larger one takes all of them:
//! two blocks share one hash, so that a digit's hashes are half as many as its blocks.

use std::ops::Range;

use super::Split;
use super::digit::Digit;
use super::pads::halves;
use crate::ot::Block;

/// One hash of one OT in all positions of a chunk.
pub(super) struct Row {
    /// Which OT of the position.
    pub(super) ot: usize,
    digit: Digit,
    /// Which bit of the digit.
    bit: usize,
    place: Place,
}

/// Where a hash goes: numbers of blocks of a position.
enum Place {
    /// Its only block, in which every entry takes its own place of the stream.
    Only(usize),
    /// The bit differs within a block: entries of the first block take their own place, those of
    /// the second the place of the entry that differs in this bit.
    Within([usize; 2]),
    /// The bit differs from block to block: the first takes the stream of 0, the second of 1.
    Across([usize; 2]),
}

/// Every hash of a position; each has a window of its own in each chunk.
pub(super) fn rows(split: Split) -> impl Iterator<Item = Row> {
    let [high, low] = split.digits();
    [(high, 0, 0), (low, high.bits(), high.blocks())].into_iter().flat_map(|(digit, ot, table)| {
        (0..digit.bits()).flat_map(move |bit| {
            (0..digit.hashes()).map(move |number| {
                let place = Place::new(digit, bit, number, table);
                Row { ot: ot + bit, digit, bit, place }
            })
        })
    })
}

impl Place {
    /// Of hash `number` of a bit, in a table whose first block is `table`.
    fn new(digit: Digit, bit: usize, number: usize, table: usize) -> Self {
        if digit.blocks() == 1 {
            return Self::Only(table);
        }
        match bit.checked_sub(digit.block_bits()) {
            None => Self::Within([table + 2 * number, table + 2 * number + 1]),
            Some(above) => {
                let below = number & ((1 << above) - 1);
                let zero = table + ((number - below) << 1 | below);
                Self::Across([zero, zero + (1 << above)])
            }
        }
    }
}

impl Row {
    /// XORs both streams into the pads of a chunk of `n` positions, each entry taking the stream
    /// of its bit. Blocks of a number lie together.
    pub(super) fn add_pair(&self, pads: &mut [Block], [zero, one]: [&[Block]; 2]) {
        let (n, ones) = (zero.len(), self.digit.ones(self.bit));
        let both = || zero.iter().zip(one);
        let own = both().map(|(z, o)| lanes(*z, *o, |h, z, o| z[h] ^ (z[h] ^ o[h]) & ones[h]));
        match self.place {
            Place::Only(at) => add(&mut pads[of(at, n)], own),
            Place::Within([first, second]) => {
                add(&mut pads[of(first, n)], own);
                self.add_swapped(&mut pads[of(second, n)], both());
            }
            Place::Across([first, second]) => {
                add(&mut pads[of(first, n)], zero.iter().copied());
                add(&mut pads[of(second, n)], one.iter().copied());
            }
        }
    }

    /// XORs the one stream that the receiver holds into its sums, where entries of its bit find
    /// what [`Self::add_pair`] gave them.
    pub(super) fn add_held(&self, sums: &mut [Block], stream: &[Block]) {
        let n = stream.len();
        match self.place {
            Place::Only(at) => add(&mut sums[of(at, n)], stream.iter().copied()),
            Place::Within([first, second]) => {
                add(&mut sums[of(first, n)], stream.iter().copied());
                self.add_swapped(&mut sums[of(second, n)], stream.iter().zip(stream));
            }
            Place::Across(both) => {
                for at in both {
                    add(&mut sums[of(at, n)], stream.iter().copied());
                }
            }
        }
    }

    /// Entries whose bit is 0 take the first stream, at the place of the entry that differs in
    /// this bit; the others likewise the second.
    fn add_swapped<'a>(
        &self,
        pads: &mut [Block],
        both: impl Iterator<Item = (&'a Block, &'a Block)>,
    ) {
        let (by, ones) = (1u32 << self.bit, self.digit.ones(self.bit));
        if by < 64 {
            let swap = |h: usize, zero: [u64; 2], one: [u64; 2]| {
                (zero[h] >> by) & !ones[h] | (one[h] << by) & ones[h]
            };
            add(pads, both.map(|(z, o)| lanes(*z, *o, swap)));
        } else {
            let swap = |h: usize, zero: [u64; 2], one: [u64; 2]| [zero[1], one[0]][h];
            add(pads, both.map(|(z, o)| lanes(*z, *o, swap)));
        }
    }
}

/// A block from two, each half by itself: `half` gets its number and both halves of both.
#[inline]
fn lanes(a: Block, b: Block, half: impl Fn(usize, [u64; 2], [u64; 2]) -> u64) -> Block {
    let (a, b) = (halves(a), halves(b));
    Block(u128::from(half(0, a, b)) | u128::from(half(1, a, b)) << 64)
}

/// Where the blocks of number `at` lie in a chunk of `n` positions.
pub(super) fn of(at: usize, n: usize) -> Range<usize> {
    at * n..(at + 1) * n
}

#[inline]
fn add(to: &mut [Block], from: impl Iterator<Item = Block>) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to ^= from);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gadget::CompareBits;
    use crate::gadget::lookup::pads::entries;

    fn splits() -> impl Iterator<Item = Split> {
        (2..=21).flat_map(|k| Split::all(CompareBits::new(k, 0).unwrap()))
    }

    const NONE: Block = Block(0);
    const ALL: Block = Block(u128::MAX);

    #[test]
    fn every_entry_has_a_bit_of_the_stream_of_its_value_from_each_of_its_ots() {
        for split in splits().filter(|s| s.low() > 0) {
            // Both streams' places in the tables, by OT.
            let mut places = vec![[(); 2].map(|()| vec![NONE; split.blocks()]); split.digit_bits()];
            for row in rows(split) {
                let [of_zero, of_one] = &mut places[row.ot];
                row.add_pair(of_zero, [&[ALL], &[NONE]]);
                row.add_pair(of_one, [&[NONE], &[ALL]]);
            }
            let bits = [(split.high(), 0), (split.low(), split.high())];
            for (digit, (bits, first)) in bits.into_iter().enumerate() {
                for (j, v) in (0..bits).flat_map(|j| (0..1u64 << bits).map(move |v| (j, v))) {
                    let mut values = [0; 2];
                    values[digit] = v;
                    let got =
                        places[first + j].each_ref().map(|p| entries(split, p, (0, 1), values));
                    let bit = ((v >> j) & 1) as u8;
                    let planes = [0..2, 2..3][digit].clone();
                    for plane in planes {
                        let got = got.map(|all| all[plane]);
                        assert_eq!(got, [1 - bit, bit], "{split:?}, bit {j} of entry {v}");
                    }
                }
            }
        }
    }

    #[test]
    fn no_bit_of_a_stream_serves_two_entries() {
        for (split, row) in splits().flat_map(|s| rows(s).map(move |row| (s, row))) {
            let mut used = 0;
            for (stream, bit) in (0..2).flat_map(|s| (0..128).map(move |b| (s, b))) {
                let mut streams = [[NONE]; 2];
                streams[stream][0].0 = 1 << bit;
                let mut pads = vec![NONE; split.blocks()];
                row.add_pair(&mut pads, streams.each_ref().map(<[Block; 1]>::as_slice));
                let uses: u32 = pads.iter().map(|b| b.0.count_ones()).sum();
                assert!(uses <= 1, "{split:?}");
                used += uses as usize;
            }
            let all = if row.digit.blocks() == 1 { 128 } else { 256 };
            assert_eq!(used, all, "{split:?}");
        }
    }
}
