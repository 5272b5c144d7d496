//! Random 1-of-2^d OTs, each from `d` random OTs: a pad for every entry of a table, of which the
//! receiver holds the one of its random index `w`.
//!
//! Naor, Pinkas, "Computationally Secure Oblivious Transfer" (J. Cryptology 18, 2005), section 3:
//! with pairs of keys `(G_j0, G_j1)`, `j < d`, of which the receiver holds those of the bits of
//! `w`, the pad of entry `v` is the XOR over `j` of `F(G_jb, v)`, `b` being bit `j` of `v`. Here `F`
//! reads *position `v` of the key's own stream*, and a stream is the hash of the key of a correlated
//! OT, `H(K_j)` for `b = 0` and `H(K_j ^ delta)` for `b = 1`: 128 bits a hash, one hash (of one
//! tweak) for each 128 bits of table. A digit of six bits costs its sender 12 hashes, where a
//! hash for each entry would be 64.
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
//!   span only `d + 1` dimensions. So entry `v` takes position `v`, and each bit of each stream is in
//!   the pad of one entry only. The pad of `v != w` has a term from some `j` where `v` and `w`
//!   differ, hence from a stream that the receiver lacks, and no other pad has that bit. So all pads
//!   but that of `w` are uniform and independent, even jointly.
//!
//! `w` is the choice bits of the correlated OTs, which the sender does not learn.

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::digit::Digit;
use super::{CHUNK, Split};
use crate::ot::{Block, CotView, Delta, GateHash, Windows, zeros};

/// One hash of one OT in all positions of a chunk.
struct Row {
    /// Which OT of the position.
    ot: usize,
    /// Its table.
    digit: Digit,
    /// Which bit of the digit.
    bit: usize,
    /// Words of the table that this hash covers, one or two, and where they lie in a position's.
    words: std::ops::Range<usize>,
    /// Where the table lies in a position's words.
    table: usize,
}

/// Every hash of a position; each has a window of its own in each chunk.
fn rows(split: Split) -> impl Iterator<Item = Row> {
    let [high, low] = split.digits();
    [(high, 0, 0), (low, high.bits(), high.words())].into_iter().flat_map(|(digit, ot, table)| {
        (0..digit.bits()).flat_map(move |bit| {
            (0..digit.words()).step_by(2).map(move |first| {
                let end = digit.words().min(first + 2);
                Row { ot: ot + bit, digit, bit, words: table + first..table + end, table }
            })
        })
    })
}

impl Row {
    /// Word `word` of a position: the entries whose bit is set.
    fn ones(&self, word: usize) -> u64 {
        self.digit.ones(self.bit, word - self.table)
    }
}

/// The halves of a block: what one hash gives to two words.
fn halves(block: Block) -> [u64; 2] {
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
            let first = i * split.digit_hashes();
            let n = keys.len() / split.digit_bits();
            let mut streams = [zeros(n), zeros(n)];
            for (i, row) in rows(split).enumerate() {
                for (k, key) in keys[row.ot * n..][..n].iter().enumerate() {
                    streams[0][k] = *key;
                    streams[1][k] = *key ^ delta.block();
                }
                let window = hash.window(windows.index(first + i));
                streams.iter_mut().for_each(|s| window.hash(0, s));
                add_pair(&row, split, &streams, pads);
            }
        });
    pads
}

/// XORs the streams of one OT into the pads, each entry taking the one of its bit.
fn add_pair(row: &Row, split: Split, streams: &[impl AsRef<[Block]>; 2], pads: &mut [u64]) {
    let [zero, one] = streams.each_ref().map(AsRef::as_ref);
    let mut ones = [0; 2];
    for (to, word) in ones.iter_mut().zip(row.words.clone()) {
        *to = row.ones(word);
    }
    let keep = row.digit.ring_mask();
    for ((pads, zero), one) in pads.chunks_exact_mut(split.words()).zip(zero).zip(one) {
        let (zero, one) = (halves(*zero), halves(*one));
        for (i, pad) in pads[row.words.clone()].iter_mut().enumerate() {
            *pad ^= (zero[i] ^ (zero[i] ^ one[i]) & ones[i]) & keep;
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
            let first = i * split.digit_hashes();
            let streams = sum_streams(hash, windows, first, split, keys);
            for ((index, pads), words) in
                index.iter().zip(pads).zip(streams.chunks_exact(split.words()))
            {
                *pads = entries(split, words, index.map(u64::from));
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
) -> Zeroizing<Vec<u64>> {
    let n = keys.len() / split.digit_bits();
    let mut sums = Zeroizing::new(vec![0; n * split.words()]);
    let mut streams = zeros(n);
    for (i, row) in rows(split).enumerate() {
        streams.copy_from_slice(&keys[row.ot * n..][..n]);
        hash.window(windows.index(first + i)).hash(0, &mut streams);
        for (sums, stream) in sums.chunks_exact_mut(split.words()).zip(streams.iter()) {
            for (sum, half) in sums[row.words.clone()].iter_mut().zip(halves(*stream)) {
                *sum ^= half;
            }
        }
    }
    sums
}

/// The entries of both digits in one position's words: greater, equal, greater.
pub(super) fn entries(split: Split, words: &[u64], [high, low]: [u64; 2]) -> [u8; 3] {
    let [first, second] = split.digits();
    let (a, b) = words.split_at(first.words());
    [first.entry(a, 0, high), first.entry(a, 1, high), second.entry(b, 0, low)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gadget::CompareBits;
    use crate::gadget::tests::{Dealer, cots};

    const N: usize = 600;

    fn draw(split: Split, seed: u64) -> (Zeroizing<Vec<u64>>, Held) {
        let mut dealer = Dealer::new(seed);
        let (t, m, k) = cots(N * split.digit_bits(), &dealer.client, &mut dealer.rng);
        let [a, b] = dealer.windows(super::super::cost::digit_windows(N, split));
        let view = CotView { bits: &t, blocks: &m };
        let sent = sender_pads(&dealer.hash, &a, split, &k, &dealer.client);
        (sent, receiver_pads(&dealer.hash, &b, split, view))
    }

    fn splits() -> Vec<Split> {
        let compare = |k| CompareBits::new(k, 0).unwrap();
        (2..=21).flat_map(|k| Split::all(compare(k))).step_by(5).collect()
    }

    #[test]
    fn the_receiver_holds_the_pads_of_its_index() {
        for split in splits() {
            let (sent, held) = draw(split, 1);
            for (i, words) in sent.chunks_exact(split.words()).enumerate() {
                let index = held.index[i].map(u64::from);
                assert!(index[0] >> split.high() == 0 && index[1] >> split.low() == 0);
                assert_eq!(held.pads[i], entries(split, words, index));
            }
        }
    }

    /// Relations that weaker constructions have: between neighbours, and between the four entries
    /// of a square of bits `(j, k)`, wherever it lies.
    #[test]
    fn pads_of_a_position_are_not_related() {
        let split = Split::new(CompareBits::new(13, 0).unwrap(), 6).unwrap();
        let (sent, held) = draw(split, 2);
        let mut relations = vec![0i64; 36 + 1];
        for (words, index) in sent.chunks_exact(split.words()).zip(held.index.iter()) {
            let w = u64::from(index[0]);
            let pad = |v: u64| entries(split, words, [v, 0])[0];
            for (j, k) in (0..6).flat_map(|j| (0..6).map(move |k| (j, k))) {
                let (a, b) = (1 << j, 1 << k);
                let square = pad(w) ^ pad(w ^ a) ^ pad(w ^ b) ^ pad(w ^ a ^ b);
                relations[6 * j + k] += 1 - 2 * i64::from(square);
            }
            relations[36] += 1 - 2 * i64::from(pad(w) ^ pad(w ^ 1));
        }
        for (i, sum) in relations.into_iter().enumerate() {
            // The square of one bit twice is empty.
            let trivial = i < 36 && i / 6 == i % 6;
            let deviation = sum as f64 / (N as f64).sqrt();
            assert!(trivial || deviation.abs() < 5.0, "relation {i}: {deviation} deviations");
        }
    }
}
