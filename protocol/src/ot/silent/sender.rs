//! The sender of correlated OTs.

use std::collections::VecDeque;

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::stock::{Start, Stock};
use super::tree::{HIGH, grow};
use super::{Direction, Ledger, SilentSet, code};
use crate::error::{Error, Result};
use crate::ot::{Block, Blocks, Delta, SentCots, zeros};
use crate::rng::{PublicSeed, SecretRng};

/// The sender of correlated OTs under its offset: it gets blocks `K = M ^ t * delta`, which it
/// takes from a stock.
pub struct SilentSender {
    delta: Delta,
    stock: Stock,
    /// Refills whose messages are made and whose outputs will be grown again, oldest first.
    ordered: VecDeque<Ordered>,
}

/// What a refill's outputs are grown from: a thirtieth of their size or less.
struct Ordered {
    number: u64,
    set: SilentSet,
    secret: Blocks,
    roots: Blocks,
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
        Ok(Self {
            delta: delta.clone(),
            stock: Stock::new(kind, seed, reserve)?,
            ordered: VecDeque::new(),
        })
    }

    /// The offset.
    pub fn delta(&self) -> &Delta {
        &self.delta
    }

    /// What is in stock and what the next refill takes.
    pub fn ledger(&self) -> &Ledger {
        self.stock.ledger()
    }

    /// The ledger once all refills that are ordered are in stock.
    pub fn booked(&self) -> Ledger {
        self.stock.booked(self.ordered.len())
    }

    /// Makes the message of the refill after all that are ordered, and of its outputs only those
    /// that the one after it uses up. The others are grown when they are needed, which costs the
    /// trees a second time and keeps the memory of a large order small.
    ///
    /// # Errors
    /// [`crate::Error::Input`] while a [refill](Self::refill) is under way.
    pub fn order(&mut self, rng: &mut SecretRng) -> Result<Vec<u8>> {
        let Start { number, set, keys, secret, bases, .. } =
            self.stock.start_after(self.ordered.len())?;
        let roots: Blocks = Zeroizing::new((0..set.trees()).map(|_| Block::random(rng)).collect());
        let leaves = 1 << set.depth();
        // The next refill's share is at the end: whole trees, as few as hold it.
        let kept = self.stock.booked(1).next().cost();
        let first = (set.outputs() - kept) / leaves;
        let mut tail = zeros((set.trees() - first) * leaves);
        let mut message = vec![0; set.message_bytes()];
        let delta = self.delta.block();
        let (early, late) = message.split_at_mut(first * set.depth() * Block::BYTES);
        let message_of = set.depth() * Block::BYTES;
        early.par_chunks_mut(message_of).enumerate().for_each_init(
            || zeros(leaves),
            |scratch, (i, message)| {
                let bases = &bases[i * set.depth()..][..set.depth()];
                grow(&keys.tree(i), (roots[i], delta), bases, scratch, message);
            },
        );
        let trees = tail.par_chunks_mut(leaves).zip(late.par_chunks_mut(message_of));
        trees.enumerate().try_for_each(|(i, (leaves, message))| {
            let i = first + i;
            let bases = &bases[i * set.depth()..][..set.depth()];
            grow(&keys.tree(i), (roots[i], delta), bases, leaves, message);
            code::encode(set, keys.rows(), i, &secret, (leaves, HIGH))
        })?;
        let reserve = Zeroizing::new(tail[tail.len() - kept..].to_vec());
        self.stock.keep(reserve);
        self.ordered.push_back(Ordered { number, set, secret, roots });
        Ok(message)
    }

    /// Computes the outputs of the oldest refill that is ordered; false if there is none.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn expand(&mut self) -> Result<bool> {
        let Some(Ordered { number, set, secret, roots }) = self.ordered.pop_front() else {
            return Ok(false);
        };
        let mut outputs = self.stock.buffer(set.outputs());
        let (keys, delta) = (self.stock.keys(number), self.delta.block());
        let no_bases = vec![Block::default(); set.depth()];
        outputs.par_chunks_mut(1 << set.depth()).zip(roots.par_iter()).enumerate().try_for_each(
            |(i, (leaves, root))| {
                let mut unused = [0; 16 * Block::BYTES];
                grow(&keys.tree(i), (*root, delta), &no_bases, leaves, &mut unused);
                code::encode(set, keys.rows(), i, &secret, (leaves, HIGH))
            },
        )?;
        self.stock.put(outputs);
        Ok(true)
    }

    /// Starts the next refill and makes its message ([`SilentSet::message_bytes`] of
    /// [`Ledger::next`]). What is in stock can be taken meanwhile.
    ///
    /// # Errors
    /// [`crate::Error::Input`] while the last refill has not been [accepted](Self::accept).
    pub fn refill(&mut self, rng: &mut SecretRng) -> Result<(SenderRefill, Vec<u8>)> {
        if !self.ordered.is_empty() {
            return Err(Error::input("refills are ordered that are not in stock yet"));
        }
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

    /// The next `n`, with the outputs of refills that are ordered as far as they are needed, and
    /// the offset; they are not handed out again.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if fewer are in stock and ordered: refill first.
    pub fn take(&mut self, n: usize) -> Result<(&[Block], &Delta)> {
        while self.ledger().available() < n && self.expand()? {}
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
