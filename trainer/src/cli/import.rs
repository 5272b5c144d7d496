//! Arguments of `import`.

use super::args::{self, ComputeArgs, OutArgs};
use super::net::NetArgs;
use crate::data::{Dataset, Format, Holdout, ImageShape, LoadOptions, Normalise};
use crate::{Error, Result};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tacita_architectures::Options;

/// Arguments of `import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// Checkpoint of SNL, RLNet (SENet), ReLUPruner, AutoReP or a plain PyTorch program
    /// (.pth, .pt, .th, .tar). Nothing in it is executed.
    pub checkpoint: PathBuf,
    #[command(flatten)]
    /// Network that was trained.
    pub net: NetArgs,
    #[command(flatten)]
    /// Images it was trained on.
    pub images: ImagesArgs,
    /// Keep the ReLUs whose mask is above this, where masks are not yet 0 or 1 (SNL: 0.01).
    #[arg(long, value_name = "X")]
    pub threshold: Option<f32>,
    /// Which width to take of a network of several, from 0 for the narrowest; the network
    /// options must describe that width [default: the last, the full one].
    #[arg(long, value_name = "J")]
    pub width_index: Option<usize>,
    /// Whether residual blocks that keep the shape add their input. Some programs have
    /// networks of both kinds and no file says which one it holds.
    #[arg(long, value_enum)]
    pub identity_skip: Option<Presence>,
    /// Mask of the ReLU behind the first convolution where the checkpoint has none for it.
    #[arg(long, value_enum)]
    pub stem_mask: Option<Fill>,
    /// Also keep the network as the stage `import` in this folder, for `eval` and for training
    /// on from it.
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
    /// Replace what the stage `import` of that folder holds.
    #[arg(long, requires = "work")]
    pub fresh: bool,
    #[command(flatten)]
    /// Where to measure the accuracy.
    pub compute: ComputeArgs,
    #[command(flatten)]
    /// The file.
    pub out: OutArgs,
}

impl ImportArgs {
    /// Options for the reader of checkpoints.
    ///
    /// # Errors
    /// The threshold is not a number.
    pub fn reader(&self) -> Result<crate::import::Options> {
        if self.threshold.is_some_and(|t| !t.is_finite()) {
            let (setting, problem) = ("--threshold", "is not a finite number");
            return Err(Error::BadSetting { setting, problem });
        }
        Ok(crate::import::Options { threshold: self.threshold, width: self.width_index })
    }

    /// Options of the network; `--identity-skip absent` is one of them.
    pub fn network(&self) -> Options {
        let absent = self.identity_skip == Some(Presence::Absent);
        let no_identity_skip = self.net.no_identity_skip || absent;
        Options { no_identity_skip, ..self.net.options() }
    }
}

/// Whether something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Presence {
    /// It is.
    Present,
    /// It is not.
    Absent,
}

/// What a mask is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fill {
    /// Every ReLU stays.
    Ones,
    /// None stays.
    Zeros,
}

/// The images a network was trained on, or what has to be known of them.
#[derive(Args, Clone, Debug)]
pub struct ImagesArgs {
    /// Data set the network was trained on: gives the names of classes, and accuracies.
    #[arg(long, value_name = "PATH", required_unless_present = "classes")]
    pub data: Option<PathBuf>,
    /// Layout of the data set [default: found out from what lies there].
    #[arg(long, value_enum, requires = "data")]
    pub format: Option<Format>,
    /// Use no more than this many images of each set (0: all).
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub limit: usize,
    /// Classes, where the data set is not at hand.
    #[arg(long, value_name = "N", conflicts_with = "data", requires = "mean")]
    pub classes: Option<usize>,
    /// Rows and columns of an image (one number for squares) [default: those of the data set,
    /// else 32].
    #[arg(long, value_name = "HxW", value_parser = args::size)]
    pub input_size: Option<(usize, usize)>,
    /// Mean of each channel that the network was trained with, of pixels scaled to [0, 1].
    #[arg(long, value_name = "X,..", value_delimiter = ',', requires = "std")]
    pub mean: Option<Vec<f32>>,
    /// Standard deviation of each channel.
    #[arg(long, value_name = "X,..", value_delimiter = ',', requires = "mean")]
    pub std: Option<Vec<f32>>,
    /// Give gray images of the data set three equal channels.
    #[arg(long, requires = "data")]
    pub gray_to_rgb: bool,
}

impl ImagesArgs {
    /// The data set, or one without images.
    ///
    /// # Errors
    /// It is missing or damaged, or the normalisation is none.
    pub fn load(&self) -> Result<Dataset> {
        let normalise = self.mean.clone().zip(self.std.clone());
        let normalise = normalise.map(|(mean, std)| Normalise { mean, std });
        match (&self.data, self.classes, normalise) {
            (Some(path), _, normalise) => {
                let options = LoadOptions {
                    format: self.format,
                    validation: Holdout::Auto,
                    limit: self.limit,
                    seed: 1,
                    normalise,
                    size: self.input_size,
                    gray_to_rgb: self.gray_to_rgb,
                };
                Dataset::load(path, &options)
            }
            (None, Some(classes @ 1..=65_536), Some(normalise)) => {
                let (height, width) = self.input_size.unwrap_or((32, 32));
                let shape = ImageShape { channels: normalise.mean.len(), height, width };
                Dataset::unknown(shape, classes, normalise)
            }
            _ => Err(Error::BadSetting { setting: "--classes", problem: "is not in 1..=65536" }),
        }
    }
}
