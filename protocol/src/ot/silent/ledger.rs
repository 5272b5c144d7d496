//! How many refills a demand takes: counts alone, for the protocol and for predictions of it.

use super::SilentSet;
use crate::error::{Error, Result};

/// What one direction has in stock, and what it does when that runs out. Both parties keep equal
/// ledgers by taking the same counts in the same order; nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    set: SilentSet,
    refills: u64,
    available: usize,
}

impl Ledger {
    /// Nothing in stock, nothing refilled.
    pub fn new(set: SilentSet) -> Self {
        Self { set, refills: 0, available: 0 }
    }

    /// Correlated OTs that the session's other extension has to make once.
    pub fn base_cots(&self) -> usize {
        self.set.first().cost()
    }

    /// Refills so far.
    pub fn refills(&self) -> u64 {
        self.refills
    }

    /// Correlated OTs that can be taken without another refill.
    pub fn available(&self) -> usize {
        self.available
    }

    /// The size of the next refill.
    pub fn next(&self) -> SilentSet {
        if self.refills == 0 { self.set.first() } else { self.set }
    }

    /// Books a refill and says of which size it is. What the one after it costs is kept back.
    pub fn refill(&mut self) -> SilentSet {
        let set = self.next();
        self.refills += 1;
        self.available += set.outputs() - self.set.cost();
        set
    }

    /// The refill that is due before `n` can be taken; none if they can be now.
    pub fn due(&self, n: usize) -> Option<SilentSet> {
        (self.available < n).then(|| self.next())
    }

    /// Books the refills, in order, after which `n` can be taken; none if they can be now.
    pub fn cover(&mut self, n: usize) -> Vec<SilentSet> {
        let mut sets = Vec::new();
        while self.due(n).is_some() {
            sets.push(self.refill());
        }
        sets
    }

    /// Books that `n` are taken.
    ///
    /// # Errors
    /// [`Error::Input`] if fewer are available.
    pub fn take(&mut self, n: usize) -> Result<()> {
        let left = self.available.checked_sub(n).ok_or_else(|| {
            Error::input(format!("{n} correlated OTs wanted, {} in stock: refill", self.available))
        })?;
        self.available = left;
        Ok(())
    }
}
