//! The command line.

use crate::checkpoint::Settings;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXIT_CODES: &str = "Exit codes:
  0  success
  2  wrong usage
  3  settings or input that cannot be used
  7  a failure of this machine (disk, memory, libtorch)";

/// Train a small CNN that keeps few ReLUs, and write it as masked ONNX.
///
/// Results go to stdout; logs and progress go to stderr.
#[derive(Debug, Parser)]
#[command(name = "tacet-train", version, after_help = EXIT_CODES)]
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
    /// Train a teacher, search masks, fine-tune, and write the network.
    Run(RunArgs),
    /// Measure the accuracy of a checkpoint on the test images.
    Eval(EvalArgs),
    /// Show how a budget of ReLUs is shared out over the layers.
    Allocate(AllocateArgs),
}

/// Where the images are, and how fast to work.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// Folder with CIFAR-10 in its binary layout (data_batch_1..5.bin, test_batch.bin).
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Use no more than this many images of each set (0: all). For trying things out.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub limit: usize,
    /// Threads for libtorch (0: one for each core). Results can differ in the last bits
    /// between numbers of threads.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
}

/// The budget of ReLUs.
#[derive(Debug, Args)]
pub struct BudgetArgs {
    /// ReLUs to keep in the whole network.
    #[arg(long, value_name = "N", default_value_t = 22_000)]
    pub relus: usize,
    /// Layers that keep no ReLU at all, by name or index in forward order: stem, s1b1r1,
    /// s1b1r2, ..., s3b3r2. An empty value culls none.
    #[arg(long, value_name = "LAYER", value_delimiter = ',', default_value = "stem")]
    pub cull: Vec<String>,
    /// Channels of the first convolution; the stages have 1, 2 and 4 times as many.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub width: i64,
}

impl BudgetArgs {
    /// The layers to cull, without the empty name that an empty value leaves.
    pub fn culled(&self) -> Vec<String> {
        self.cull.iter().filter(|name| !name.is_empty()).cloned().collect()
    }
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    /// Images.
    pub data: DataArgs,
    #[command(flatten)]
    /// Budget.
    pub budget: BudgetArgs,
    /// File to write the network to, as ONNX.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Folder for checkpoints [default: the file of --out with the ending `run`].
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
    /// Go on with the run in the folder for checkpoints: complete phases are loaded, others
    /// start over (with other epochs or learning rates, if given).
    #[arg(long)]
    pub resume: bool,
    /// Epochs of the all-ReLU teacher.
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub epochs_teacher: usize,
    /// Epochs of the mask search; it ends before when masks settle.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub epochs_search: usize,
    /// Epochs of training under frozen masks.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub epochs_finetune: usize,
    /// Epochs of a second cycle under frozen masks, closer to the labels (0: none).
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub epochs_polish: usize,
    /// Peak learning rate of the teacher (one cycle).
    #[arg(long, value_name = "RATE", default_value_t = 0.2)]
    pub lr_teacher: f64,
    /// Learning rate of the search (constant).
    #[arg(long, value_name = "RATE", default_value_t = 0.05)]
    pub lr_search: f64,
    /// Peak learning rate of fine-tuning (one cycle).
    #[arg(long, value_name = "RATE", default_value_t = 0.1)]
    pub lr_finetune: f64,
    /// Peak learning rate of the second cycle (one cycle).
    #[arg(long, value_name = "RATE", default_value_t = 0.05)]
    pub lr_polish: f64,
    /// Images in a mini-batch.
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub batch: usize,
    /// Training images held out to choose between epochs.
    #[arg(long, value_name = "N", default_value_t = 2_500)]
    pub validation: usize,
    /// Seed of weights, data order, augmentation and first masks.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

impl RunArgs {
    /// The folder for checkpoints.
    pub fn work(&self) -> PathBuf {
        self.work.clone().unwrap_or_else(|| self.out.with_extension("run"))
    }

    /// What decides the outcome of the run.
    pub fn settings(&self) -> Settings {
        Settings {
            width: self.budget.width,
            relus: self.budget.relus,
            cull: self.budget.culled(),
            epochs_teacher: self.epochs_teacher,
            epochs_search: self.epochs_search,
            epochs_finetune: self.epochs_finetune,
            epochs_polish: self.epochs_polish,
            lr_teacher: self.lr_teacher,
            lr_search: self.lr_search,
            lr_finetune: self.lr_finetune,
            lr_polish: self.lr_polish,
            batch: self.batch,
            validation: self.validation,
            limit: self.data.limit,
            seed: self.seed,
        }
    }
}

/// Arguments of `eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    #[command(flatten)]
    /// Images.
    pub data: DataArgs,
    /// Checkpoint (.safetensors) of a run.
    pub checkpoint: PathBuf,
}

/// Arguments of `allocate`.
#[derive(Debug, Args)]
pub struct AllocateArgs {
    #[command(flatten)]
    /// Budget.
    pub budget: BudgetArgs,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_empty_cull_culls_none() {
        let parse = |args: &[&str]| match Cli::try_parse_from(args).expect("parses").verb {
            Verb::Allocate(a) => a.budget.culled(),
            other => panic!("{other:?}"),
        };
        assert_eq!(parse(&["t", "allocate", "--cull", ""]), Vec::<String>::new());
        assert_eq!(parse(&["t", "allocate"]), ["stem"]);
        assert_eq!(parse(&["t", "allocate", "--cull", "stem,s1b1r1"]), ["stem", "s1b1r1"]);
    }
}
