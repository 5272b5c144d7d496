//! The receiver of correlated OTs.

use std::collections::VecDeque;

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::stock::{Start, Stock, set_bits};
use super::tree::grow_punctured;
use super::{Direction, Ledger, SilentSet, code};
use crate::error::Result;
use crate::ot::{Block, Blocks, CotView, ReceivedCots, check_length};
use crate::rng::PublicSeed;

/// The receiver of correlated OTs: it gets random bits `t` and blocks `M`, which it takes from a
/// stock.
pub struct SilentReceiver {
    stock: Stock,
    /// The choice bits of what was last taken.
    bits: Zeroizing<Vec<u8>>,
    /// Messages of refills that are not expanded yet, oldest first.
    ordered: VecDeque<Vec<u8>>,
}

/// A refill whose message has arrived and whose outputs are still to be computed.
pub struct ReceiverRefill {
    start: Start,
    message: Vec<u8>,
}

/// The outputs of a refill, to be put in stock.
pub struct ReceiverBatch {
    number: u64,
    outputs: Blocks,
}

impl SilentReceiver {
    /// Starts a direction. `base` are [`Ledger::base_cots`] correlated OTs; `seed` is the sender's.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for another count of base correlated OTs.
    pub fn new(
        kind: (SilentSet, Direction),
        seed: &PublicSeed,
        mut base: ReceivedCots,
    ) -> Result<Self> {
        let n = base.len();
        let cots = base.take(n)?;
        let mut reserve = Zeroizing::new(cots.blocks.to_vec());
        set_bits(&mut reserve, cots.bits);
        Ok(Self {
            stock: Stock::new(kind, seed, reserve)?,
            bits: Zeroizing::default(),
            ordered: VecDeque::new(),
        })
    }

    /// What is in stock and what the next refill takes.
    pub fn ledger(&self) -> &Ledger {
        self.stock.ledger()
    }

    /// The ledger once all refills that are ordered are in stock.
    pub fn booked(&self) -> Ledger {
        self.stock.booked(self.ordered.len())
    }

    /// Keeps the message of the refill after all that are ordered until its outputs are needed.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] unless the message has [`SilentSet::message_bytes`] of the
    /// next in [`Self::booked`].
    pub fn order(&mut self, message: Vec<u8>) -> Result<()> {
        check_length(&message, self.booked().next().message_bytes())?;
        self.ordered.push_back(message);
        Ok(())
    }

    /// Computes the outputs of the oldest refill that is ordered; false if there is none.
    ///
    /// # Errors
    /// [`crate::Error::Input`] while a [refill](Self::refill) is under way.
    pub fn expand(&mut self) -> Result<bool> {
        let Some(message) = self.ordered.pop_front() else { return Ok(false) };
        let batch = self.refill(message)?.expand()?;
        self.accept(batch)?;
        Ok(true)
    }

    /// Starts the next refill with the sender's message. What is in stock can be taken meanwhile.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] unless the message has [`SilentSet::message_bytes`] of
    /// [`Ledger::next`]; [`crate::Error::Input`] while the last refill has not been
    /// [accepted](Self::accept).
    pub fn refill(&mut self, message: Vec<u8>) -> Result<ReceiverRefill> {
        check_length(&message, self.ledger().next().message_bytes())?;
        Ok(ReceiverRefill { start: self.stock.start()?, message })
    }

    /// Puts a refill in stock.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if it is not the one that was started last.
    pub fn accept(&mut self, batch: ReceiverBatch) -> Result<()> {
        self.stock.accept(batch.number, batch.outputs)
    }

    /// The next `n`, with the outputs of refills that are ordered as far as they are needed; they
    /// are not handed out again.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if fewer are in stock and ordered: refill first.
    pub fn take(&mut self, n: usize) -> Result<CotView<'_>> {
        while self.ledger().available() < n && self.expand()? {}
        let blocks = self.stock.take(n)?;
        if self.bits.capacity() < n {
            // Not grown in place: that would leave a copy behind.
            self.bits = Zeroizing::new(Vec::with_capacity(n));
        }
        self.bits.clear();
        self.bits.extend(blocks.iter().map(|m| m.lsb()));
        Ok(CotView { bits: &self.bits, blocks })
    }
}

impl ReceiverRefill {
    /// Computes the outputs, on the current rayon pool; the refill can be sent to another thread.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn expand(self) -> Result<ReceiverBatch> {
        let Start { number, set, keys, secret, bases, mut outputs } = self.start;
        outputs
            .par_chunks_mut(1 << set.depth())
            .zip(bases.par_chunks(set.depth()))
            .zip(self.message.par_chunks(set.depth() * Block::BYTES))
            .enumerate()
            .try_for_each(|(i, ((leaves, bases), message))| {
                grow_punctured(&keys.tree(i), bases, message, leaves);
                code::encode(set, keys.rows(), i, &secret, (leaves, u128::MAX))
            })?;
        Ok(ReceiverBatch { number, outputs })
    }
}
