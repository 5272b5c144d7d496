//! The leaves' streams and their sums: the small-field VOLE of SoftSpokenOT.
//!
//! Roy, "SoftSpokenOT" (CRYPTO 2022), section 3.1. With `r_x` the stream of leaf `x`, the owner of all
//! leaves computes `u = sum r_x` and `v_i = sum x_i r_x`; who misses leaf `delta` computes
//! `w_i = sum (x ^ delta)_i r_x = v_i ^ delta_i u` (the missing leaf's factor is 0).

use aes::Aes128Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{BASE_COUNT, Block, Blocks, FieldBits};

/// OTs computed at once, so that rows stay in the second-level cache.
pub(super) const COLUMNS: usize = 4096;
/// 128-bit words of a row of [`COLUMNS`] bits.
pub(super) const WORDS: usize = COLUMNS / 128;
/// Bits of [`COLUMNS`] OTs in one row.
pub(super) type Row = [u128; WORDS];

/// The leaf streams of one tree, leaf `first` and up.
pub(super) struct Tree {
    width: usize,
    first: usize,
    leaves: Vec<Aes128Enc>,
}

impl Tree {
    /// Keys a stream by each leaf from number `first` on; the streams before that stay zero.
    pub(super) fn new(width: usize, first: usize, leaves: &Blocks) -> Self {
        let keyed = leaves[first..].iter();
        Self {
            width,
            first,
            leaves: keyed.map(|leaf| Aes128Enc::new(&Array(leaf.to_bytes()))).collect(),
        }
    }
}

/// Working memory of one chunk of columns.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Scratch {
    streams: Vec<Row>,
    /// The 128 rows `v` or `w`.
    pub(super) rows: Vec<Row>,
}

impl Scratch {
    pub(super) fn new(field: FieldBits) -> Self {
        Self { streams: vec![[0; WORDS]; 1 << field.get()], rows: vec![[0; WORDS]; BASE_COUNT] }
    }

    /// Computes the rows from `row` on that belong to `tree`, and returns `u`. `counter` is the
    /// position in the streams, in words; only `words` words of each row are computed.
    pub(super) fn sum(&mut self, tree: &Tree, row: usize, counter: u64, words: usize) -> Row {
        self.fill(tree, counter, words);
        let mut len = 1 << tree.width;
        for out in &mut self.rows[row..row + tree.width] {
            *out = [0; WORDS];
            for pair in 0..len / 2 {
                let (even, odd) = (self.streams[2 * pair], self.streams[2 * pair + 1]);
                add(out, &odd, words);
                self.streams[pair] = even;
                add(&mut self.streams[pair], &odd, words);
            }
            len /= 2;
        }
        self.streams[0]
    }

    /// Reads the leaves' streams at `counter`.
    fn fill(&mut self, tree: &Tree, counter: u64, words: usize) {
        let mut input = [aes::Block::default(); WORDS];
        let mut output = [aes::Block::default(); WORDS];
        for (block, i) in input.iter_mut().zip(counter..) {
            block.0 = u128::from(i).to_le_bytes();
        }
        self.streams[..tree.first].fill([0; WORDS]);
        for (stream, leaf) in self.streams[tree.first..].iter_mut().zip(&tree.leaves) {
            // Equal lengths: the call cannot fail.
            let _ = leaf.encrypt_blocks_b2b(&input[..words], &mut output[..words]);
            for (to, from) in stream.iter_mut().zip(&output) {
                *to = u128::from_le_bytes(from.0);
            }
        }
    }
}

#[inline]
fn add(to: &mut Row, from: &Row, words: usize) {
    for (a, b) in to[..words].iter_mut().zip(&from[..words]) {
        *a ^= b;
    }
}

/// Writes the first `bytes` bytes of a row.
pub(super) fn put_row(out: &mut [u8], row: &Row) {
    for (to, from) in out.chunks_mut(Block::BYTES).zip(row) {
        to.copy_from_slice(&from.to_le_bytes()[..to.len()]);
    }
}

/// Reads a row; what the bytes do not cover is zero.
pub(super) fn get_row(bytes: &[u8]) -> Row {
    let mut row = [0; WORDS];
    for (to, from) in row.iter_mut().zip(bytes.chunks(Block::BYTES)) {
        let mut word = [0; Block::BYTES];
        word[..from.len()].copy_from_slice(from);
        *to = u128::from_le_bytes(word);
    }
    row
}
