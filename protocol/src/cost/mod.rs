//! What a run costs, predicted from the public plan alone: bytes and rounds, which are met exactly
//! ([`predict`]); memory ([`memory`]), where the data structures are known; and seconds ([`time`])
//! from the speed of a machine's kernels ([`profile`]) and of a link ([`link`]).

mod clock;
pub mod link;
pub mod memory;
pub mod profile;
#[cfg(test)]
mod tests;
pub mod time;
mod traffic;
mod work;

pub use link::Link;
pub use memory::MemoryEstimate;
pub use profile::KernelProfile;
pub use time::TimeEstimate;
pub use traffic::{Prediction, TensorCost, predict};

use crate::error::Result;
use crate::gadget::{ReluBackend, ReluChoice};
use crate::offline::{LatticePlan, ReluTensor, Schedule};
use crate::plan::PublicPlan;

/// A plan, packed for a batch of tickets: what all predictions start from. Packing a large network
/// takes a moment, so that several predictions had better share one model.
pub struct CostModel<'a> {
    plan: &'a PublicPlan,
    schedule: Schedule,
    lattice: LatticePlan,
    batch: usize,
    relus: ReluChoice,
}

impl<'a> CostModel<'a> {
    /// Packs a validated plan for `batch` tickets at a time.
    ///
    /// # Errors
    /// `Error::Input` if a convolution cannot be packed.
    pub fn new(plan: &'a PublicPlan, batch: usize) -> Result<Self> {
        let (schedule, lattice) = (Schedule::new(plan)?, LatticePlan::new(plan, batch)?);
        Ok(Self { plan, schedule, lattice, batch, relus: ReluChoice::Garbled })
    }

    /// The same with another backend for its ReLUs.
    #[must_use]
    pub fn with_relus(self, relus: ReluChoice) -> Self {
        Self { relus, ..self }
    }

    /// How a tensor's ReLUs are computed.
    fn backend(&self, relu: &ReluTensor) -> ReluBackend {
        self.relus.backend(relu.compare)
    }

    /// The plan.
    pub fn plan(&self) -> &PublicPlan {
        self.plan
    }

    /// Tickets made at a time.
    pub fn batch(&self) -> usize {
        self.batch
    }
}
