//! Random 1-of-2^d OTs, each from `d` random OTs: a pad for every entry of a table, of which the
//! receiver holds the one of its random index `w`.
//!
//! Naor, Pinkas, "Computationally Secure Oblivious Transfer" (J. Cryptology 18, 2005), section 3:
//! with pairs of keys `(G_j0, G_j1)`, `j < d`, of which the receiver holds those of the bits of
//! `w`, the pad of entry `v` is the XOR over `j` of `F(G_jb, v)`, `b` being bit `j` of `v`. Here `F`
//! reads *a place for `v` alone in the key's own stream*, and a stream is the hash of the key of a correlated
//! OT, `H(K_j)` for `b = 0` and `H(K_j ^ delta)` for `b = 1`: 128 bits a hash, one hash (of one
//! tweak) for the first 128 and for each 256 bits of table, because an entry needs a bit of one of
//! both streams only (`row.rs`). A digit of six bits costs its sender 12 hashes, where a hash for
//! each entry would be 64.
//!
//! # Why the pads that the receiver does not hold are uniform to it
//!
//! * Keys of correlated OTs must not be XORed before they are hashed: two of them differ by
//!   `delta ^ delta = 0` from the two that the receiver holds, and the pads of all entries at an even
//!   distance from `w` would be known. So each key is hashed on its own first. Every tweak
//!   serves the two keys of one OT only, which is how random OTs are made
//!   ([`crate::ot::SenderPads`]): by correlation robustness all streams `H(M_j ^ delta)` of the keys
//!   that the receiver lacks are uniform and independent to it.
//! * Whole streams must not serve as pads of several entries: the XORs of `d` pairs of strings
//!   span only `d + 1` dimensions. So every entry takes places of its own, and each bit of each
//!   stream is in the pad of one entry only. The pad of `v != w` has a term from some `j` where `v` and `w`
//!   differ, hence from a stream that the receiver lacks, and no other pad has that bit. So all pads
//!   but that of `w` are uniform and independent, even jointly.
//!
//! `w` is the choice bits of the correlated OTs, which the sender does not learn.

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::row::{of, rows};
use super::{CHUNK, Split};
use crate::ot::{Block, Blocks, CotView, Delta, GateHash, Windows, zeros};

/// The halves of a block, which are two words of a table.
#[inline]
pub(super) fn halves(block: Block) -> [u64; 2] {
    [block.low64(), (block.0 >> 64) as u64]
}

/// The sender's pads: [`Split::words`] a position. `keys` are its correlated OTs, one for each bit
/// of the digits, chunk by chunk and bit by bit within a chunk.
pub(super) fn sender_pads(
    hash: &GateHash,
    windows: &Windows,
    split: Split,
    keys: &[Block],
    delta: &Delta,
) -> Zeroizing<Vec<u64>> {
    let n = keys.len() / split.digit_bits();
    let mut pads = Zeroizing::new(vec![0; n * split.words()]);
    pads.par_chunks_mut(CHUNK * split.words())
        .zip(keys.par_chunks(CHUNK * split.digit_bits()))
        .enumerate()
        .for_each(|(i, (pads, keys))| {
            let (n, first) = (keys.len() / split.digit_bits(), i * split.digit_hashes());
            let mut sums = zeros(n * split.blocks());
            let mut streams = Zeroizing::new([[Block::default(); CHUNK]; 2]);
            for (i, row) in rows(split).enumerate() {
                let [zero, one] = streams.each_mut().map(|s| &mut s[..n]);
                let keys = &keys[of(row.ot, n)];
                zero.copy_from_slice(keys);
                one.iter_mut().zip(keys).for_each(|(to, key)| *to = *key ^ delta.block());
                let window = hash.window(windows.index(first + i));
                window.hash(0, zero);
                window.hash(0, one);
                row.add_pair(&mut sums, [zero, one]);
            }
            put_words(split, &sums, pads);
        });
    pads
}

/// Splits the blocks of a chunk, the first of all positions, then the second, into the words of
/// one position after the other.
fn put_words(split: Split, blocks: &[Block], words: &mut [u64]) {
    let (n, mut first) = (blocks.len() / split.blocks(), 0);
    let mut blocks = blocks.chunks_exact(n);
    for digit in split.digits() {
        for (number, blocks) in blocks.by_ref().take(digit.blocks()).enumerate() {
            let count = (digit.words() - 2 * number).min(2);
            for (words, block) in words.chunks_exact_mut(split.words()).zip(blocks) {
                let halves = halves(*block).map(|half| half & digit.ring_mask());
                words[first..first + count].copy_from_slice(&halves[..count]);
            }
            first += count;
        }
    }
}

/// The receiver's indices and its pads there.
pub(super) struct Held {
    /// `w` of both digits of each position, the high one first.
    pub(super) index: Zeroizing<Vec<[u16; 2]>>,
    /// Bits of the pads at the index: greater, equal of the high digit, greater of the low one.
    pub(super) pads: Zeroizing<Vec<[u8; 3]>>,
}

/// The receiver's half, from its correlated OTs in the order of [`sender_pads`].
pub(super) fn receiver_pads(
    hash: &GateHash,
    windows: &Windows,
    split: Split,
    cots: CotView<'_>,
) -> Held {
    let n = cots.blocks.len() / split.digit_bits();
    let mut index = Zeroizing::new(vec![[0; 2]; n]);
    let mut pads = Zeroizing::new(vec![[0; 3]; n]);
    let ots = CHUNK * split.digit_bits();
    index
        .par_chunks_mut(CHUNK)
        .zip(pads.par_chunks_mut(CHUNK))
        .zip(cots.bits.par_chunks(ots).zip(cots.blocks.par_chunks(ots)))
        .enumerate()
        .for_each(|(i, ((index, pads), (bits, keys)))| {
            read_index(split, bits, index);
            let (n, first) = (index.len(), i * split.digit_hashes());
            let sums = sum_streams(hash, windows, first, split, keys);
            for (i, (index, pads)) in index.iter().zip(pads).enumerate() {
                *pads = entries(split, &sums, (i, n), index.map(u64::from));
            }
        });
    Held { index, pads }
}

/// The choice bits of a chunk as digits.
fn read_index(split: Split, bits: &[u8], index: &mut [[u16; 2]]) {
    let (high, low) = bits.split_at(split.high() * index.len());
    for (digit, bits) in [high, low].into_iter().enumerate() {
        for (j, bits) in bits.chunks_exact(index.len()).enumerate() {
            for (index, bit) in index.iter_mut().zip(bits) {
                index[digit] |= u16::from(*bit) << j;
            }
        }
    }
}

/// The XOR of the streams of the keys that the receiver holds.
fn sum_streams(
    hash: &GateHash,
    windows: &Windows,
    first: usize,
    split: Split,
    keys: &[Block],
) -> Blocks {
    let n = keys.len() / split.digit_bits();
    let mut sums = zeros(n * split.blocks());
    let mut stream = Zeroizing::new([Block::default(); CHUNK]);
    let stream = &mut stream[..n];
    for (i, row) in rows(split).enumerate() {
        stream.copy_from_slice(&keys[of(row.ot, n)]);
        hash.window(windows.index(first + i)).hash(0, stream);
        row.add_held(&mut sums, stream);
    }
    sums
}

/// The entries of both digits of position `i` of a chunk of `n`: greater, equal, greater.
pub(super) fn entries(
    split: Split,
    blocks: &[Block],
    (i, n): (usize, usize),
    [high, low]: [u64; 2],
) -> [u8; 3] {
    let [first, second] = split.digits();
    let word = |number: usize| halves(blocks[number / 2 * n + i])[number % 2];
    let below = 2 * first.blocks();
    [
        first.entry(0, high, word),
        first.entry(1, high, word),
        second.entry(0, low, |number| word(below + number)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gadget::CompareBits;
    use crate::gadget::testing::{Dealer, cots};

    const N: usize = 600;

    fn draw(split: Split, seed: u64) -> (Zeroizing<Vec<u64>>, Held) {
        let mut dealer = Dealer::new(seed);
        let (t, m, k) = cots(N * split.digit_bits(), &dealer.client, &mut dealer.rng);
        let [a, b] = dealer.windows(super::super::cost::digit_windows(N, split));
        let view = CotView { bits: &t, blocks: &m };
        let sent = sender_pads(&dealer.hash, &a, split, &k, &dealer.client);
        (sent, receiver_pads(&dealer.hash, &b, split, view))
    }

    fn sent_entries(sent: &[u64], split: Split, i: usize, [v1, v0]: [u64; 2]) -> [u8; 3] {
        let [high, low] = split.digits();
        let (a, b) = sent[i * split.words()..][..split.words()].split_at(high.words());
        let above = |word: usize| a[word];
        [high.entry(0, v1, above), high.entry(1, v1, above), low.entry(0, v0, |word| b[word])]
    }

    fn splits() -> Vec<Split> {
        let compare = |k| CompareBits::new(k, 0).unwrap();
        (2..=21).flat_map(|k| Split::all(compare(k))).step_by(5).collect()
    }

    #[test]
    fn the_receiver_holds_the_pads_of_its_index() {
        for split in splits() {
            let (sent, held) = draw(split, 1);
            for (i, index) in held.index.iter().enumerate() {
                let index = index.map(u64::from);
                assert!(index[0] >> split.high() == 0 && index[1] >> split.low() == 0);
                assert_eq!(held.pads[i], sent_entries(&sent, split, i, index));
            }
        }
    }

    /// Relations that weaker constructions have: between neighbours, and between the four entries
    /// of a square of bits `(j, k)`, wherever it lies.
    #[test]
    fn pads_of_a_position_are_not_related() {
        for (width, low) in [(13, 6), (18, 9)] {
            let split = Split::new(CompareBits::new(width, 0).unwrap(), low).unwrap();
            let (sent, held) = draw(split, 2);
            let pairs = || {
                let d = split.high();
                (0..d).flat_map(move |j| (0..j).map(move |k| (1 << j, 1 << k)))
            };
            let mut relations = vec![0i64; pairs().count() + 1];
            for (i, index) in held.index.iter().enumerate() {
                let w = u64::from(index[0]);
                let pad = |v: u64| sent_entries(&sent, split, i, [v, 0])[0];
                let square = |(a, b)| pad(w) ^ pad(w ^ a) ^ pad(w ^ b) ^ pad(w ^ a ^ b);
                let all = pairs().map(square).chain([pad(w) ^ pad(w ^ 1)]);
                relations.iter_mut().zip(all).for_each(|(sum, bit)| *sum += 1 - 2 * i64::from(bit));
            }
            for (i, sum) in relations.into_iter().enumerate() {
                let deviation = sum as f64 / (N as f64).sqrt();
                assert!(deviation.abs() < 5.0, "relation {i}: {deviation} deviations");
            }
        }
    }
}
