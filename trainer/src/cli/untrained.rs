//! Arguments of `untrained`.

use super::{Budget, DescribeArgs, args};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `untrained`.
#[derive(Args, Debug)]
pub struct UntrainedArgs {
    #[command(flatten)]
    /// Network and images.
    pub net: DescribeArgs,
    /// ReLUs to keep, at positions drawn over the whole network: a number, thousands as in 50k, a
    /// share as in 10%, or all.
    #[arg(long, value_name = "N", default_value = "50k", value_parser = relus)]
    pub relus: Budget,
    /// Seed of weights and positions.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// File to write the network to, as ONNX.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

fn relus(text: &str) -> Result<Budget, String> {
    if text == "all" { Ok(Budget::Share(1.0)) } else { args::budget(text) }
}
