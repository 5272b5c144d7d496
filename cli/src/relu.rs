//! The option `--relu`.

use std::fmt;
use std::sync::LazyLock;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde::{Serialize, Serializer};
use tacita_protocol::Result;
use tacita_protocol::cost::{CostModel, KernelProfile, Link};
use tacita_protocol::gadget::ReluChoice;
use tacita_protocol::plan::{PublicPlan, ReluChoices};

use crate::speed;

/// What computes the ReLUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relu {
    /// One backend, where it can.
    Uniform(ReluChoice),
    /// Layer by layer what is predicted to be best.
    Auto,
}

/// Every value of the option.
static ALL: LazyLock<Vec<Relu>> =
    LazyLock::new(|| ReluChoice::all().map(Relu::Uniform).chain([Relu::Auto]).collect());

impl ValueEnum for Relu {
    fn value_variants<'a>() -> &'a [Self] {
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Uniform(choice) => PossibleValue::new(choice.name()).help(choice.about()),
            Self::Auto => PossibleValue::new("auto").help(
                "Layer by layer what is predicted to be faster on the network; without --network, \
                 what takes fewer bytes",
            ),
        })
    }
}

impl Default for Relu {
    fn default() -> Self {
        Self::Uniform(ReluChoice::default())
    }
}

impl Serialize for Relu {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
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
            Self::Uniform(choice) => Ok(ReluChoices::uniform(plan, choice)),
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
        match self {
            Self::Uniform(choice) => choice.fmt(f),
            Self::Auto => f.pad("auto"),
        }
    }
}

/// What computes the ReLUs of how many tensors, for people.
pub fn tell_choices(choices: &ReluChoices) -> String {
    let counted = ReluChoice::all().map(|choice| (choice, choices.count(choice)));
    let met: Vec<(ReluChoice, usize)> = counted.filter(|(_, n)| *n > 0).collect();
    match met.as_slice() {
        [] => "no layer has any".into(),
        [(all, _)] => format!("{} in all layers ({all})", all.does()),
        [(first, n), more @ ..] => {
            let more = more.iter().map(|(c, n)| format!(", {} in {n} ({c})", c.does()));
            format!("{} in {n} layers ({first}){}", first.does(), more.collect::<String>())
        }
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
