//! Which backend computes which tensor's ReLUs best.
//!
//! *Best* is what a user waits and pays for in the long run: a ticket's share of an offline run
//! whose weights are prepared, and the inference that spends it. Where a network is named, its
//! predicted seconds count; without one, its bytes (every backend takes two round trips a tensor
//! at most). Garbled circuits win ties: they take fewer round trips.

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
        let [garbled, lookup] = self.uniform();
        let [of_garbled, of_lookup] = [&garbled, &lookup].map(|c| self.with(c).traffic());
        let (of_garbled, of_lookup) = (of_garbled?.tensors, of_lookup?.tensors);
        let mut choices = garbled;
        for relu in &self.schedule.relus {
            let [garbled, lookup] =
                [&of_garbled, &of_lookup].map(|t| t.get(relu.tensor).map(bytes));
            if lookup < garbled {
                choices = choices.flipped(relu.index, relu.compare);
            }
        }
        Ok(choices)
    }

    /// Backends share the processors and the line, and one garbled tensor costs an offline round
    /// trip, so that tensors are not independent. First the tensors with most ReLUs are looked up,
    /// for every number of them; none and all are the uniform choices. Then, from the best of these
    /// on, one tensor after the other is exchanged, the largest first, and an exchange that saves
    /// time is kept. Hence never slower than either uniform choice.
    fn fastest(&self, link: &Link, profile: &KernelProfile) -> Result<ReluChoices> {
        let [garbled, _] = self.uniform();
        let mut best = (self.seconds(&garbled, link, profile)?, garbled.clone());
        let mut consider = |choices: ReluChoices| -> Result<ReluChoices> {
            let seconds = self.seconds(&choices, link, profile)?;
            if seconds < best.0 {
                best = (seconds, choices);
            }
            Ok(best.1.clone())
        };
        let mut relus: Vec<_> = self.schedule.relus.iter().collect();
        relus.sort_by_key(|r| std::cmp::Reverse(r.positions.len()));
        let (mut largest, mut choices) = (garbled.clone(), garbled);
        for relu in &relus {
            largest = largest.flipped(relu.index, relu.compare);
            choices = consider(largest.clone())?;
        }
        for relu in relus {
            choices = consider(choices.flipped(relu.index, relu.compare))?;
        }
        Ok(choices)
    }

    /// Predicted seconds of a ticket's share of an offline run and of the inference.
    fn seconds(&self, choices: &ReluChoices, link: &Link, profile: &KernelProfile) -> Result<f64> {
        self.with(choices).ticket_seconds(profile, link)
    }

    /// All garbled, and all looked up that can be.
    fn uniform(&self) -> [ReluChoices; 2] {
        [ReluChoice::Garbled, ReluChoice::Lookup].map(|c| ReluChoices::uniform(self.plan, c))
    }

    fn with(&self, choices: &ReluChoices) -> Self {
        self.clone().with_relus(choices)
    }
}
