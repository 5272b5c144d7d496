//! Arguments of `bench`.

use super::ComputeArgs;
use super::args::size;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `bench`.
#[derive(Args, Debug)]
pub struct BenchArgs {
    /// Networks [default: one of each family, and ResNet18 of a quarter of the width].
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub nets: Option<Vec<String>>,
    /// Multiply every width of every network by this (rounded down).
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub width_multiplier: f64,
    /// Images in a mini-batch.
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u16).range(2..))]
    pub batch: u16,
    /// Seconds to measure training for, and again evaluation, of each network. Whole steps
    /// count, two at least, so that large networks take longer.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=3600))]
    pub seconds: u64,
    /// Rows and columns of an image (one number for squares).
    #[arg(long, value_name = "HxW", default_value = "32", value_parser = size)]
    pub input_size: (usize, usize),
    /// Classes.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(2..))]
    pub classes: u16,
    #[command(flatten)]
    /// Where to compute.
    pub compute: ComputeArgs,
    /// File to write the results to.
    #[arg(long, value_name = "FILE", default_value = "lab/results/throughput.json")]
    pub out: PathBuf,
}
