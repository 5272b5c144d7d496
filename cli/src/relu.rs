//! The option `--relu`.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;
use tacita_protocol::Result;
use tacita_protocol::cost::{CostModel, KernelProfile, Link};
use tacita_protocol::gadget::ReluChoice;
use tacita_protocol::plan::{PublicPlan, ReluChoices};

use crate::speed;

/// What computes the ReLUs.
#[derive(ValueEnum, Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Relu {
    /// Garbled circuits: one round trip a layer
    #[default]
    Gc,
    /// Oblivious table lookup: two round trips a layer, a fifth of the bytes (layers whose
    /// comparisons are too wide for tables stay garbled)
    Ot,
    /// Layer by layer what is predicted to be faster on the network; without --network, what takes
    /// fewer bytes
    Auto,
}

impl Relu {
    /// What this means for a plan, `batch` tickets at a time. `auto` predicts with the built-in
    /// speeds: so any two programs agree.
    ///
    /// # Errors
    /// `Input` if a convolution cannot be packed.
    pub fn choices(
        self,
        plan: &PublicPlan,
        batch: usize,
        network: Option<&Link>,
    ) -> Result<ReluChoices> {
        match self {
            Self::Gc => Ok(ReluChoices::uniform(plan, ReluChoice::Garbled)),
            Self::Ot => Ok(ReluChoices::uniform(plan, ReluChoice::Lookup)),
            Self::Auto => CostModel::new(plan, batch)?.choose(network, &speed::reference()?),
        }
    }

    /// As [`Self::choices`], for a plan that is packed already and machines of this speed.
    ///
    /// # Errors
    /// `Input` if the seconds cannot be predicted.
    pub fn choices_at(
        self,
        model: &CostModel<'_>,
        network: Option<&Link>,
        profile: &KernelProfile,
    ) -> Result<ReluChoices> {
        match self {
            Self::Auto => model.choose(network, profile),
            uniform => uniform.choices(model.plan(), model.batch(), network),
        }
    }
}

impl fmt::Display for Relu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gc => "gc",
            Self::Ot => "ot",
            Self::Auto => "auto",
        })
    }
}

/// How many tensors are garbled and how many looked up, for people.
pub fn tell_choices(choices: &ReluChoices) -> String {
    let lookups = choices.lookups();
    let garbled = choices.iter().len() - lookups;
    match (garbled, lookups) {
        (0, 0) => "no layer has any".into(),
        (_, 0) => "garbled in all layers (gc)".into(),
        (0, _) => "looked up in all layers (ot)".into(),
        (gc, ot) => format!("garbled in {gc} layers (gc), looked up in {ot} (ot)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for relu in Relu::value_variants() {
            assert_eq!(Relu::from_str(&relu.to_string(), false).as_ref(), Ok(relu));
        }
    }
}
