//! Which backend computes the ReLUs of each tensor.

use serde::{Deserialize, Serialize};

use super::graph::{PublicPlan, TensorSpec};
use crate::bytes::{bit, pack_bits};
use crate::error::{Error, Result};
use crate::gadget::lookup::Split;
use crate::gadget::{CompareBits, ReluBackend, ReluChoice, check_padding};

/// One [`ReluChoice`] for each tensor that has ReLUs, in the order of the tensors.
///
/// Made for a plan, whose comparisons say where lookup is possible: nothing wider is ever chosen
/// to be looked up, so that the choice says what will happen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReluChoices(Vec<ReluChoice>);

impl ReluChoices {
    /// Garbled circuits for each of these tensors that has ReLUs.
    pub fn garbled(tensors: &[TensorSpec]) -> Self {
        let relus = tensors.iter().filter(|t| t.mask.ones() > 0);
        Self(relus.map(|_| ReluChoice::Garbled).collect())
    }

    /// The same for all tensors of a validated plan; those whose comparisons are too wide for
    /// lookup are garbled.
    pub fn uniform(plan: &PublicPlan, choice: ReluChoice) -> Self {
        let possible =
            |c| if looked_up(choice) && !narrow(c) { ReluChoice::Garbled } else { choice };
        Self(comparisons(plan).map(possible).collect())
    }

    /// One choice a tensor with ReLUs.
    ///
    /// # Errors
    /// `Input` if they are not as many as the plan has such tensors, or if one is to be looked up
    /// whose comparison is too wide for that.
    pub fn new(plan: &PublicPlan, choices: Vec<ReluChoice>) -> Result<Self> {
        let choices = Self(choices);
        choices.check(plan)?;
        Ok(choices)
    }

    /// One more tensor with ReLUs, behind the others.
    pub(super) fn push(&mut self, choice: ReluChoice) {
        self.0.push(choice);
    }

    /// Holds the choices against a plan.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn check(&self, plan: &PublicPlan) -> Result<()> {
        let expected = comparisons(plan).count();
        if self.0.len() != expected {
            return Err(Error::input(format!(
                "backends are chosen for {} tensors, the plan has {expected} with ReLUs",
                self.0.len()
            )));
        }
        for ((choice, compare), name) in self.0.iter().zip(comparisons(plan)).zip(names(plan)) {
            if looked_up(*choice) {
                Split::cheapest(compare).map_err(|e| Error::input(format!("`{name}`: {e}")))?;
            }
        }
        Ok(())
    }

    /// The bit map of an offline request: one bit a tensor, set where ReLUs are looked up.
    pub fn to_bits(&self) -> Vec<u8> {
        pack_bits(self.0.iter().copied().map(looked_up))
    }

    /// Bytes of the bit map for `tensors` tensors with ReLUs.
    pub(crate) const fn encoded_bytes(tensors: usize) -> usize {
        tensors.div_ceil(8)
    }

    /// Reads the peer's bit map.
    ///
    /// # Errors
    /// `PeerMisbehaved` if its length is not the plan's, if unused bits are set, or if a tensor is
    /// to be looked up whose comparison is too wide for that.
    pub fn from_bits(plan: &PublicPlan, bits: &[u8]) -> Result<Self> {
        let tensors = comparisons(plan).count();
        if bits.len() != Self::encoded_bytes(tensors) {
            return Err(Error::misbehaved(format!(
                "a choice of backends of {} bytes for {tensors} tensors with ReLUs",
                bits.len()
            )));
        }
        check_padding(bits, tensors)?;
        let choice = |i| if bit(bits, i) { ReluChoice::Lookup } else { ReluChoice::Garbled };
        Self::new(plan, (0..tensors).map(choice).collect())
            .map_err(|e| Error::misbehaved(format!("an impossible choice of backends: {e}")))
    }

    /// The choices, in the order of the tensors.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = ReluChoice> + '_ {
        self.0.iter().copied()
    }

    /// The choice for each tensor of the plan that they are made for; `None` without ReLUs.
    pub fn by_tensor(&self, plan: &PublicPlan) -> Vec<Option<ReluChoice>> {
        let mut tensors = vec![None; plan.tensors.len()];
        for ((tensor, _), choice) in plan.relu_tensors().zip(self.iter()) {
            if let Some(of_tensor) = tensors.get_mut(tensor) {
                *of_tensor = Some(choice);
            }
        }
        tensors
    }

    /// How many tensors are looked up.
    pub fn lookups(&self) -> usize {
        self.iter().filter(|c| looked_up(*c)).count()
    }

    /// The backend of the `relu`-th tensor with ReLUs, whose comparisons have this width.
    pub(crate) fn backend(&self, relu: usize, compare: CompareBits) -> ReluBackend {
        self.0.get(relu).copied().unwrap_or_default().backend(compare)
    }

    /// The same with the `relu`-th tensor's choice exchanged, where both are possible.
    #[must_use]
    pub(crate) fn flipped(&self, relu: usize, compare: CompareBits) -> Self {
        let mut choices = self.clone();
        if let Some(choice) = choices.0.get_mut(relu) {
            *choice = match *choice {
                ReluChoice::Garbled if narrow(compare) => ReluChoice::Lookup,
                _ => ReluChoice::Garbled,
            };
        }
        choices
    }
}

fn looked_up(choice: ReluChoice) -> bool {
    choice == ReluChoice::Lookup
}

fn narrow(compare: CompareBits) -> bool {
    Split::best(compare).is_some()
}

/// The comparisons of the tensors with ReLUs. A validated plan leaves none out.
fn comparisons(plan: &PublicPlan) -> impl Iterator<Item = CompareBits> + '_ {
    plan.relu_tensors().filter_map(|(_, t)| t.compare().ok())
}

fn names(plan: &PublicPlan) -> impl Iterator<Item = &str> {
    plan.relu_tensors().map(|(_, t)| t.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::session::tests::network;

    #[test]
    fn a_plan_keeps_its_choices_in_its_file() {
        let mut plan = network::small(3);
        let before = plan.hash().unwrap();
        assert_eq!(plan.public.relu_choices.lookups(), 0);
        let choices = [ReluChoice::Lookup, ReluChoice::Garbled, ReluChoice::Lookup];
        plan.public.relu_choices = ReluChoices::new(&plan.public, choices.to_vec()).unwrap();
        let again = Plan::from_bytes(&plan.to_bytes().unwrap()).unwrap();
        assert_eq!(again.public, plan.public);
        assert!(again.public.relu_choices.iter().eq(choices));
        assert_ne!(again.hash().unwrap(), before);
    }

    #[test]
    fn a_plan_with_impossible_choices_is_refused() {
        let refused = |choices: Vec<ReluChoice>| {
            let mut plan = network::small(3).public;
            plan.relu_choices = ReluChoices(choices);
            // Cannot be looked up: 31 bits are compared.
            plan.tensors[1].magnitude = 30;
            PublicPlan::from_bytes(&plan.to_bytes().unwrap()).map(drop).map_err(|e| e.to_string())
        };
        let [gc, ot] = [ReluChoice::Garbled, ReluChoice::Lookup];
        assert_eq!(refused(vec![gc, ot, ot]), Ok(()));
        for wrong in [vec![], vec![gc; 2], vec![gc; 4]] {
            let error = refused(wrong).unwrap_err();
            assert!(error.contains("unusable plan: backends are chosen for"), "{error}");
        }
        let error = refused(vec![ot, gc, gc]).unwrap_err();
        assert!(error.contains("`stem`") && error.contains("too wide"), "{error}");
    }
}
