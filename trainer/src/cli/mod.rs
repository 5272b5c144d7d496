//! The command line.

mod args;
mod bench;
mod compare;
mod deepreduce;
mod hybrenet;
mod import;
mod net;
mod report;
mod senetpp;
mod sensitivity;
mod shapes;
mod untrained;

pub use args::{
    BatchArgs, Budget, BudgetArgs, ComputeArgs, DataArgs, MaskArgs, OutArgs, Place, Preset,
    ScheduleArgs, WorkArgs,
};
pub use bench::BenchArgs;
pub use compare::{Arm, CompareArgs};
pub use deepreduce::{
    CandidateArgs, CullArgs, CullStep, DeepReduceVerb, ProfileArgs, ReduceArgs, ReshapeArgs,
    ReshapeStep, Steps, ThinArgs,
};
pub use hybrenet::{EqualizeArgs, HybReNetVerb, SizedArgs};
pub use senetpp::SenetppArgs;
pub use sensitivity::{ImageArgs, ProxyArgs, SensitivityArgs};

pub use import::{Fill, ImagesArgs, ImportArgs, Presence};
pub use net::NetArgs;
pub use report::ReportArgs;
pub use shapes::ShapesArgs;
pub use untrained::UntrainedArgs;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXIT_CODES: &str = "Exit codes:
  0  success
  2  wrong usage
  3  settings or input that cannot be used
  7  a failure of this machine (disk, memory, libtorch)";

/// Train CNNs that keep few ReLUs, and write them as masked ONNX.
///
/// SENet in one go: tacita-train senet --net resnet18 --data DIR --relu-budget 50k --work DIR
/// --out net.onnx. Every stage has a verb of its own and goes on where it was cut off.
/// Results go to stdout; logs and progress go to stderr.
#[derive(Debug, Parser)]
#[command(name = "tacita-train", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Form of the log on stderr.
    #[arg(long, global = true, value_enum, default_value_t = LogForm::Text)]
    pub log: LogForm,
    /// Print the result as one line of JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogForm {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Count the ReLUs, multiplications and parameters of a network.
    Describe(DescribeArgs),
    /// Say what a data set holds.
    Data(DataArgs),
    /// Train the all-ReLU network that guides the later stages.
    Teacher(StageArgs),
    /// Measure how sensitive the layers are to the loss of ReLUs (SENet, section 3.1).
    Sensitivity(SensitivityArgs),
    /// Show how a budget of ReLUs is shared out over the layers (SENet, stage 1).
    Allocate(AllocateArgs),
    /// Search the positions that keep their ReLU (SENet, stage 2); trains what it needs first.
    Search(MaskedArgs),
    /// Train with the masks frozen (SENet, stage 3); runs what it needs first.
    Finetune(MaskedArgs),
    /// All stages of SENet, and the network as ONNX.
    Senet(SenetArgs),
    /// All stages of SENet++: one run, and a network of each width as ONNX.
    #[command(visible_alias = "senet++")]
    Senetpp(SenetppArgs),
    /// Drop ReLUs by whole stages and layers (DeepReDuce).
    #[command(subcommand, name = "deepreduce")]
    DeepReduce(DeepReduceVerb),
    /// Widths under which every stage has as many ReLUs as it is critical (HybReNet).
    #[command(subcommand, name = "hybrenet")]
    HybReNet(HybReNetVerb),
    /// Write the network that a stage chose as ONNX, with a model.json beside it.
    Export(ExportArgs),
    /// Write a network with drawn weights and masks as ONNX, to see what it costs.
    Untrained(UntrainedArgs),
    /// Train a U-Net that finds drawn shapes, and write it as ONNX: a network whose answer is a map.
    Shapes(ShapesArgs),
    /// Compare ways to choose where ReLUs stay, under several budgets and seeds.
    Compare(CompareArgs),
    /// Measure the accuracy of the network that a stage chose.
    Eval(EvalArgs),
    /// Measure how many images a second networks train and evaluate here.
    Bench(BenchArgs),
    /// Take over a network that others trained with PyTorch, and write it as ONNX.
    Import(ImportArgs),
    /// Render the results of experiments as one HTML page.
    Report(ReportArgs),
}

/// Arguments of `describe`.
#[derive(Args, Debug)]
pub struct DescribeArgs {
    #[command(flatten)]
    /// Network.
    pub net: NetArgs,
    /// Rows and columns of an image (one number for squares).
    #[arg(long, value_name = "HxW", default_value = "32", value_parser = args::size)]
    pub input_size: (usize, usize),
    /// Channels of an image.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub channels: usize,
    /// Classes.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub classes: usize,
}

/// What every training stage takes.
#[derive(Args, Debug)]
pub struct StageArgs {
    #[command(flatten)]
    /// Network.
    pub net: NetArgs,
    #[command(flatten)]
    /// Images.
    pub data: DataArgs,
    #[command(flatten)]
    /// How long and how fast.
    pub schedule: ScheduleArgs,
    #[command(flatten)]
    /// Where to compute.
    pub compute: ComputeArgs,
    #[command(flatten)]
    /// Folder of the run.
    pub work: WorkArgs,
}

/// A training stage under a budget of ReLUs.
#[derive(Args, Debug)]
pub struct MaskedArgs {
    #[command(flatten)]
    /// What every stage takes.
    pub stage: StageArgs,
    #[command(flatten)]
    /// Budget.
    pub budget: BudgetArgs,
    #[command(flatten)]
    /// How masks are chosen.
    pub masks: MaskArgs,
}

/// Arguments of `allocate`.
#[derive(Args, Debug)]
pub struct AllocateArgs {
    #[command(flatten)]
    /// Network and images.
    pub net: DescribeArgs,
    #[command(flatten)]
    /// Budget.
    pub budget: BudgetArgs,
}

/// Arguments of `senet`.
#[derive(Args, Debug)]
pub struct SenetArgs {
    #[command(flatten)]
    /// Everything up to fine-tuning.
    pub masked: MaskedArgs,
    #[command(flatten)]
    /// The file.
    pub out: OutArgs,
}

/// Arguments of `export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// Folder of a stage (a folder with a manifest.json).
    pub stage: PathBuf,
    #[command(flatten)]
    /// Images: their classes and normalisation go into the file.
    pub data: DataArgs,
    #[command(flatten)]
    /// The file.
    pub out: OutArgs,
}

/// Arguments of `eval`.
#[derive(Args, Debug)]
pub struct EvalArgs {
    /// Folder of a stage (a folder with a manifest.json).
    pub stage: PathBuf,
    #[command(flatten)]
    /// Images.
    pub data: DataArgs,
    #[command(flatten)]
    /// Where to compute.
    pub compute: ComputeArgs,
}

#[cfg(test)]
mod tests;
