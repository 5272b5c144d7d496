//! Options of DeepReDuce.

use super::{DescribeArgs, OutArgs, Preset, StageArgs};
use crate::deepreduce::pareto::Point;
use crate::deepreduce::{Recipe, Thin, profile};
use crate::pipeline::Training;
use crate::schedule::{Curve, Schedule};
use crate::{Error, Result};
use clap::{Args, Subcommand};
use std::path::PathBuf;

const STEPS: &str =
    "The steps follow each other: profile, cull, thin, reshape, run. cull, thin and \
    reshape print what is left of a network, and each takes the options of the steps before \
    it; run takes them all and trains the network that they describe.

Example, the published network C100-57K step by step and at once:
  tacita-train deepreduce profile --data DIR --work DIR --out stages.json
  tacita-train deepreduce cull    --criticality stages.json
  tacita-train deepreduce thin    --criticality stages.json --thin bottom
  tacita-train deepreduce reshape --criticality stages.json --thin bottom --alpha 0.5
  tacita-train deepreduce run     --criticality stages.json --thin bottom --alpha 0.5 \\
      --data DIR --work DIR --out net.onnx
  tacita-train deepreduce run     --point C100-57K --data DIR --work DIR --out net.onnx";

/// The verbs of DeepReDuce.
#[derive(Debug, Subcommand)]
#[command(after_help = STEPS)]
pub enum DeepReduceVerb {
    /// Train networks that keep the ReLUs of one stage alone: which stage matters most?
    Profile(ProfileArgs),
    /// Show what is left when whole stages lose their ReLUs.
    Cull(CullArgs),
    /// Show what is left when, besides, one ReLU of each block goes.
    Thin(ThinArgs),
    /// Show what is left when, besides, the network gets narrower, smaller or shallower.
    Reshape(ReshapeArgs),
    /// List the published networks with their ReLUs.
    List,
    /// Train a culled, thinned and reshaped network, and write it as ONNX.
    Run(ReduceArgs),
}

/// Stages without ReLUs.
#[derive(Args, Clone, Debug, Default)]
pub struct CullStep {
    /// Stages that lose their ReLUs: conv1 (the stem), s1, s2, ... With s1 goes conv1.
    #[arg(long, value_name = "STAGE,..", value_delimiter = ',', conflicts_with = "criticality")]
    pub cull: Vec<String>,
    /// Cull the least critical stage of this file, which `deepreduce profile` wrote.
    #[arg(long, value_name = "FILE")]
    pub criticality: Option<PathBuf>,
    /// Keep the ReLUs of conv1 when those of s1 go.
    #[arg(long)]
    pub keep_conv1: bool,
}

impl CullStep {
    /// The stages to cull.
    ///
    /// # Errors
    /// The file of criticalities cannot be used.
    pub fn stages(&self) -> Result<Vec<String>> {
        match &self.criticality {
            Some(path) => {
                Ok(profile::read_order(path)?.into_iter().next_back().into_iter().collect())
            }
            None => Ok(self.cull.clone()),
        }
    }
}

/// Changes to the shape of a network.
#[derive(Args, Clone, Debug)]
pub struct ReshapeStep {
    /// Factor on the width of every layer, above 0 and at most 1 (rounded down).
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub alpha: f64,
    /// Factor on the sides of every map, by the stride of the stem: 1, 0.5 or 0.25.
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub rho: f64,
    /// Blocks of each stage of the reduced network, e.g. 2,1,1,1. (--depths is those of the
    /// network to start from, which the teacher has as well.)
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    pub reduced_depths: Option<Vec<usize>>,
}

/// Arguments of `deepreduce cull`.
#[derive(Args, Debug)]
pub struct CullArgs {
    #[command(flatten)]
    /// Network and images.
    pub net: DescribeArgs,
    #[command(flatten)]
    /// Stages without ReLUs.
    pub cull: CullStep,
}

impl CullArgs {
    /// What the options describe.
    ///
    /// # Errors
    /// They name no stage, or the file of criticalities cannot be used.
    pub fn recipe(&self) -> Result<Recipe> {
        let culled = self.cull.stages()?;
        if culled.is_empty() {
            let problem = "or --criticality is needed: which stages lose their ReLUs?";
            return Err(Error::BadSetting { setting: "--cull", problem });
        }
        Ok(Recipe { culled, keep_conv1: self.cull.keep_conv1, ..Recipe::default() })
    }
}

/// Arguments of `deepreduce thin`.
#[derive(Args, Debug)]
pub struct ThinArgs {
    #[command(flatten)]
    /// Network and images.
    pub net: DescribeArgs,
    #[command(flatten)]
    /// Stages without ReLUs.
    pub cull: CullStep,
    /// The ReLU of each block that goes: the first (top) or the one behind the sum (bottom).
    #[arg(long, value_enum, default_value = "bottom")]
    pub thin: Thin,
}

impl ThinArgs {
    /// What the options describe.
    ///
    /// # Errors
    /// The file of criticalities cannot be used.
    pub fn recipe(&self) -> Result<Recipe> {
        let (culled, keep_conv1) = (self.cull.stages()?, self.cull.keep_conv1);
        Ok(Recipe { culled, keep_conv1, thin: self.thin, ..Recipe::default() })
    }
}

/// All steps, or a published network.
#[derive(Args, Clone, Debug)]
pub struct Steps {
    /// Cull, thin and reshape as this published network does (`deepreduce list`). Published
    /// for ResNet18; other networks are reduced in the same way.
    #[arg(long, value_name = "NAME", conflicts_with_all =
        ["cull", "criticality", "keep_conv1", "thin", "alpha", "rho", "reduced_depths"])]
    pub point: Option<String>,
    #[command(flatten)]
    /// Stages without ReLUs.
    pub cull: CullStep,
    /// The ReLU of each block that goes: the first (top), the one behind the sum (bottom), or
    /// none.
    #[arg(long, value_enum, default_value = "none")]
    pub thin: Thin,
    #[command(flatten)]
    /// Shape.
    pub reshape: ReshapeStep,
}

impl Steps {
    /// What the options describe.
    ///
    /// # Errors
    /// The point is unknown, or the file of criticalities cannot be used.
    pub fn recipe(&self) -> Result<Recipe> {
        if let Some(name) = &self.point {
            return Ok(Point::named(name)?.recipe());
        }
        Ok(Recipe {
            culled: self.cull.stages()?,
            keep_conv1: self.cull.keep_conv1,
            thin: self.thin,
            alpha: self.reshape.alpha,
            rho: self.reshape.rho,
            depths: self.reshape.reduced_depths.clone(),
        })
    }
}

/// Arguments of `deepreduce reshape`.
#[derive(Args, Debug)]
pub struct ReshapeArgs {
    #[command(flatten)]
    /// Network and images.
    pub net: DescribeArgs,
    #[command(flatten)]
    /// All steps.
    pub steps: Steps,
}

/// How long and how fast a reduced network trains.
#[derive(Args, Clone, Debug)]
pub struct CandidateArgs {
    /// Epochs of a reduced network [default: 200; 6 with --schedule short]. Its rate falls
    /// down a half cosine (with --schedule short: one cycle). The options of the search,
    /// fine-tuning and polishing are SENet's and do not count here.
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Largest learning rate of a reduced network.
    #[arg(long, value_name = "RATE", default_value_t = 0.1)]
    pub rate: f64,
}

impl CandidateArgs {
    /// Schedule of a reduced network.
    ///
    /// # Errors
    /// There are no epochs, or the learning rate is not a positive number.
    pub fn training(&self, preset: Preset) -> Result<Training> {
        if !(self.rate.is_finite() && self.rate > 0.0) {
            let problem = "is not a positive number";
            return Err(Error::BadSetting { setting: "--rate", problem });
        }
        let (epochs, curve) = match preset {
            Preset::Paper => (200, Curve::Cosine),
            Preset::Short => (6, Curve::OneCycle),
        };
        let epochs = self.epochs.unwrap_or(epochs);
        if epochs == 0 {
            return Err(Error::BadSetting { setting: "--epochs", problem: "is 0" });
        }
        Ok(Training { epochs, schedule: Schedule { curve, peak: self.rate } })
    }
}

/// Arguments of `deepreduce profile`.
#[derive(Args, Debug)]
pub struct ProfileArgs {
    #[command(flatten)]
    /// What every stage takes.
    pub stage: StageArgs,
    #[command(flatten)]
    /// How long and how fast.
    pub candidate: CandidateArgs,
    /// Stages to keep alone: none, conv1, s1, s2, ..., all [default: none and each stage].
    #[arg(long, value_name = "STAGE,..", value_delimiter = ',')]
    pub stages: Vec<String>,
    /// Seeds to repeat everything with [default: --seed]. The teacher is trained once, with
    /// the first, unless --teacher names one.
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    pub seeds: Vec<u64>,
    /// File to write accuracies and criticality to, as JSON; replaced after each network.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Arguments of `deepreduce run`.
#[derive(Args, Debug)]
pub struct ReduceArgs {
    #[command(flatten)]
    /// All steps.
    pub steps: Steps,
    #[command(flatten)]
    /// How long and how fast the reduced network trains.
    pub candidate: CandidateArgs,
    #[command(flatten)]
    /// What every stage takes; the network is the one to start from, and the teacher's.
    pub stage: StageArgs,
    #[command(flatten)]
    /// The file.
    pub out: OutArgs,
}
