//! Correlated OT extension, semi-honest.
//!
//! Roy, "SoftSpokenOT: Quieter OT Extension from Small-Field Silent VOLE in the Minicrypt Model"
//! (CRYPTO 2022), sections 3.2 and 5, with the repetition code. Tree `b` gives both parties a VOLE under the
//! bits `delta_b` with its own `u_b`. The choice bits of our OTs are random anyway, so `t := u_0`
//! and only `u_b ^ u_0` travels for the other trees. What the sender receives is masked by the
//! missing leaves, hence pseudorandom: it learns nothing about `t`.

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::base::{BaseKeys, BasePairs, check_length};
use super::block::zeros;
use super::cots::{ReceivedCots, SentCots};
use super::ggm;
use super::stream::{COLUMNS, Row, Scratch, Tree, WORDS, get_row, put_row};
use super::transpose::transpose_word;
use super::{Block, Blocks, Delta, FieldBits, mask128};
use crate::error::{Error, Result};
use crate::rng::SecretRng;

/// The receiver of correlated OTs: it gets random bits `t` and blocks `M`.
pub struct CotReceiver {
    field: FieldBits,
    trees: Vec<Tree>,
    counter: u64,
}

/// The sender of correlated OTs under its offset: it gets blocks `K = M ^ t * delta`.
pub struct CotSender {
    field: FieldBits,
    delta: Delta,
    trees: Vec<Tree>,
    counter: u64,
}

impl CotReceiver {
    /// Starts a session's extension, given the base OTs in which this party was the sender.
    /// Returns the corrections to send ([`super::CORRECTION_BYTES`]).
    pub fn new(field: FieldBits, base: BasePairs, rng: &mut SecretRng) -> (Self, Vec<u8>) {
        let roots: Blocks =
            Zeroizing::new((0..field.blocks()).map(|_| Block::random(rng)).collect());
        let (leaves, corrections) = ggm::grow(field, &base, &roots);
        let receiver = Self { field, trees: trees(field, 0, &leaves), counter: 0 };
        (receiver, corrections)
    }

    /// Makes `n` correlated OTs and the message for the sender
    /// ([`FieldBits::extension_bytes`]).
    ///
    /// # Errors
    /// [`Error::Local`] after 2^64 words of stream.
    pub fn extend(&mut self, n: usize) -> Result<(ReceivedCots, Vec<u8>)> {
        let start = advance(&mut self.counter, n)?;
        let mut bits = Zeroizing::new(vec![0; n]);
        let mut blocks = zeros(n);
        let mut message = vec![0; self.field.extension_bytes(n)];
        let chunk_bytes = self.field.extension_bytes(COLUMNS);
        bits.par_chunks_mut(COLUMNS)
            .zip(blocks.par_chunks_mut(COLUMNS))
            .zip(message.par_chunks_mut(chunk_bytes))
            .enumerate()
            .for_each_init(
                || Scratch::new(self.field),
                |scratch, (i, ((t, m), out))| {
                    let counter = start + (i * WORDS) as u64;
                    self.extend_chunk(scratch, counter, t, m, out);
                },
            );
        let cots = ReceivedCots { bits, blocks, used: 0 };
        Ok((cots, message))
    }

    fn extend_chunk(
        &self,
        scratch: &mut Scratch,
        counter: u64,
        t: &mut [u8],
        m: &mut [Block],
        message: &mut [u8],
    ) {
        let words = m.len().div_ceil(128);
        let choice = Zeroizing::new(scratch.sum(&self.trees[0], 0, counter, words));
        let rows = message.chunks_exact_mut(m.len().div_ceil(8));
        for ((b, tree), out) in self.trees.iter().enumerate().skip(1).zip(rows) {
            let mut u = scratch.sum(tree, b * self.field.get(), counter, words);
            for (to, from) in u.iter_mut().zip(choice.iter()) {
                *to ^= from;
            }
            put_row(out, &u);
        }
        unpack(&choice, t);
        transpose(&scratch.rows, m);
    }
}

impl CotSender {
    /// Starts a session's extension, given the base OTs in which this party chose
    /// [`Delta::base_choices`], and the receiver's corrections.
    ///
    /// # Errors
    /// [`Error::PeerMisbehaved`] if the corrections have the wrong length.
    pub fn new(
        field: FieldBits,
        delta: &Delta,
        base: BaseKeys,
        corrections: &[u8],
    ) -> Result<Self> {
        let leaves = ggm::grow_punctured(field, delta, &base, corrections)?;
        Ok(Self { field, delta: delta.clone(), trees: trees(field, 1, &leaves), counter: 0 })
    }

    /// The offset.
    pub fn delta(&self) -> &Delta {
        &self.delta
    }

    /// Makes `n` correlated OTs from the receiver's message.
    ///
    /// # Errors
    /// [`Error::PeerMisbehaved`] if the message has the wrong length, [`Error::Local`] after 2^64
    /// words of stream.
    pub fn extend(&mut self, n: usize, message: &[u8]) -> Result<SentCots> {
        check_length(message, self.field.extension_bytes(n))?;
        let start = advance(&mut self.counter, n)?;
        let mut blocks = zeros(n);
        let chunk_bytes = self.field.extension_bytes(COLUMNS);
        blocks
            .par_chunks_mut(COLUMNS)
            .zip(message.par_chunks(chunk_bytes))
            .enumerate()
            .for_each_init(
                || Scratch::new(self.field),
                |scratch, (i, (k, message))| {
                    self.extend_chunk(scratch, start + (i * WORDS) as u64, k, message);
                },
            );
        Ok(SentCots { blocks, used: 0 })
    }

    fn extend_chunk(&self, scratch: &mut Scratch, counter: u64, k: &mut [Block], message: &[u8]) {
        let words = k.len().div_ceil(128);
        scratch.sum(&self.trees[0], 0, counter, words);
        let rows = message.chunks_exact(k.len().div_ceil(8));
        for ((b, tree), bytes) in self.trees.iter().enumerate().skip(1).zip(rows) {
            let first = b * self.field.get();
            scratch.sum(tree, first, counter, words);
            let correction = get_row(bytes);
            for (i, row) in scratch.rows[first..first + self.field.width(b)].iter_mut().enumerate()
            {
                let mask = mask128((self.delta.block().0 >> (first + i)) as u8);
                for (to, from) in row.iter_mut().zip(&correction) {
                    *to ^= from & mask;
                }
            }
        }
        transpose(&scratch.rows, k);
    }
}

fn trees(field: FieldBits, first: usize, leaves: &[Blocks]) -> Vec<Tree> {
    let numbered = leaves.iter().enumerate();
    numbered.map(|(b, leaves)| Tree::new(field.width(b), first, leaves)).collect()
}

/// Moves the streams on by the words that `n` OTs use; returns where they stood.
fn advance(counter: &mut u64, n: usize) -> Result<u64> {
    let start = *counter;
    *counter = start
        .checked_add(n.div_ceil(128) as u64)
        .ok_or_else(|| Error::local("the session's OT streams are used up"))?;
    Ok(start)
}

/// Spreads a row into a byte for each bit.
fn unpack(row: &Row, bits: &mut [u8]) {
    for (word, out) in row.iter().zip(bits.chunks_mut(128)) {
        for (i, bit) in out.iter_mut().enumerate() {
            *bit = ((word >> i) & 1) as u8;
        }
    }
}

/// The columns of the rows, as many as `out` holds.
fn transpose(rows: &[Row], out: &mut [Block]) {
    let mut tile = Zeroizing::new([Block::default(); 128]);
    for (word, out) in out.chunks_mut(128).enumerate() {
        transpose_word(rows, word, &mut tile);
        out.copy_from_slice(&tile[..out.len()]);
    }
}
