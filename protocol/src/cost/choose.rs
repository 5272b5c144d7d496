//! Which backend computes which tensor's ReLUs best.
//!
//! *Best* is what a user waits and pays for in the long run: a ticket's share of an offline run
//! whose weights are prepared, and the inference that spends it. Where a network is named, its
//! predicted seconds count; without one, its bytes (every backend takes two round trips a tensor
//! at most). The backends that are listed first win ties: they take fewer round trips.

use super::{CostModel, KernelProfile, Link, TensorCost};
use crate::error::Result;
use crate::gadget::ReluChoice;
use crate::plan::ReluChoices;

impl CostModel<'_> {
    /// The best choice on a network, with machines of the profile's speed and cores; without a
    /// network, the choice of the fewest bytes.
    ///
    /// # Errors
    /// As [`Self::time`] and [`Self::traffic`].
    pub fn choose(&self, link: Option<&Link>, profile: &KernelProfile) -> Result<ReluChoices> {
        match link {
            Some(link) => self.fastest(link, profile),
            None => self.fewest_bytes(),
        }
    }

    /// Each tensor for itself: no tensor's bytes depend on another's backend.
    fn fewest_bytes(&self) -> Result<ReluChoices> {
        let bytes = |c: &TensorCost| {
            let offline = c.offline_up + c.offline_down + c.ot_up + c.ot_down;
            offline + self.batch as u64 * (c.online_up + c.online_down)
        };
        let costs = |choice| Ok((choice, self.with(&self.uniform(choice)).traffic()?.tensors));
        let all: Vec<(ReluChoice, Vec<TensorCost>)> =
            ReluChoice::all().map(costs).collect::<Result<_>>()?;
        let mut choices = self.uniform(ReluChoice::default());
        for relu in &self.schedule.relus {
            let of = |(choice, costs): &(ReluChoice, Vec<TensorCost>)| {
                let cost = costs.get(relu.tensor).map_or(u64::MAX, bytes);
                (cost, choice.if_possible(relu.compare))
            };
            if let Some((_, choice)) = all.iter().map(of).min() {
                choices = choices.replaced(relu.index, choice);
            }
        }
        Ok(choices)
    }

    /// Backends share the processors and the line, and one tensor with tables costs an offline
    /// round trip, so that tensors are not independent. First, for each backend but the default,
    /// the tensors with most ReLUs are given to it, for every number of them; none and all are the
    /// uniform choices. Then, from the best of these on, one tensor after the other is given to
    /// another backend, the largest first, and what saves time is kept. Hence never slower than
    /// any uniform choice.
    fn fastest(&self, link: &Link, profile: &KernelProfile) -> Result<ReluChoices> {
        let usual = self.uniform(ReluChoice::default());
        let mut best = (self.seconds(&usual, link, profile)?, usual.clone());
        let mut consider = |choices: ReluChoices| -> Result<ReluChoices> {
            let seconds = self.seconds(&choices, link, profile)?;
            if seconds < best.0 {
                best = (seconds, choices);
            }
            Ok(best.1.clone())
        };
        let mut relus: Vec<_> = self.schedule.relus.iter().collect();
        relus.sort_by_key(|r| std::cmp::Reverse(r.positions.len()));
        let mut choices = usual.clone();
        for other in ReluChoice::all().skip(1) {
            let mut largest = usual.clone();
            for relu in &relus {
                largest = largest.replaced(relu.index, other.if_possible(relu.compare));
                choices = consider(largest.clone())?;
            }
        }
        for relu in relus {
            let own = choices.of(relu.index);
            for other in ReluChoice::all().filter(|c| *c != own) {
                let other = other.if_possible(relu.compare);
                if other != choices.of(relu.index) {
                    choices = consider(choices.replaced(relu.index, other))?;
                }
            }
        }
        Ok(choices)
    }

    /// Predicted seconds of a ticket's share of an offline run and of the inference.
    fn seconds(&self, choices: &ReluChoices, link: &Link, profile: &KernelProfile) -> Result<f64> {
        self.with(choices).ticket_seconds(profile, link)
    }

    /// The same backend for all tensors whose comparisons it can do.
    fn uniform(&self, choice: ReluChoice) -> ReluChoices {
        ReluChoices::uniform(self.plan, choice)
    }

    fn with(&self, choices: &ReluChoices) -> Self {
        self.clone().with_relus(choices)
    }
}
