//! Options of `compare`.

use super::args::{Budget, budget};
use super::{MaskArgs, StageArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// A way to choose where ReLUs stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Arm {
    /// SENet: shares by sensitivity, positions by search.
    Senet,
    /// SENet's shares, random positions.
    Allocation,
    /// Equal numbers in all layers, random positions.
    Uniform,
    /// Positions drawn over the whole network.
    Random,
}

impl Arm {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Senet => "senet",
            Self::Allocation => "allocation",
            Self::Uniform => "uniform",
            Self::Random => "random",
        }
    }
}

/// Arguments of `compare`.
#[derive(Args, Debug)]
pub struct CompareArgs {
    #[command(flatten)]
    /// What every stage takes.
    pub stage: StageArgs,
    #[command(flatten)]
    /// How SENet's masks are chosen.
    pub masks: MaskArgs,
    /// Budgets of ReLUs.
    #[arg(long, value_name = "N,..", value_delimiter = ',', value_parser = budget,
          default_value = "2%,5%,10%,20%")]
    pub budgets: Vec<Budget>,
    /// Ways to choose.
    #[arg(
        long,
        value_name = "ARM,..",
        value_delimiter = ',',
        value_enum,
        default_value = "senet,uniform,random"
    )]
    pub arms: Vec<Arm>,
    /// Seeds of masks and training; the teacher has the one of --seed.
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_value = "1,2,3")]
    pub seeds: Vec<u64>,
    /// Sensitivities to share budgets out by: the JSON file that `sensitivity` wrote.
    #[arg(long, value_name = "FILE")]
    pub sensitivity: Option<PathBuf>,
    /// File to write the results to.
    #[arg(long, value_name = "FILE", default_value = "lab/results/budgets.json")]
    pub out: PathBuf,
}
