//! The sender of correlated OTs.

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::stock::{Start, Stock};
use super::tree::{HIGH, grow};
use super::{Direction, Ledger, SilentSet, code};
use crate::error::Result;
use crate::ot::{Block, Blocks, Delta, SentCots};
use crate::rng::{PublicSeed, SecretRng};

/// The sender of correlated OTs under its offset: it gets blocks `K = M ^ t * delta`, which it
/// takes from a stock.
pub struct SilentSender {
    delta: Delta,
    stock: Stock,
}

/// A refill whose message is made and whose outputs are still to be computed.
pub struct SenderRefill(Start);

/// The outputs of a refill, to be put in stock.
pub struct SenderBatch {
    number: u64,
    outputs: Blocks,
}

impl SilentSender {
    /// Starts a direction. `base` are [`Ledger::base_cots`] correlated OTs under `delta`; `seed` is
    /// public, random and independent of the offset.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for another count of base correlated OTs.
    pub fn new(
        kind: (SilentSet, Direction),
        seed: &PublicSeed,
        delta: &Delta,
        mut base: SentCots,
    ) -> Result<Self> {
        let n = base.len();
        let mut reserve = Zeroizing::new(base.take(n)?.to_vec());
        reserve.iter_mut().for_each(|k| k.0 &= HIGH);
        Ok(Self { delta: delta.clone(), stock: Stock::new(kind, seed, reserve)? })
    }

    /// The offset.
    pub fn delta(&self) -> &Delta {
        &self.delta
    }

    /// What is in stock and what the next refill takes.
    pub fn ledger(&self) -> &Ledger {
        self.stock.ledger()
    }

    /// Starts the next refill and makes its message ([`SilentSet::message_bytes`] of
    /// [`Ledger::next`]). What is in stock can be taken meanwhile.
    ///
    /// # Errors
    /// [`crate::Error::Input`] while the last refill has not been [accepted](Self::accept).
    pub fn refill(&mut self, rng: &mut SecretRng) -> Result<(SenderRefill, Vec<u8>)> {
        let mut start = self.stock.start()?;
        let (set, delta) = (start.set, self.delta.block());
        let roots: Blocks = Zeroizing::new((0..set.trees()).map(|_| Block::random(rng)).collect());
        let mut message = vec![0; set.message_bytes()];
        start
            .outputs
            .par_chunks_mut(1 << set.depth())
            .zip(message.par_chunks_mut(set.depth() * Block::BYTES))
            .zip(start.bases.par_chunks(set.depth()).zip(roots.par_iter()))
            .enumerate()
            .for_each(|(i, ((leaves, message), (bases, root)))| {
                grow(&start.keys.tree(i), (*root, delta), bases, leaves, message);
            });
        Ok((SenderRefill(start), message))
    }

    /// Puts a refill in stock.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if it is not the one that was started last.
    pub fn accept(&mut self, batch: SenderBatch) -> Result<()> {
        self.stock.accept(batch.number, batch.outputs)
    }

    /// The next `n`, and the offset; they are not handed out again.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if fewer are in stock: refill first.
    pub fn take(&mut self, n: usize) -> Result<(&[Block], &Delta)> {
        Ok((self.stock.take(n)?, &self.delta))
    }
}

impl SenderRefill {
    /// What the refill uses up.
    #[cfg(test)]
    pub(super) fn inputs(&self) -> Vec<u128> {
        self.0.secret.iter().chain(self.0.bases.iter()).map(|k| k.0).collect()
    }

    /// Computes the outputs, on the current rayon pool; the refill can be sent to another thread.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn expand(self) -> Result<SenderBatch> {
        let Start { number, set, keys, secret, mut outputs, .. } = self.0;
        outputs.par_chunks_mut(1 << set.depth()).enumerate().try_for_each(|(i, leaves)| {
            code::encode(set, keys.rows(), i, &secret, (leaves, HIGH))
        })?;
        Ok(SenderBatch { number, outputs })
    }
}
