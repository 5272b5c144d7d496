//! What becomes of whole networks: a row each, from the ONNX file to a private run.

pub mod images;
mod markdown;
pub mod row;
pub mod runtime;
mod steps;

use std::path::PathBuf;

use clap::Args;
use tacita_cli::json_line;
use tacita_protocol::Result;

use row::Row;
use tacita_bench::store::append_json;

/// Options of `networks`.
#[derive(Args)]
pub struct NetworksArgs {
    /// The ONNX models
    #[arg(required_unless_present = "table")]
    models: Vec<PathBuf>,
    /// Folder of official CIFAR-10 binaries: its test images serve networks for 3x32x32 images;
    /// others, and all without this, get drawn images
    #[arg(long)]
    data: Option<PathBuf>,
    /// Images classified privately
    #[arg(short, default_value_t = 4)]
    n: usize,
    /// Images evaluated in the clear: float, another float runtime, fixed point
    #[arg(long, default_value_t = 16)]
    check_n: usize,
    /// Tickets made at a time; by default what the compiler chose
    #[arg(long)]
    batch: Option<usize>,
    /// File of masks, handed to `tacita-compile build`
    #[arg(long, value_name = "FILE")]
    masks: Option<PathBuf>,
    /// Compile, predict and evaluate in the clear alone
    #[arg(long)]
    no_private: bool,
    /// The weights are drawn, not trained; by default what the model's metadata says
    #[arg(long)]
    seeded: bool,
    /// File that the rows are added to, one JSON object a line
    #[arg(long, default_value = "lab/results/networks.jsonl", value_name = "FILE")]
    out: PathBuf,
    /// Run nothing: print the table of such a file
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
    /// Rows as JSON
    #[arg(long)]
    pub json: bool,
}

/// Does all models in turn; one that fails leaves a row that says why.
///
/// # Errors
/// `Local` if results cannot be written, `Input` if the images are unusable.
pub fn run(args: &NetworksArgs) -> Result<()> {
    if let Some(path) = &args.table {
        return show(&row::read(path)?, args.json);
    }
    let mut rows = Vec::new();
    for model in &args.models {
        let row = steps::network(model, args)?;
        append_json(&args.out, &row)?;
        if args.json {
            json_line(&row)?;
        }
        rows.push(row);
    }
    if args.json { Ok(()) } else { markdown::print(&rows) }
}

fn show(rows: &[Row], json: bool) -> Result<()> {
    if json { rows.iter().try_for_each(json_line) } else { markdown::print(rows) }
}

/// Says on stderr what is being done.
fn progress(row: &Row, text: &str) {
    tacita_cli::tell(&format!("{}: {text}", row.network));
}
