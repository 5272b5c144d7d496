//! Command-line arguments.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use tacita_cli::{Ot, Relu};
use tacita_compile::pixels::Before;
use tacita_compile::{Error, Network, Result};
use tacita_protocol::cost::Link;

/// Compiles an ONNX network with ReLU masks into a Tacita plan, and looks into plans.
#[derive(Debug, Parser)]
#[command(
    name = "tacita-compile",
    version,
    after_help = "Exit codes:\n  \
    0  success\n  \
    2  wrong usage\n  \
    3  bad input: an unusable model, plan, image or option\n  \
    7  local failure: a full disk, no memory; or the program has a bug and says so\n  \
    130, 143  ended by Ctrl-C (SIGINT), by SIGTERM\n  \
    134  ended by the system because no memory was left (SIGABRT)\n\n\
    Results go to standard output, logs and progress to standard error. TACITA_LOG sets the log \
    filter (for example TACITA_LOG=warn)."
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Print the result as JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// Format of the log on standard error.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log: LogFormat,
}

/// Format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Compile a model into a plan.
    Build(Box<Build>),
    /// Print the network as it was read and after each step of lowering.
    Explain(Explain),
    /// Measure value ranges on images and store them in the model, so that builds need no images.
    Calibrate(Calibrate),
    /// Print a plan's layers, scales, margins and predicted traffic.
    Inspect(Inspect),
    /// Predict what a plan costs: bytes, round trips, memory, seconds; layer by layer.
    Estimate(Estimate),
    /// Write a page that shows where a plan's bytes and ReLUs are, and what fixed point costs.
    Report(Report),
    /// Run a plan on images in the clear as the protocol would: classes, accuracy, agreement with
    /// the float network, signs taken for the other, ranges.
    Simulate(Simulate),
}

/// Arguments of `build`.
#[derive(Debug, clap::Args)]
pub struct Build {
    /// The ONNX model.
    pub model: PathBuf,
    /// Where to write the plan. It holds the weights: only its owner can read it.
    #[arg(short, long, value_name = "PLAN")]
    pub output: PathBuf,
    /// Calibration images: a folder of PNG and JPEG files, a CIFAR binary batch or the folder of
    /// those, or a NumPy archive (.npz); or arrays in the network's own units: .npy, a folder of
    /// .npy, or an archive of floats. Half of them choose the scales of the fewest bytes within
    /// --max-loss, the other half judges them. By default the ranges that `calibrate` stored in the
    /// model; without those, bounds that hold for any image, which only small networks allow.
    #[arg(long, value_name = "PATH")]
    pub calibrate: Option<PathBuf>,
    /// Without images and stored ranges: ranges from drawn images. Real ones may leave them, and
    /// then get wrong answers: good for measuring time and bytes alone.
    #[arg(long, conflicts_with = "calibrate")]
    pub drawn_ranges: bool,
    /// Most calibration images.
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pub calibrate_limit: usize,
    /// Largest share of labels, in percent, that may differ from the float network's: the upper end
    /// of its 95 % interval is held below. A smaller one needs more images.
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0)]
    pub max_loss: f64,
    /// The same among the images of any one class; by default three times as much. 100 leaves
    /// classes alone.
    #[arg(long, value_name = "PERCENT")]
    pub max_class_loss: Option<f64>,
    /// Resize calibration images of another size.
    #[arg(long)]
    pub resize: bool,
    /// Fractional bits of the activations (8 to 14). By default by --max-loss where calibration
    /// images show it, else 10, or as many more as keep the logits within 2 % of the largest.
    #[arg(long, value_name = "N")]
    pub frac: Option<u32>,
    /// Fractional bits of the weights (4 to 14), lowered where the flooding noise asks for it. By
    /// default 12, or 14 where the logits need it.
    #[arg(long, value_name = "N")]
    pub weight_frac: Option<u32>,
    /// Bits added to the largest values that calibration sees (0 to 8).
    #[arg(long, value_name = "N",
        default_value_t = tacita_compile::Options::default().margin_bits)]
    pub margin_bits: u32,
    /// Tickets per offline run; by default chosen by predicted traffic.
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// What the pixels are.
    #[command(flatten)]
    pub pixels: Pixels,
    /// File of class names, one a line; replaces the model's.
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Name of the network; by default the model's graph name.
    #[arg(long)]
    pub name: Option<String>,
    /// What the client learns of an image; by default what the model ends in, the logits or their
    /// ArgMax.
    #[arg(long, value_enum)]
    pub reveal: Option<Reveal>,
    /// What computes the ReLUs, unless the client wants it otherwise.
    #[arg(long, value_enum, default_value_t)]
    pub relu: Relu,
    /// The network that `--relu auto` chooses for (as in `estimate`); by default it chooses for the
    /// fewest bytes, at two round trips a layer at most.
    #[arg(long, value_name = "NETWORK", value_parser = parse_link)]
    pub network: Option<Link>,
    /// Speed of the machines that `--relu auto` chooses for (as in `estimate`).
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Print layers, margins and what the choices rest on, too.
    #[arg(short, long)]
    pub verbose: bool,
    /// Masks from outside.
    #[command(flatten)]
    pub masks: Masks,
}

/// What a plan tells the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Reveal {
    /// All logits
    Logits,
    /// The class of the largest logit, and that logit; an arg-max of C classes takes C - 1
    /// comparisons and log2(C) round trips (with ReLUs looked up, twice as many)
    Top1,
}

/// Arguments that say what comes before a model's graph; what the graph does itself comes on top.
#[derive(Debug, clap::Args)]
pub struct Pixels {
    /// What the graph's input takes, instead of what the model's metadata say: pixels in 0..1, in
    /// 0..255 or another range, or a mean and a deviation of pixels in 0..1 (0.5,0.25).
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true,
        conflicts_with_all = ["mean", "std"])]
    pub pixels: Option<Before>,
    /// Mean of each channel (or one for all), in 0..1, comma-separated; replaces the metadata's.
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true, requires = "std")]
    pub mean: Option<Vec<f32>>,
    /// Standard deviation of each channel (or one for all), comma-separated; replaces the metadata's.
    #[arg(long, value_delimiter = ',', requires = "mean")]
    pub std: Option<Vec<f32>>,
    /// The network's inputs are no pictures, whatever their shape: it is fed arrays (.npy) of
    /// numbers in its own units.
    #[arg(long, conflicts_with_all = ["pixels", "mean", "std"])]
    pub arrays: bool,
}

impl Pixels {
    /// Tells the network.
    pub fn apply(&self, network: &mut Network) -> Result<()> {
        if self.arrays {
            network.feed_arrays();
            return Ok(());
        }
        if network.graph_input.arrays_only && (self.pixels.is_some() || self.mean.is_some()) {
            return Err(Error::input(
                "the network's input can be no picture: it is fed arrays in its own units, for \
                 which --pixels, --mean and --std mean nothing",
            ));
        }
        if let Some(before) = &self.pixels {
            return network.feed(before);
        }
        match (&self.mean, &self.std) {
            (Some(mean), Some(std)) => network.feed(&Before::of(mean, std)),
            _ => Ok(()),
        }
    }
}

/// Arguments that change a model's masks.
#[derive(Debug, clap::Args)]
pub struct Masks {
    /// File of masks that replace the model's: safetensors or npz, arrays of 0 and 1 (1 keeps the
    /// ReLU) named after the activations, or in their order.
    #[arg(long = "masks", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Activations that lose all their ReLUs, comma-separated; `*` stands for any characters.
    #[arg(long, value_name = "LAYER", value_delimiter = ',')]
    pub cull: Vec<String>,
    /// Give every activation of the model all its ReLUs, before other masks are applied: what the
    /// network would cost unmasked.
    #[arg(long)]
    pub keep_all: bool,
}

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// The ONNX model.
    pub model: PathBuf,
    /// Only the network after this step (`import` for the model as read).
    #[arg(long, value_name = "NAME")]
    pub pass: Option<String>,
    /// Masks from outside.
    #[command(flatten)]
    pub masks: Masks,
}

/// Arguments of `calibrate`.
#[derive(Debug, clap::Args)]
pub struct Calibrate {
    /// The ONNX model.
    pub model: PathBuf,
    /// Images: a folder of PNG and JPEG files, a CIFAR binary batch, a NumPy archive (.npz); or
    /// arrays (.npy) in the network's own units. Take training images.
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// Only the first N images.
    #[arg(short, value_name = "N", default_value_t = 512)]
    pub n: usize,
    /// Where to write the model with its ranges; by default in its own place.
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// Resize images of another size.
    #[arg(long)]
    pub resize: bool,
    /// What the pixels are.
    #[command(flatten)]
    pub pixels: Pixels,
}

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
pub struct Inspect {
    /// The plan.
    pub plan: PathBuf,
    /// Predict for this many tickets per offline run instead of the plan's.
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
}

/// Arguments of `estimate`.
#[derive(Debug, clap::Args)]
pub struct Estimate {
    /// The plan.
    pub plan: PathBuf,
    /// The network between the parties: lan (1 Gbit/s, 1 ms), wan (100 Mbit/s, 40 ms), mobile
    /// (4G: 10 Mbit/s up, 30 down, 60 ms), loopback (both on one machine), RTT,RATE or
    /// RTT,UP,DOWN (such as 20ms,200Mbit).
    #[arg(long, value_name = "NETWORK", default_value = "lan", value_parser = parse_link)]
    pub network: Link,
    /// What computes the ReLUs; by default what the plan says.
    #[arg(long, value_enum)]
    pub relu: Option<Relu>,
    /// How correlated OTs are made: softspoken, silent or auto, in a session of `--tickets`
    #[arg(long, value_enum, default_value_t)]
    pub ot: Ot,
    /// Tickets of the session that `--ot` is decided for [default: eight offline runs]
    #[arg(long, value_name = "N")]
    pub tickets: Option<usize>,
    /// Predict for this many tickets per offline run instead of the plan's.
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// Cores of each party (on loopback: of both together); by default as the profile used.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub cores: Option<u16>,
    /// Speed of the machine, as `tacita-bench profile` measured it; by default what that wrote
    /// last, else the built-in figures of the development machine.
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
}

fn parse_link(text: &str) -> std::result::Result<Link, String> {
    text.parse().map_err(|e: tacita_protocol::Error| e.to_string())
}

/// Arguments of `simulate`.
#[derive(Debug, clap::Args)]
pub struct Simulate {
    /// The plan.
    pub plan: PathBuf,
    /// Images: a PNG or JPEG file or a folder of those, a CIFAR binary batch or the folder of those,
    /// or a NumPy archive (.npz) with uint8 `test_images`, `images` or `x` and their labels. Test
    /// images come first where there are several sets.
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// Only the first N images.
    #[arg(short, value_name = "N", default_value_t = 1000)]
    pub n: usize,
    /// Say the class and the logits of each image.
    #[arg(long)]
    pub each: bool,
    /// What truncation and comparison do: as with random shares, or to the nearest integer.
    #[arg(long, value_enum, default_value_t = RoundingKind::Shares)]
    pub rounding: RoundingKind,
    /// Seed of the random shares.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// The ONNX model that the plan was built from: reports how often labels agree with its own.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// Fail (exit code 3) if surely fewer labels agree with the model's than this share, in percent:
    /// if the upper end of the 95 % interval lies below.
    #[arg(long, value_name = "PERCENT", requires = "model")]
    pub check: Option<f64>,
    /// Resize images of another size.
    #[arg(long)]
    pub resize: bool,
}

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
pub struct Report {
    /// The plan.
    pub plan: PathBuf,
    /// Where to write the page, as HTML.
    #[arg(short, long, value_name = "PAGE")]
    pub output: PathBuf,
    /// Predict for this many tickets per offline run instead of the plan's.
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// The ONNX model that the plan was made from, to compare fixed point with float.
    #[arg(long, value_name = "MODEL", requires = "data")]
    pub model: Option<PathBuf>,
    /// Images to compare on, as for `simulate`; of a data set the training part.
    #[arg(long, value_name = "PATH", requires = "model")]
    pub data: Option<PathBuf>,
    /// Only the first N images.
    #[arg(short, value_name = "N", default_value_t = 32)]
    pub n: usize,
    /// Resize images of another size.
    #[arg(long)]
    pub resize: bool,
}

/// The simulation's rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoundingKind {
    /// As the protocol's random shares round.
    Shares,
    /// To the nearest integer, signs exact.
    Nearest,
}
