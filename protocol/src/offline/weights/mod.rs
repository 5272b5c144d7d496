//! The server's transformed weights, kept between offline runs within a budget.
//!
//! Transforming a layer's weights costs several products' time for each weight polynomial, and
//! depends on the batch size through the packing. Of each batch size the same groups are kept: in
//! order, those that fit the whole budget. What is not kept is transformed anew in each run, which
//! takes as long as preparing it: a client that has the cache thrown out again and again costs the
//! server nothing but what its own runs cost anyway.
//!
//! # The budget
//!
//! Weights that are kept, in use or being prepared count. When others are wanted, those that were
//! used longest ago and that no run uses go; if all that may go is not enough, the run does without.
//! So the sum never exceeds the budget, whoever asks for what.
//!
//! # One preparation
//!
//! The lock is never held while anything is prepared. Who asks for weights that are being prepared
//! waits for them; if that preparation fails or panics, one of those who wait tries again.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::offline::lattice::{LatticeGroup, LatticePlan};
use crate::rlwe::PreparedWeights;

/// Prepared weights of one batch size, one entry a group; `None` where they are not kept.
pub(crate) type BatchWeights = Arc<Vec<Option<PreparedWeights>>>;

/// Prepared weights by batch size. Secret: no `Debug`.
pub(crate) struct WeightCache {
    budget: usize,
    shelf: Mutex<Shelf>,
    changed: Condvar,
}

#[derive(Default)]
struct Shelf {
    by_batch: BTreeMap<usize, Entry>,
    /// Rises with every use.
    clock: u64,
    preparations: usize,
}

struct Entry {
    bytes: usize,
    used: u64,
    /// `None` while they are being prepared.
    weights: Option<BatchWeights>,
}

impl Entry {
    /// Whether no run uses them: new uses begin under the lock.
    fn idle(&self) -> bool {
        self.weights.as_ref().is_some_and(|weights| Arc::strong_count(weights) == 1)
    }
}

/// What someone who asks for weights finds.
enum Found {
    Ready(BatchWeights),
    /// To be prepared by whoever asked; the room is taken.
    Missing,
    NoRoom,
}

impl WeightCache {
    /// A cache that holds at most `budget` bytes over all batch sizes.
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, shelf: Mutex::default(), changed: Condvar::new() }
    }

    /// The weights of this batch size: kept, prepared now by `prepare` group by group, or none.
    pub(crate) fn get(
        &self,
        lattice: &LatticePlan,
        prepare: impl Fn(&LatticeGroup) -> Result<PreparedWeights>,
    ) -> Result<BatchWeights> {
        match self.find(lattice) {
            Found::Ready(weights) => Ok(weights),
            Found::NoRoom => Ok(Arc::new(lattice.groups.iter().map(|_| None).collect())),
            Found::Missing => {
                let begun = Preparation { cache: self, batch: lattice.batch };
                let kept = self.kept(lattice).into_iter().zip(&lattice.groups);
                let weights = kept.map(|(kept, group)| kept.then(|| prepare(group)).transpose());
                Ok(begun.finish(Arc::new(weights.collect::<Result<_>>()?)))
            }
        }
    }

    /// Whether this batch size's weights can be prepared without throwing any others out.
    pub(crate) fn has_room(&self, lattice: &LatticePlan) -> bool {
        self.lock().held() + self.bytes(lattice) <= self.budget
    }

    /// Bytes that are kept or taken for what is being prepared.
    pub(crate) fn held(&self) -> usize {
        self.lock().held()
    }

    /// Preparations begun so far.
    pub(crate) fn preparations(&self) -> usize {
        self.lock().preparations
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        // No code that may panic runs under the lock.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which groups are kept: in order, what fits the budget.
    fn kept(&self, lattice: &LatticePlan) -> Vec<bool> {
        kept(lattice.groups.iter().map(LatticeGroup::prepared_bytes), self.budget)
    }

    fn bytes(&self, lattice: &LatticePlan) -> usize {
        let groups = self.kept(lattice).into_iter().zip(&lattice.groups);
        groups.map(|(kept, group)| if kept { group.prepared_bytes() } else { 0 }).sum()
    }

    /// Waits for a preparation under way.
    fn find(&self, lattice: &LatticePlan) -> Found {
        let mut shelf = self.lock();
        loop {
            shelf.clock += 1;
            let now = shelf.clock;
            match shelf.by_batch.get_mut(&lattice.batch) {
                Some(Entry { weights: Some(weights), used, .. }) => {
                    *used = now;
                    return Found::Ready(Arc::clone(weights));
                }
                Some(_) => {}
                None => return shelf.begin(lattice.batch, self.bytes(lattice), self.budget),
            }
            shelf = self.changed.wait(shelf).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Which of some groups' weights are kept within a budget: in order, all that fit.
pub(crate) fn kept(groups: impl Iterator<Item = usize>, budget: usize) -> Vec<bool> {
    let mut room = budget;
    let fits = |bytes| {
        let fits = bytes <= room;
        room -= if fits { bytes } else { 0 };
        fits
    };
    groups.map(fits).collect()
}

impl Shelf {
    fn held(&self) -> usize {
        self.by_batch.values().map(|entry| entry.bytes).sum()
    }

    /// Takes the room for weights that are to be prepared.
    fn begin(&mut self, batch: usize, bytes: usize, budget: usize) -> Found {
        if !self.make_room(bytes, budget) {
            return Found::NoRoom;
        }
        self.preparations += 1;
        self.by_batch.insert(batch, Entry { bytes, used: self.clock, weights: None });
        Found::Missing
    }

    /// Throws out what was used longest ago, if that makes room enough.
    fn make_room(&mut self, bytes: usize, budget: usize) -> bool {
        let idle = self.by_batch.values().filter(|entry| entry.idle());
        if self.held() - idle.map(|entry| entry.bytes).sum::<usize>() + bytes > budget {
            return false;
        }
        while self.held() + bytes > budget {
            let idle = self.by_batch.iter().filter(|(_, entry)| entry.idle());
            let Some(oldest) = idle.min_by_key(|(_, e)| e.used).map(|(batch, _)| *batch) else {
                return false;
            };
            self.by_batch.remove(&oldest);
        }
        true
    }
}

/// A preparation under way. Unless it is finished, it is as if it had not begun.
struct Preparation<'a> {
    cache: &'a WeightCache,
    batch: usize,
}

impl Preparation<'_> {
    fn finish(self, weights: BatchWeights) -> BatchWeights {
        if let Some(entry) = self.cache.lock().by_batch.get_mut(&self.batch) {
            entry.weights = Some(Arc::clone(&weights));
        }
        weights
    }
}

impl Drop for Preparation<'_> {
    fn drop(&mut self) {
        let mut shelf = self.cache.lock();
        if shelf.by_batch.get(&self.batch).is_some_and(|entry| entry.weights.is_none()) {
            shelf.by_batch.remove(&self.batch);
        }
        drop(shelf);
        self.cache.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
