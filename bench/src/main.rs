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
        Verb::Figures(options) => figures::run(options),
        Verb::Compare(options) => compare::run(options),
        Verb::Report(options) => report::run(options),
        Verb::Networks(args) => networks_table::run(args),
        Verb::Profile(options) => profile::run(options),
        Verb::Kernels(options) => kernels::run(options),
        Verb::Relu(options) => relu::run(options),
        Verb::CheckEstimate(options) => check::run(options),
        Verb::E2e(args) => e2e::run(args),
        Verb::Sweep(args) => sweep::run(args),
        Verb::Predict(options) => predict::run(options),
    }
}

impl Verb {
    /// Whether results are JSON.
    fn json(&self) -> bool {
        match self {
            Self::Demo(options) | Self::Figures(options) => options.json,
            Self::Compare(options) => options.json,
            Self::Report(options) => options.json,
            Self::Networks(args) => args.json,
            Self::Profile(options) => options.json,
            Self::Kernels(options) => options.json,
            Self::Relu(options) => options.json,
            Self::CheckEstimate(options) => options.json,
            Self::E2e(args) => args.common.json,
            Self::Sweep(args) => args.common.json,
            Self::Predict(options) => options.json,
        }
    }
}
