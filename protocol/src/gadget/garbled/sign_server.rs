//! The server's half of the sign step: it garbles, and knows the zero label of `b = [x >= 0]` of
//! which the client will hold the active one.
//!
//! Inputs of the client enter by correlated OT: it sends `d_j = x_Cj ^ t_j`, the server sets the
//! zero label of bit `j` to `K_j ^ d_j * delta`, and the client's `M_j` is the active label. So no
//! label travels for the client. Labels lie chunk by chunk ([`CHUNK`] positions), and bit by bit
//! within a chunk.

use aes::Aes128Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use rayon::prelude::*;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::cost::{
    cot_count, offline_down_bytes, sign_offline_up_bytes, sign_online_down_bytes, sign_windows,
};
use super::{CompareBits, check_count, check_padding};
use crate::error::Result;
use crate::garble::{CHUNK, Garbler};
use crate::ot::{Block, Blocks, Delta, GateHash, Windows, check_length, zeros};
use crate::rng::SecretRng;

/// The server's half of the signs, garbled and waiting for `x_S`: 16 bytes a position and a seed
/// for its input labels.
#[derive(ZeroizeOnDrop)]
pub struct ServerSign {
    #[zeroize(skip)]
    bits: CompareBits,
    delta: Delta,
    seed: [u8; 16],
    y: Vec<Block>,
}

/// The zero labels of `b`, with the offset that separates them from the one labels.
#[derive(ZeroizeOnDrop)]
pub struct ZeroSigns {
    pub(super) delta: Delta,
    pub(super) labels: Vec<Block>,
}

impl ServerSign {
    /// Garbles `n` comparisons. `keys` are [`cot_count`] blocks of the server's correlated OTs,
    /// `d` is the client's request. Returns the tables to send ([`offline_down_bytes`]).
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] for a malformed request, [`crate::Error::Input`] for other
    /// counts of keys or windows ([`sign_windows`]) than belong.
    pub fn garble(
        hash: &GateHash,
        windows: Windows,
        (n, bits): (usize, CompareBits),
        (keys, delta): (&[Block], &Delta),
        d: &[u8],
        rng: &mut SecretRng,
    ) -> Result<(Self, Vec<u8>)> {
        check_length(d, sign_offline_up_bytes(n, bits))?;
        check_padding(d, cot_count(n, bits))?;
        check_count("correlated OTs", keys.len(), cot_count(n, bits))?;
        let windows = windows.exactly(sign_windows(n, bits))?;
        let mut state =
            Self { bits, delta: delta.clone(), seed: rng.array(), y: vec![Block::default(); n] };
        let mut tables = vec![0; offline_down_bytes(n, bits)];
        let m = bits.compared();
        let labels = InputLabels::new(&state.seed);
        state
            .y
            .par_chunks_mut(CHUNK)
            .zip(tables.par_chunks_mut(offline_down_bytes(CHUNK, bits)))
            .zip(keys.par_chunks(CHUNK * m))
            .enumerate()
            .for_each_init(
                || Garbler::new(hash, delta),
                |garbler, (i, ((y, tables), keys))| {
                    let c = client_zero_labels(keys, d, i * CHUNK * m, delta);
                    let s = labels.chunk(i, y.len() * (m - 1));
                    garbler.carry(windows.index(i * (m - 1)), &c, &s, tables, y);
                },
            );
        Ok((state, tables))
    }

    /// Positions.
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.y.is_empty()
    }

    /// Picks the labels of the server's share to send ([`sign_online_down_bytes`]), and folds its
    /// top bit and the NOT into the meaning of the output: `b = Y ^ top(x_S) ^ 1`.
    ///
    /// # Errors
    /// [`crate::Error::Input`] unless there is one share a position.
    pub fn online(mut self, x_s: &[u64]) -> Result<(Vec<u8>, ZeroSigns)> {
        check_count("shares", x_s.len(), self.y.len())?;
        let (bits, m) = (self.bits, self.bits.compared());
        let mut message = vec![0; sign_online_down_bytes(x_s.len(), bits)];
        let labels = InputLabels::new(&self.seed);
        let offset = self.delta.block();
        let mut out = std::mem::take(&mut self.y);
        out.par_chunks_mut(CHUNK)
            .zip(message.par_chunks_mut(sign_online_down_bytes(CHUNK, bits)))
            .zip(x_s.par_chunks(CHUNK))
            .enumerate()
            .for_each(|(i, ((y, message), x))| {
                let zero = labels.chunk(i, x.len() * (m - 1));
                let inputs = (0..m - 1).flat_map(|j| x.iter().map(move |x| bits.bit(*x, j)));
                let slots = message.chunks_exact_mut(Block::BYTES);
                for ((slot, zero), bit) in slots.zip(zero.iter()).zip(inputs) {
                    slot.copy_from_slice(&(*zero ^ offset.and_bit(bit)).to_bytes());
                }
                for (y, x) in y.iter_mut().zip(x) {
                    *y ^= offset.and_bit(bits.bit(*x, m - 1) ^ 1);
                }
            });
        let signs = ZeroSigns { delta: self.delta.clone(), labels: out };
        Ok((message, signs))
    }
}

/// Zero labels of the client's bits of one chunk, whose first OT is number `first`.
fn client_zero_labels(keys: &[Block], d: &[u8], first: usize, delta: &Delta) -> Blocks {
    let mut out = Zeroizing::new(keys.to_vec());
    for (label, j) in out.iter_mut().zip(first..) {
        *label ^= delta.block().and_bit((d[j / 8] >> (j % 8)) & 1);
    }
    out
}

/// Zero labels of the server's inputs, from a seed: AES of the label's number.
struct InputLabels(Aes128Enc);

impl InputLabels {
    fn new(seed: &[u8; 16]) -> Self {
        Self(Aes128Enc::new(&Array(*seed)))
    }

    /// `count` labels of chunk `index`.
    fn chunk(&self, index: usize, count: usize) -> Blocks {
        let mut batch = [aes::Block::default(); 64];
        let mut out = zeros(count);
        let mut number = (index as u128) << 64;
        for part in out.chunks_mut(batch.len()) {
            let batch = &mut batch[..part.len()];
            for block in batch.iter_mut() {
                block.0 = number.to_le_bytes();
                number += 1;
            }
            self.0.encrypt_blocks(batch);
            for (to, from) in part.iter_mut().zip(batch) {
                *to = Block::from_bytes(from.0);
            }
        }
        out
    }
}
