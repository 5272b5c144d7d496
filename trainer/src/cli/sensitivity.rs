//! Options of the verb `sensitivity`.

use super::{BatchArgs, ComputeArgs, DataArgs, NetArgs, Preset, args};
use crate::pipeline::Training;
use crate::schedule::{Curve, Schedule};
use crate::senet::sparse::{Decay, Settings};
use crate::{Error, Result};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `sensitivity`.
#[derive(Args, Debug)]
#[command(mut_arg("data", |data| data.required(false)))]
pub struct SensitivityArgs {
    #[command(flatten)]
    /// Network.
    pub net: NetArgs,
    #[command(flatten)]
    /// Images; not needed with `--built-in`.
    pub data: Option<DataArgs>,
    #[command(flatten)]
    /// Shape of the images, without them.
    pub image: ImageArgs,
    #[command(flatten)]
    /// The sparse proxy.
    pub proxy: ProxyArgs,
    #[command(flatten)]
    /// Where to compute.
    pub compute: ComputeArgs,
    /// Folder of the run: the proxy keeps its checkpoints and log in a folder there. Needed
    /// unless --built-in is given.
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
    /// Start over, rather than go on with what is in the folder.
    #[arg(long)]
    pub fresh: bool,
    /// File to write the sensitivities to, as JSON, for the option --sensitivity of other
    /// verbs.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Write the published table of the network, or that of ResNet18 by depth, and train
    /// nothing.
    #[arg(long, conflicts_with_all = ["work", "fresh", "density", "epochs"])]
    pub built_in: bool,
}

/// What images look like that are not at hand.
#[derive(Args, Clone, Debug)]
pub struct ImageArgs {
    /// Rows and columns of an image (one number for squares).
    #[arg(long, value_name = "HxW", default_value = "32", conflicts_with = "data",
          value_parser = args::size)]
    pub input_size: (usize, usize),
    /// Channels of an image.
    #[arg(long, value_name = "N", default_value_t = 3, conflicts_with = "data")]
    pub channels: usize,
    /// Classes.
    #[arg(long, value_name = "N", default_value_t = 10, conflicts_with = "data")]
    pub classes: usize,
}

/// How the sparse proxy is trained.
#[derive(Args, Clone, Debug)]
pub struct ProxyArgs {
    /// Share of the convolution weights that the proxy keeps, above 0 and below 1.
    #[arg(long, value_name = "X", default_value_t = 0.1)]
    pub density: f64,
    /// Share of the kept weights that move at the end of an epoch, at first.
    #[arg(long, value_name = "X", default_value_t = 0.5)]
    pub prune_rate: f64,
    /// How that share falls to 0 over the epochs.
    #[arg(long, value_enum, default_value = "linear")]
    pub prune_decay: Decay,
    /// Ready-made schedule: 60 epochs and steps of ten (paper), or 6 of one cycle (short).
    #[arg(long, value_enum, default_value = "paper")]
    pub schedule: Preset,
    /// Epochs, at least 2 [default: those of the schedule].
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Largest learning rate.
    #[arg(long, value_name = "RATE", default_value_t = 0.05)]
    pub rate: f64,
    #[command(flatten)]
    /// Mini-batches.
    pub batches: BatchArgs,
}

impl ProxyArgs {
    /// How long and how fast the proxy is trained.
    ///
    /// # Errors
    /// There are too few epochs for weights to move, or the rate is not a positive number.
    pub fn training(&self) -> Result<Training> {
        let (epochs, curve) = match self.schedule {
            Preset::Paper => (60, Curve::Steps),
            Preset::Short => (6, Curve::OneCycle),
        };
        let epochs = self.epochs.unwrap_or(epochs);
        if epochs < 2 {
            let problem = "must be at least 2: weights move at the end of every epoch but the last";
            return Err(Error::BadSetting { setting: "--epochs", problem });
        }
        if !(self.rate.is_finite() && self.rate > 0.0) {
            let problem = "is not a positive number";
            return Err(Error::BadSetting { setting: "--rate", problem });
        }
        Ok(Training { epochs, schedule: Schedule { curve, peak: self.rate } })
    }

    /// How sparse the proxy is, and how its weights move.
    ///
    /// # Errors
    /// A share is out of range.
    pub fn settings(&self) -> Result<Settings> {
        if !(self.density > 0.0 && self.density < 1.0) {
            let problem = "is not above 0 and below 1";
            return Err(Error::BadSetting { setting: "--density", problem });
        }
        if !(0.0..=1.0).contains(&self.prune_rate) {
            let problem = "is not between 0 and 1";
            return Err(Error::BadSetting { setting: "--prune-rate", problem });
        }
        let (density, prune, decay) = (self.density, self.prune_rate, self.prune_decay);
        Ok(Settings { density, prune, decay })
    }
}
