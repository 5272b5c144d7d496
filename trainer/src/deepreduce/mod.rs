//! DeepReDuce (Jha et al., ICML 2021): drop ReLUs by whole stages and layers.
//!
//! The steps in the paper's order: [`profile`] the stages by networks that keep the ReLUs of
//! one stage alone; cull the least critical stage; thin the others to every second layer;
//! reshape the network to fewer channels, smaller maps and fewer blocks. A [`Recipe`] holds
//! the last three, [`pareto`] the recipes that the authors publish, and [`candidate`] trains
//! what a recipe describes. A dropped layer is a mask of zeros like any other.

pub mod candidate;
pub mod pareto;
pub mod profile;
pub mod stage;

use crate::masks::MaskSet;
use crate::{Error, Result};
use clap::ValueEnum;
use serde::Serialize;
use tacita_architectures::{Layer, Options};

/// Which ReLU of each block a thinned network drops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Thin {
    /// Neither.
    #[default]
    None,
    /// The first, between the convolutions.
    Top,
    /// The second, behind the sum with the shortcut; the published networks drop this one.
    Bottom,
}

impl Thin {
    /// Whether the layer loses its ReLUs. The stem lies in no block and stays; where blocks
    /// have more than two ReLUs every second one goes.
    fn drops(self, layer: &Layer) -> bool {
        let first = layer.slot % 2 == 1;
        match self {
            Self::None => false,
            Self::Top => layer.stage > 0 && first,
            Self::Bottom => layer.stage > 0 && !first,
        }
    }
}

/// What culling, thinning and reshaping make of a network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recipe {
    /// Stages without ReLUs: `conv1`, `s1`, `s2`, ...
    pub culled: Vec<String>,
    /// Whether ReLUs behind the first convolution stay when those of `s1` go.
    pub keep_conv1: bool,
    /// Which ReLU of each block goes in the other stages.
    pub thin: Thin,
    /// Factor on every width.
    pub alpha: f64,
    /// Factor on the sides of every map: 1, 0.5 or 0.25.
    pub rho: f64,
    /// Blocks of each stage, if not those of the network.
    pub depths: Option<Vec<usize>>,
}

impl Default for Recipe {
    fn default() -> Self {
        let (culled, thin) = (Vec::new(), Thin::None);
        Self { culled, keep_conv1: false, thin, alpha: 1.0, rho: 1.0, depths: None }
    }
}

impl Recipe {
    /// The reshaped form of the network that `base` describes.
    ///
    /// # Errors
    /// A factor is out of range, or the network's stem has no stride to choose.
    pub fn options(&self, base: &Options) -> Result<Options> {
        if !(self.alpha > 0.0 && self.alpha <= 1.0) {
            return Err(bad("--alpha", "is not above 0 and at most 1"));
        }
        let stride = [1, 2, 4].into_iter().find(|&s| self.rho * f64::from(s) == 1.0);
        let stride = stride.ok_or_else(|| bad("--rho", "is not 1, 0.5 or 0.25"))?;
        if base.imagenet_stem && stride > 1 {
            return Err(bad("--rho", "does not go with --imagenet-stem"));
        }
        Ok(Options {
            width_multiplier: base.width_multiplier * self.alpha,
            stem_stride: base.stem_stride * i64::from(stride),
            depths: self.depths.clone().or_else(|| base.depths.clone()),
            ..base.clone()
        })
    }

    /// The masks for the layers of the reshaped network.
    ///
    /// # Errors
    /// A stage does not exist, or the network has no blocks that could be thinned.
    pub fn masks(&self, layers: &[Layer]) -> Result<MaskSet> {
        let mut dropped = stage::cull_flags(layers, &self.culled, self.keep_conv1)?;
        if self.thin != Thin::None && layers.iter().all(|l| l.slot < 2) {
            return Err(bad("--thin", "does not apply to a network without blocks"));
        }
        for (dropped, layer) in dropped.iter_mut().zip(layers) {
            *dropped |= self.thin.drops(layer);
        }
        Ok(MaskSet::full(layers, &dropped))
    }
}

fn bad(setting: &'static str, problem: &'static str) -> Error {
    Error::BadSetting { setting, problem }
}

#[cfg(test)]
mod tests;
