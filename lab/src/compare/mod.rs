//! `tacita-lab compare`: this protocol beside the alternatives, on the same machine in the same
//! run, and figures of other systems, kept apart.

mod circuits;
mod classic;
mod clear;
pub mod peers;
mod print;
pub mod record;
mod session;
mod tfhe;

use std::path::PathBuf;

use clap::Args;
use tacita_cli::json_line;
use tacita_protocol::{Error, Result};

use crate::networks::runtime::Runtime;
use record::Comparison;
use tacita_bench::machine::{Machine, command};
use tacita_bench::store::write_json;

/// Widths of the gadget's comparison.
const WIDTHS: std::ops::RangeInclusive<u8> = 8..=20;
/// Positions measured at a time: a full slice of the protocol.
const POSITIONS: usize = 1 << 13;

/// Options of `compare`.
#[derive(Args)]
pub struct Options {
    /// Models for the clear runtime and the private run
    #[arg(long, value_name = "FILE", default_value = "models/cifar10-thin.onnx")]
    model: Vec<PathBuf>,
    /// Images classified privately with each model; 0 for the clear runtime alone
    #[arg(short, default_value_t = 8)]
    n: usize,
    /// Seconds for one measurement, about
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    seconds: f64,
    /// Leave out the whole networks
    #[arg(long)]
    no_models: bool,
    /// Where the results go
    #[arg(long, value_name = "FILE", default_value = "lab/results/compare.json")]
    out: PathBuf,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Measures, checks every result, writes the file and prints the tables.
///
/// # Errors
/// `Local` if a result is wrong or the file cannot be written, `Input` for a refused model.
pub fn run(options: &Options) -> Result<()> {
    if !(options.seconds.is_finite() && options.seconds > 0.0) {
        return Err(Error::input("--seconds takes a positive number"));
    }
    let comparison = measure(options)?;
    write_json(&options.out, &comparison)?;
    if options.json { json_line(&comparison) } else { print::print(&comparison) }
}

fn measure(options: &Options) -> Result<Comparison> {
    let seconds = options.seconds;
    progress("garbled circuits for one ReLU");
    let widths: Vec<u8> = WIDTHS.collect();
    let relu = circuits::measure(&widths, POSITIONS, seconds)?;
    if cfg!(feature = "tfhe") {
        progress("one ReLU under homomorphic encryption");
    } else {
        progress("no homomorphic encryption: build with `--features tfhe`");
    }
    let tfhe = tfhe::measure(seconds)?;
    let mut rows = Vec::new();
    if Runtime::NAME.is_none() && !options.no_models {
        progress("no networks in the clear: build with `--features tract`");
    }
    for model in options.model.iter().filter(|_| !options.no_models) {
        rows.extend(clear::measure(model, options.n, seconds)?);
    }
    Ok(Comparison {
        command: command(),
        machine: Machine::here(),
        relu,
        tfhe,
        clear: rows,
        peers: peers::all(),
    })
}

/// Says on stderr what is being done.
fn progress(text: &str) {
    tacita_cli::tell(&format!("compare: {text}"));
}
