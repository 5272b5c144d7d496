//! Which backend computes the ReLUs of each tensor.

use serde::{Deserialize, Serialize};

use super::graph::{PublicPlan, TensorSpec};
use crate::error::{Error, Result};
use crate::gadget::{CompareBits, ReluChoice};

/// One [`ReluChoice`] for each tensor that has ReLUs, in the order of the tensors.
///
/// Made for a plan, whose comparisons say what is possible: nothing else is ever chosen, so that
/// the choice says what will happen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReluChoices(Vec<ReluChoice>);

impl ReluChoices {
    /// The default for each of these tensors that has ReLUs.
    pub fn usual(tensors: &[TensorSpec]) -> Self {
        let relus = tensors.iter().filter(|t| t.mask.ones() > 0);
        Self(relus.map(|_| ReluChoice::default()).collect())
    }

    /// The same for all tensors of a validated plan; the default for those whose comparisons are
    /// too wide for it.
    pub fn uniform(plan: &PublicPlan, choice: ReluChoice) -> Self {
        Self(comparisons(plan).map(|compare| choice.if_possible(compare)).collect())
    }

    /// One choice a tensor with ReLUs.
    ///
    /// # Errors
    /// `Input` if they are not as many as the plan has such tensors, or if a comparison is too wide
    /// for the choice.
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
            choice.check(compare).map_err(|e| Error::input(format!("`{name}`: {e}")))?;
        }
        Ok(())
    }

    /// What an offline request says of them: one byte a tensor, its backend's number.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().map(|choice| choice.code()).collect()
    }

    /// Reads the peer's bytes.
    ///
    /// # Errors
    /// `PeerMisbehaved` if there is not one for each tensor with ReLUs, if one numbers no backend,
    /// or if a comparison is too wide for its backend.
    pub fn from_bytes(plan: &PublicPlan, bytes: &[u8]) -> Result<Self> {
        let unknown = |code| Error::misbehaved(format!("no ReLU backend has the number {code}"));
        let choice = |code: &u8| ReluChoice::of(*code).ok_or_else(|| unknown(*code));
        let choices = bytes.iter().map(choice).collect::<Result<_>>()?;
        Self::new(plan, choices)
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

    /// How many tensors have this choice.
    pub fn count(&self, choice: ReluChoice) -> usize {
        self.iter().filter(|c| *c == choice).count()
    }

    /// The choice of the `relu`-th tensor with ReLUs.
    pub(crate) fn of(&self, relu: usize) -> ReluChoice {
        self.0.get(relu).copied().unwrap_or_default()
    }

    /// The same with the `relu`-th tensor's choice replaced.
    #[must_use]
    pub(crate) fn replaced(&self, relu: usize, choice: ReluChoice) -> Self {
        let mut choices = self.clone();
        if let Some(of_tensor) = choices.0.get_mut(relu) {
            *of_tensor = choice;
        }
        choices
    }
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

    fn both() -> [ReluChoice; 2] {
        ["gc", "ot"].map(|name| ReluChoice::named(name).unwrap())
    }

    #[test]
    fn a_plan_keeps_its_choices_in_its_file() {
        let mut plan = network::small(3);
        let before = plan.hash().unwrap();
        let [gc, ot] = both();
        assert_eq!(plan.public.relu_choices.count(gc), 3);
        let choices = [ot, gc, ot];
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
        let [gc, ot] = both();
        assert_eq!(refused(vec![gc, ot, ot]), Ok(()));
        for wrong in [vec![], vec![gc; 2], vec![gc; 4]] {
            let error = refused(wrong).unwrap_err();
            assert!(error.contains("unusable plan: backends are chosen for"), "{error}");
        }
        let error = refused(vec![ot, gc, gc]).unwrap_err();
        assert!(error.contains("`stem`") && error.contains("too wide"), "{error}");
    }
}
