//! Arguments of `report`.

use clap::Args;
use std::path::PathBuf;

/// Arguments of `report`.
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// Folder with the JSON files that experiments left.
    #[arg(value_name = "DIR", default_value = "results")]
    pub results: PathBuf,
    /// Page to write, as HTML.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Heading of the page.
    #[arg(long, value_name = "TEXT", default_value = "Training with few ReLUs")]
    pub title: String,
}
