//! `tacita-bench`: the demo, and measurements of kernels, ReLUs and whole runs over real processes.

mod abuse;
mod check;
mod demo;
mod e2e;
mod kernels;
mod maps;
mod predict;
mod priority;
mod profile;
mod sweep;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tacita_bench::{relu, stage};

/// Runs the demo and measures: kernels, one ReLU, whole private runs.
#[derive(Parser)]
#[command(name = "tacita-bench", version, after_help = tacita_cli::EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Classify the sample pictures privately: server and client as separate processes over TLS
    Demo(stage::Options),
    /// Private maps of pictures beside clear ones, pixel by pixel: bytes and seconds
    Maps(maps::Options),
    /// Honest clients beside strangers who abuse the server
    Abuse(abuse::Options),
    /// Measure this machine's kernels, for the seconds that `tacita-compile estimate` predicts
    Profile(profile::Options),
    /// Every kernel on one core, beside the time that this machine cannot do it faster than
    Kernels(kernels::Options),
    /// Bytes and time of one ReLU, garbled and looked up, by the bits compared
    Relu(relu::Options),
    /// Predicted against measured seconds and memory: two offline runs on loopback
    CheckEstimate(check::Options),
    /// A whole private run on a given network: seconds, bytes, CPU and memory of each phase, and of
    /// each layer
    E2e(e2e::E2e),
    /// The same by the number of ReLUs kept
    Sweep(sweep::Sweep),
    /// How long an image takes alone, and beside other clients that make tickets all the time
    Priority(priority::Options),
    /// Bytes of convolutions and of whole networks, by mask, predicted; runs nothing
    Predict(predict::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let log = tacita_cli::LogFormat::Text;
    tacita_cli::init_log(log, "warn");
    let json = cli.verb.json();
    tacita_cli::run(json, log, || {
        tacita_cli::end_on_signals(json, log, |failure| failure)?;
        run(&cli.verb)
    })
}

fn run(verb: &Verb) -> tacita_protocol::Result<()> {
    match verb {
        Verb::Demo(options) => demo::run(options),
        Verb::Maps(options) => maps::run(options),
        Verb::Abuse(options) => abuse::run(options),
        Verb::Profile(options) => profile::run(options),
        Verb::Kernels(options) => kernels::run(options),
        Verb::Relu(options) => relu::run(options),
        Verb::CheckEstimate(options) => check::run(options),
        Verb::E2e(args) => e2e::run(args),
        Verb::Sweep(args) => sweep::run(args),
        Verb::Priority(options) => priority::run(options),
        Verb::Predict(options) => predict::run(options),
    }
}

impl Verb {
    /// Whether results are JSON.
    fn json(&self) -> bool {
        match self {
            Self::Demo(options) => options.json,
            Self::Maps(options) => options.json,
            Self::Abuse(options) => options.json,
            Self::Profile(options) => options.json,
            Self::Kernels(options) => options.json,
            Self::Relu(options) => options.json,
            Self::CheckEstimate(options) => options.json,
            Self::E2e(args) => args.common.json,
            Self::Sweep(args) => args.common.json,
            Self::Priority(options) => options.json,
            Self::Predict(options) => options.json,
        }
    }
}
