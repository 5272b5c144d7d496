//! Options of `senetpp`.

use super::MaskedArgs;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `senetpp`.
#[derive(Args, Debug)]
pub struct SenetppArgs {
    #[command(flatten)]
    /// What every masked stage takes; the budget is that of the full width, and --teacher
    /// names an ordered teacher of the same rates.
    pub masked: MaskedArgs,
    /// Widths to train for: shares of the channels, up to 1, which is always one of them.
    #[arg(long, value_name = "RATE,..", value_delimiter = ',', default_values_t = [0.5, 1.0])]
    pub rates: Vec<f64>,
    /// Where to write the networks, one for each rate: NAME.onnx gives NAME-w0.50.onnx and so
    /// on, anything else is a folder for files named after the network. Cards go to the same
    /// names ending in .json.
    #[arg(long, value_name = "FILE|DIR")]
    pub out: PathBuf,
}
