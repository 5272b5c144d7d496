//! Arguments of `shapes`.

use clap::Args;
use std::path::PathBuf;

/// Arguments of `shapes`.
#[derive(Args, Debug)]
pub struct ShapesArgs {
    /// Steps of 16 pictures; 700 take some minutes on two cores. 0 trains nothing.
    #[arg(long, value_name = "N", default_value_t = 700)]
    pub steps: usize,
    /// Seed of weights and pictures.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// File to write the network to, as ONNX.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Folder for pictures that were not trained on, to calibrate and to try the network on; the
    /// true mask of each goes to its folder `truth`.
    #[arg(long, value_name = "DIR")]
    pub pictures: Option<PathBuf>,
    /// Their number.
    #[arg(long, value_name = "N", default_value_t = 64, requires = "pictures")]
    pub count: usize,
}
