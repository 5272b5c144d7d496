//! `tacita-bench`: the demo, and latency and communication reports, all over real processes.

mod certs;
mod check;
mod cifar;
mod clear;
mod client;
mod compare;
mod demo;
mod e2e;
mod figures;
mod kernels;
mod machine;
mod met;
mod networks;
mod networks_table;
mod predict;
mod priority;
mod process;
mod profile;
mod relu;
mod report;
mod server;
mod stage;
mod store;
mod sweep;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Runs the demo and makes the figures that the README quotes.
#[derive(Parser)]
#[command(name = "tacita-bench", version, after_help = tacita_cli::EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Classify the sample pictures privately: server and client as separate processes over TLS
    Demo(Options),
    /// Latency, predicted and measured bytes, bytes per ReLU and per convolution, as Markdown
    Figures(Options),
    /// This protocol beside a classic garbled circuit, homomorphic encryption, a clear runtime and
    /// published figures
    Compare(compare::Options),
    /// The page and the README's tables from the files of results; runs nothing
    Report(report::Options),
    /// One row a network: float, fixed-point and private runs compared, bytes, time and memory
    Networks(networks_table::NetworksArgs),
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

/// Options of the verbs that run the protocol.
#[derive(Args)]
struct Options {
    /// The model
    #[arg(long, default_value = "models/cifar10-thin.onnx")]
    model: PathBuf,
    /// Folder of pictures to classify
    #[arg(long, default_value = "samples")]
    samples: PathBuf,
    /// Folder of official CIFAR-10 binaries: classify its test images instead of the samples
    #[arg(long)]
    data: Option<PathBuf>,
    /// Test images to take from --data
    #[arg(short, default_value_t = 100)]
    n: usize,
    /// Tickets made at a time; by default what the compiler chose
    #[arg(long)]
    batch: Option<usize>,
    /// Fractional bits of the activations; by default what the compiler takes
    #[arg(long)]
    frac: Option<u32>,
    /// Results as JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    tacita_cli::init_log(tacita_cli::LogFormat::Text, "warn");
    let (result, json) = match &cli.verb {
        Verb::Demo(options) => (demo::run(options), options.json),
        Verb::Figures(options) => (figures::run(options), options.json),
        Verb::Compare(options) => (compare::run(options), options.json),
        Verb::Report(options) => (report::run(options), options.json),
        Verb::Networks(args) => (networks_table::run(args), args.json),
        Verb::Profile(options) => (profile::run(options), options.json),
        Verb::Kernels(options) => (kernels::run(options), options.json),
        Verb::Relu(options) => (relu::run(options), options.json),
        Verb::CheckEstimate(options) => (check::run(options), options.json),
        Verb::E2e(args) => (e2e::run(args), args.common.json),
        Verb::Sweep(args) => (sweep::run(args), args.common.json),
        Verb::Priority(options) => (priority::run(options), options.json),
        Verb::Predict(options) => (predict::run(options), options.json),
    };
    tacita_cli::finish(result, json, tacita_cli::LogFormat::Text)
}
