//! Random OTs with 64-bit pads, from correlated OTs by hashing.
//!
//! The sender of correlated OTs gets two pads, `w0 = H(K)` and `w1 = H(K ^ delta)`; the receiver
//! gets its bit `mu = t` and `w_mu = H(M)`. The hash is correlation robust, so the other pad is
//! uniform to the receiver; nothing crosses the wire.

use rayon::prelude::*;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::hash::{GateHash, Windows};
use super::{Block, CotView, Delta, WINDOW_TWEAKS};
use crate::error::Result;

/// Random OTs hashed under one window.
pub const ROT_WINDOW: usize = WINDOW_TWEAKS;

/// Tweak windows that `n` random OTs use.
pub fn rot_windows(n: usize) -> u64 {
    n.div_ceil(ROT_WINDOW) as u64
}

/// Both pads of each random OT.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SenderPads {
    /// The pads for bit 0.
    pub zero: Vec<u64>,
    /// The pads for bit 1.
    pub one: Vec<u64>,
}

impl SenderPads {
    /// Bytes of one OT: both pads.
    pub(crate) const BYTES: usize = 2 * 8;

    /// Hashes the sender's correlated OTs.
    ///
    /// # Errors
    /// [`crate::Error::Input`] unless there are [`rot_windows`] windows.
    pub fn new(hash: &GateHash, windows: Windows, keys: &[Block], delta: &Delta) -> Result<Self> {
        let windows = windows.exactly(rot_windows(keys.len()))?;
        let of = |offset| pads(hash, &windows, keys, offset);
        Ok(Self { zero: of(Block::default()), one: of(delta.block()) })
    }
}

/// A random bit and its pad for each random OT.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct ReceiverPads {
    /// The bits `mu`, a byte (0 or 1) each.
    pub bits: Vec<u8>,
    /// The pads `w_mu`.
    pub chosen: Vec<u64>,
}

impl ReceiverPads {
    /// Bytes of one OT: its bit and pad.
    pub(crate) const BYTES: usize = 1 + 8;

    /// Hashes the receiver's correlated OTs.
    ///
    /// # Errors
    /// [`crate::Error::Input`] unless there are [`rot_windows`] windows.
    pub fn new(hash: &GateHash, windows: Windows, cots: CotView<'_>) -> Result<Self> {
        let windows = windows.exactly(rot_windows(cots.blocks.len()))?;
        Ok(Self {
            bits: cots.bits.to_vec(),
            chosen: pads(hash, &windows, cots.blocks, Block::default()),
        })
    }
}

/// Pads from the hashes of all blocks, each plus `offset`.
fn pads(hash: &GateHash, windows: &Windows, blocks: &[Block], offset: Block) -> Vec<u64> {
    let mut out = vec![0; blocks.len()];
    out.par_chunks_mut(ROT_WINDOW).zip(blocks.par_chunks(ROT_WINDOW)).enumerate().for_each(
        |(i, (out, blocks))| {
            let mut labels = Zeroizing::new([Block::default(); ROT_WINDOW]);
            let labels = &mut labels[..blocks.len()];
            labels.iter_mut().zip(blocks).for_each(|(to, from)| *to = *from ^ offset);
            hash.window(windows.index(i)).hash(0, labels);
            for (to, from) in out.iter_mut().zip(labels) {
                *to = from.low64();
            }
        },
    );
    out
}
