//! The client's half of the sign step: it enters its shares by correlated OT and evaluates.

use rayon::prelude::*;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::cost::{cot_count, offline_down_bytes, sign_online_down_bytes, sign_windows};
use super::{CompareBits, check_count};
use crate::bytes;
use crate::error::Result;
use crate::garble::{CHUNK, Evaluator, read_blocks};
use crate::ot::{Block, Blocks, CotView, GateHash, Windows, check_length};

/// The client's half of the signs, its request sent, the tables still to come.
#[derive(ZeroizeOnDrop)]
pub struct ClientSignRequest {
    #[zeroize(skip)]
    bits: CompareBits,
    #[zeroize(skip)]
    hash: GateHash,
    #[zeroize(skip)]
    windows: Windows,
    count: usize,
    active: Vec<Block>,
}

/// The client's half of the signs, ready to evaluate.
pub struct ClientSign {
    request: ClientSignRequest,
    tables: Vec<u8>,
}

/// The active labels of `b`.
#[derive(ZeroizeOnDrop)]
pub struct ActiveSigns {
    pub(super) labels: Vec<Block>,
}

impl ClientSignRequest {
    /// Enters the client's shares by [`cot_count`] of its correlated OTs; returns what to send
    /// ([`sign_offline_up_bytes`](super::sign_offline_up_bytes)).
    ///
    /// # Errors
    /// [`crate::Error::Input`] for other counts of OTs or windows ([`sign_windows`]) than belong.
    pub fn new(
        hash: &GateHash,
        windows: Windows,
        bits: CompareBits,
        cots: CotView<'_>,
        x_c: &[u64],
    ) -> Result<(Self, Vec<u8>)> {
        let n = x_c.len();
        check_count("correlated OTs", cots.blocks.len(), cot_count(n, bits))?;
        let windows = windows.exactly(sign_windows(n, bits))?;
        let inputs = x_c.chunks(CHUNK).flat_map(|chunk| {
            (0..bits.compared()).flat_map(move |j| chunk.iter().map(move |x| bits.bit(*x, j)))
        });
        let d = bytes::pack_bits(inputs.zip(cots.bits).map(|(x, t)| x ^ t == 1));
        let request =
            Self { bits, hash: hash.clone(), windows, count: n, active: cots.blocks.to_vec() };
        Ok((request, d))
    }

    /// Positions.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes the garbled tables.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] if they are not [`offline_down_bytes`] long.
    pub fn tables(self, tables: Vec<u8>) -> Result<ClientSign> {
        check_length(&tables, offline_down_bytes(self.count, self.bits))?;
        Ok(ClientSign { request: self, tables })
    }
}

impl ClientSign {
    /// The comparison width.
    pub fn bits(&self) -> CompareBits {
        self.request.bits
    }

    /// Positions.
    pub fn len(&self) -> usize {
        self.request.count
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.request.is_empty()
    }

    /// Evaluates the comparisons on the server's labels.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] if they are not [`sign_online_down_bytes`] long.
    pub fn online(self, labels: &[u8]) -> Result<ActiveSigns> {
        let ClientSignRequest { bits, hash, windows, count, active } = &self.request;
        check_length(labels, sign_online_down_bytes(*count, *bits))?;
        let m = bits.compared();
        let mut out = ActiveSigns { labels: vec![Block::default(); *count] };
        out.labels
            .par_chunks_mut(CHUNK)
            .zip(self.tables.par_chunks(offline_down_bytes(CHUNK, *bits)))
            .zip(active.par_chunks(CHUNK * m))
            .zip(labels.par_chunks(sign_online_down_bytes(CHUNK, *bits)))
            .enumerate()
            .for_each_init(
                || Evaluator::new(hash),
                |evaluator, (i, (((y, tables), c), labels))| {
                    let s: Blocks = Zeroizing::new(read_blocks(labels).collect());
                    evaluator.carry(windows.index(i * (m - 1)), c, &s, tables, y);
                },
            );
        Ok(out)
    }
}
