//! The option `--ot`.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;
use tacet_protocol::Result;
use tacet_protocol::cost::{CostModel, KernelProfile, Link, OtCandidates};
use tacet_protocol::ot::OtConfig;

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
