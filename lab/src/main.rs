//! `tacita-lab`: what stands in no measurement of our own alone: other systems beside this one, whole
//! networks from ONNX to a private run, and the page and tables that are published.

mod agreement;
mod compare;
mod extremes;
mod figures;
mod networks;
mod report;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tacita_bench::stage;

/// Compares with other systems, takes whole networks through everything, and makes what is
/// published from the files of results.
#[derive(Parser)]
#[command(name = "tacita-lab", version, after_help = tacita_cli::EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Latency, predicted and measured bytes, bytes per ReLU, as Markdown
    Figures(stage::Options),
    /// This protocol beside a classic garbled circuit, homomorphic encryption, a clear runtime and
    /// published figures
    Compare(compare::Options),
    /// What builds print of their agreement with the float network, beside images that they never saw
    Agreement(agreement::Options),
    /// Images made to leave a plan's ranges: how many do, and what becomes of their labels
    Extremes(extremes::Options),
    /// One row a network: float, fixed-point and private runs compared, bytes, time and memory
    Networks(networks::NetworksArgs),
    /// The page of all figures, and its short tables as Markdown, from the files of results; runs nothing
    Report(report::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    tacita_cli::init_log(tacita_cli::LogFormat::Text, "warn");
    let (result, json) = match &cli.verb {
        Verb::Figures(options) => (figures::run(options), options.json),
        Verb::Compare(options) => (compare::run(options), options.json),
        Verb::Agreement(options) => (agreement::run(options), options.json),
        Verb::Extremes(options) => (extremes::run(options), options.json),
        Verb::Networks(args) => (networks::run(args), args.json),
        Verb::Report(options) => (report::run(options), options.json),
    };
    tacita_cli::finish(result, json, tacita_cli::LogFormat::Text)
}
