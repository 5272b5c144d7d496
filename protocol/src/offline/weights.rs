//! The server's transformed weights, kept between offline runs up to a stated budget.
//!
//! Transforming a layer's weights costs several products' time for each weight polynomial, and
//! depends on the batch size through the packing. What does not fit the budget is transformed
//! anew in each run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::offline::lattice::LatticePlan;
use crate::plan::SecretPlan;
use crate::rlwe::PreparedWeights;

/// Prepared weights of one batch size, one entry a group; `None` where the budget was used up.
pub(crate) type BatchWeights = Arc<Vec<Option<PreparedWeights>>>;

/// Prepared weights by batch size. Secret: no `Debug`.
pub(crate) struct WeightCache {
    budget: usize,
    by_batch: Mutex<BTreeMap<usize, BatchWeights>>,
}

impl WeightCache {
    /// A cache that holds at most `budget` bytes over all batch sizes.
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, by_batch: Mutex::default() }
    }

    /// The weights for this batch size, prepared now if this is its first run.
    pub(crate) fn get(&self, lattice: &LatticePlan, secret: &SecretPlan) -> Result<BatchWeights> {
        // A panic elsewhere cannot leave the map half written: entries are inserted whole.
        let mut by_batch = self.by_batch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = by_batch.get(&lattice.batch) {
            return Ok(Arc::clone(found));
        }
        let held: usize =
            by_batch.values().flat_map(|w| w.iter().flatten()).map(|w| w.held()).sum();
        let mut room = self.budget.saturating_sub(held);
        let mut prepared = Vec::with_capacity(lattice.groups.len());
        for group in &lattice.groups {
            let bytes = group.prepared_bytes();
            let fits = bytes <= room;
            prepared.push(if fits { Some(group.prepare(secret)?) } else { None });
            room -= if fits { bytes } else { 0 };
        }
        let prepared = Arc::new(prepared);
        by_batch.insert(lattice.batch, Arc::clone(&prepared));
        Ok(prepared)
    }
}
