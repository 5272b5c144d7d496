//! What a run costs, predicted from the public plan alone: bytes and rounds, which are met exactly
//! ([`predict`]); memory ([`memory`]), where the data structures are known; and seconds ([`time`])
//! from the speed of a machine's kernels ([`profile`]) and of a link ([`link`]).

mod choose;
mod choose_ots;
mod clock;
pub mod link;
pub mod memory;
pub mod profile;
mod stock;
#[cfg(test)]
mod tests;
pub mod time;
mod traffic;
mod work;

pub use choose_ots::OtCandidates;
pub use link::Link;
pub use memory::MemoryEstimate;
pub use profile::KernelProfile;
pub use time::TimeEstimate;
pub use traffic::{Prediction, TensorCost, predict};

use std::sync::Arc;

use crate::error::Result;
use crate::gadget::Gadget;
use crate::offline::{LatticePlan, ReluTensor, Schedule, Slice};
use crate::ot::OtConfig;
use crate::plan::{PublicPlan, ReluChoices};

/// A plan, packed for a batch of tickets: what all predictions start from. Packing a large network
/// takes a moment, so that several predictions had better share one model.
#[derive(Clone)]
pub struct CostModel<'a> {
    plan: &'a PublicPlan,
    schedule: Arc<Schedule>,
    lattice: Arc<LatticePlan>,
    batch: usize,
    relus: ReluChoices,
    ots: OtConfig,
    /// Offline runs of the session before the one that is predicted.
    runs_before: usize,
}

impl<'a> CostModel<'a> {
    /// Packs a validated plan for `batch` tickets at a time, with the plan's own choice of backends.
    ///
    /// # Errors
    /// `Error::Input` if a convolution cannot be packed.
    pub fn new(plan: &'a PublicPlan, batch: usize) -> Result<Self> {
        let schedule = Arc::new(Schedule::new(plan)?);
        let lattice = Arc::new(LatticePlan::new(plan, batch)?);
        let relus = plan.relu_choices.clone();
        Ok(Self { plan, schedule, lattice, batch, relus, ots: OtConfig::default(), runs_before: 0 })
    }

    /// The same with these backends for its ReLUs, which are chosen for the same plan.
    #[must_use]
    pub fn with_relus(self, relus: &ReluChoices) -> Self {
        Self { relus: relus.clone(), ..self }
    }

    /// The same with correlated OTs made in this way.
    #[must_use]
    pub fn with_ots(self, ots: OtConfig) -> Self {
        Self { ots, ..self }
    }

    /// The same for a later offline run of a session whose runs are all alike, counted from 0.
    #[must_use]
    pub fn in_run(self, run: usize) -> Self {
        Self { runs_before: run, ..self }
    }

    /// How correlated OTs are made.
    pub fn ots(&self) -> OtConfig {
        self.ots
    }

    /// What computes a tensor's ReLUs.
    fn gadget(&self, relu: &ReluTensor) -> Box<dyn Gadget> {
        self.relus.of(relu.index).gadget(relu.compare)
    }

    /// What computes a slice's ReLUs.
    fn slice_gadget(&self, slice: &Slice<'_>) -> Box<dyn Gadget> {
        slice.gadget(&self.relus)
    }

    /// Whether some ReLUs have tables.
    fn has_tables(&self) -> bool {
        let mut gadgets = self.schedule.relus.iter().map(|relu| self.gadget(relu));
        gadgets.any(|gadget| gadget.tables_bytes(1).is_some())
    }

    /// The plan.
    pub fn plan(&self) -> &PublicPlan {
        self.plan
    }

    /// What computes the ReLUs.
    pub fn choices(&self) -> &ReluChoices {
        &self.relus
    }

    /// Tickets made at a time.
    pub fn batch(&self) -> usize {
        self.batch
    }
}
