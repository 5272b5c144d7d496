//! The option `--ot`.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;
use tacita_protocol::Result;
use tacita_protocol::cost::{CostModel, KernelProfile, Link, OtCandidates};
use tacita_protocol::ot::OtConfig;
use tacita_protocol::plan::{PublicPlan, ReluChoices};

use crate::{Relu, speed};

/// How correlated OTs are made.
#[derive(ValueEnum, Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Ot {
    /// SoftSpoken extension: 3.9 bytes an OT, from the first one on
    #[value(name = "softspoken")]
    SoftSpoken,
    /// Silent OT: 0.3 MB a direction once, then 0.05 to 0.17 bytes an OT
    Silent,
    /// In each direction what is predicted to be faster on the network for all the session's
    /// tickets; without --network, what takes fewer bytes
    #[default]
    Auto,
}

impl Ot {
    /// What this means for a model's plan, ReLUs and batch, in a session of `tickets` with a server
    /// that keeps `stock` bytes.
    ///
    /// # Errors
    /// `Input` if the seconds cannot be predicted.
    pub fn config(
        self,
        model: &CostModel<'_>,
        session: (usize, u64),
        network: Option<&Link>,
        profile: &KernelProfile,
    ) -> Result<OtConfig> {
        match self {
            Self::SoftSpoken => Ok(OtConfig::default()),
            Self::Silent => model.choose_ots(OtCandidates::Silent, session, network, profile),
            Self::Auto => model.choose_ots(OtCandidates::All, session, network, profile),
        }
    }
}

/// What `--relu` and `--ot` mean for a session of `tickets`, at most `batch` at a time, with a server
/// that keeps `stock` bytes of correlated OTs: by the built-in speeds, so that any two programs
/// agree. Without `relu` the plan's own choice counts.
///
/// # Errors
/// `Input` if a convolution cannot be packed.
pub fn session_choices(
    plan: &PublicPlan,
    batch: usize,
    (relu, ot): (Option<Relu>, Ot),
    (tickets, stock): (usize, u64),
    network: Option<&Link>,
) -> Result<(ReluChoices, OtConfig)> {
    let speeds = speed::reference()?;
    let model = CostModel::new(plan, batch.min(tickets).max(1))?;
    let relus = match relu {
        Some(relu) => relu.choices_at(&model, network, &speeds)?,
        None => plan.relu_choices.clone(),
    };
    let ots = ot.config(&model.with_relus(&relus), (tickets, stock), network, &speeds)?;
    Ok((relus, ots))
}

impl fmt::Display for Ot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SoftSpoken => "softspoken",
            Self::Silent => "silent",
            Self::Auto => "auto",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for ot in Ot::value_variants() {
            assert_eq!(Ot::from_str(&ot.to_string(), false).as_ref(), Ok(ot));
        }
    }
}
