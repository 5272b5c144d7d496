//! What both parties do alike: keep outputs, keep some back, start and end refills.

use std::collections::VecDeque;

use zeroize::{Zeroize, Zeroizing};

use super::keys::Keys;
use super::{Direction, Ledger, SilentSet};
use crate::error::{Error, Result};
use crate::ot::{Block, Blocks, zeros};
use crate::rng::PublicSeed;

/// One party's blocks of one direction. The lowest bit of the receiver's is its choice bit, that of
/// the sender's is zero (see [`super`]).
pub(super) struct Stock {
    ledger: Ledger,
    direction: Direction,
    seed: PublicSeed,
    /// What the next refill uses up; empty while one is under way.
    reserve: Blocks,
    /// Outputs of refills, oldest first.
    batches: VecDeque<Blocks>,
    /// Blocks of the oldest that are gone.
    used: usize,
    /// What was last taken, if it lay in several batches.
    joined: Blocks,
}

/// What a refill starts from.
pub(super) struct Start {
    pub(super) number: u64,
    pub(super) set: SilentSet,
    pub(super) keys: Keys,
    /// The blocks that rows are sums of.
    pub(super) secret: Blocks,
    /// One block a level, tree by tree.
    pub(super) bases: Blocks,
    /// For the outputs; holds anything.
    pub(super) outputs: Blocks,
}

impl Stock {
    /// A stock whose first refill `reserve` pays for.
    pub(super) fn new(
        (set, direction): (SilentSet, Direction),
        seed: &PublicSeed,
        reserve: Blocks,
    ) -> Result<Self> {
        let ledger = Ledger::new(set);
        if reserve.len() != ledger.base_cots() {
            let (given, wanted) = (reserve.len(), ledger.base_cots());
            return Err(Error::input(format!("{given} base correlated OTs instead of {wanted}")));
        }
        let (batches, joined) = (VecDeque::new(), Blocks::default());
        Ok(Self { ledger, direction, seed: *seed, reserve, batches, used: 0, joined })
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Starts the next refill.
    pub(super) fn start(&mut self) -> Result<Start> {
        let mut start = self.start_after(0)?;
        start.outputs = self.buffer(start.set.outputs());
        Ok(start)
    }

    /// Starts the refill after the next `ordered`, without a place for its outputs.
    pub(super) fn start_after(&mut self, ordered: usize) -> Result<Start> {
        let (number, set) = self.number(ordered);
        if self.reserve.len() != set.cost() {
            return Err(Error::input("the last refill is not in stock yet: accept it first"));
        }
        let mut secret = std::mem::take(&mut self.reserve);
        let bases = Zeroizing::new(secret[set.secret()..].to_vec());
        secret[set.secret()..].iter_mut().zeroize();
        secret.truncate(set.secret());
        let keys = self.keys(number);
        Ok(Start { number, set, keys, secret, bases, outputs: Blocks::default() })
    }

    /// Number and size of the refill after the next `ordered`.
    fn number(&self, ordered: usize) -> (u64, SilentSet) {
        let booked = self.booked(ordered);
        (booked.refills(), booked.next())
    }

    /// The ledger with that many more refills.
    pub(super) fn booked(&self, ordered: usize) -> Ledger {
        let mut ledger = self.ledger.clone();
        for _ in 0..ordered {
            ledger.refill();
        }
        ledger
    }

    /// The keys of a refill.
    pub(super) fn keys(&self, number: u64) -> Keys {
        Keys::new(&self.seed, self.direction, number)
    }

    /// Keeps back what the refill after those that are ordered uses up.
    pub(super) fn keep(&mut self, reserve: Blocks) {
        self.reserve = reserve;
    }

    /// A buffer of `n` blocks: that of the last batch, once little is left in it. Fresh pages cost
    /// as much as the trees.
    pub(super) fn buffer(&mut self, n: usize) -> Blocks {
        let few = self.batches.len() == 1 && self.ledger.available() <= n / 4;
        if !few || self.batches.front().is_none_or(|last| last.capacity() < n) {
            return zeros(n);
        }
        let mut buffer = self.batches.pop_front().unwrap_or_default();
        if self.used < buffer.len() {
            self.batches.push_back(Zeroizing::new(buffer[self.used..].to_vec()));
        }
        self.used = 0;
        buffer.resize(n, Block::default());
        buffer
    }

    /// Ends refill `number`: keeps back what the next one costs, puts the rest in stock.
    pub(super) fn accept(&mut self, number: u64, mut outputs: Blocks) -> Result<()> {
        let mut ledger = self.ledger.clone();
        let set = ledger.refill();
        let expected = (self.ledger.refills(), set.outputs(), true);
        if (number, outputs.len(), self.reserve.is_empty()) != expected {
            return Err(Error::input("this refill is not the one that was started last"));
        }
        let kept = outputs.len() - ledger.next().cost();
        self.reserve = Zeroizing::new(outputs[kept..].to_vec());
        outputs[kept..].iter_mut().zeroize();
        self.put(outputs);
        Ok(())
    }

    /// Books a refill whose reserve is kept already, and puts the rest in stock.
    pub(super) fn put(&mut self, mut outputs: Blocks) {
        self.ledger.refill();
        let kept = outputs.len() - self.ledger.next().cost();
        outputs[kept..].iter_mut().zeroize();
        outputs.truncate(kept);
        self.batches.push_back(outputs);
    }

    /// The next `n` blocks.
    pub(super) fn take(&mut self, n: usize) -> Result<&[Block]> {
        self.ledger.take(n)?;
        if self.batches.front().is_some_and(|batch| batch.len() - self.used >= n) {
            let start = self.used;
            self.used += n;
            return Ok(self.batches.front().map_or(&[], |batch| &batch[start..start + n]));
        }
        self.joined = Zeroizing::new(Vec::with_capacity(n));
        while let Some(batch) = self.batches.front() {
            let rest = &batch[self.used..];
            let part = rest.len().min(n - self.joined.len());
            self.joined.extend_from_slice(&rest[..part]);
            self.used += part;
            if part < rest.len() {
                break;
            }
            self.batches.pop_front();
            self.used = 0;
        }
        Ok(&self.joined)
    }
}

/// Sets the lowest bit of each block to a bit.
pub(super) fn set_bits(blocks: &mut [Block], bits: &[u8]) {
    for (block, bit) in blocks.iter_mut().zip(bits) {
        block.0 = (block.0 & super::tree::HIGH) | u128::from(bit & 1);
    }
}
