//! The shape of the thin residual network: which activation layers there are and how big.
//!
//! ResNet-20 for CIFAR (He et al. 2016, section 4.2) with projection shortcuts: a stem, then
//! three stages of three basic blocks at widths `w, 2w, 4w` and maps of 32, 16 and 8.
//! Activations are numbered in forward order: the stem, then two in each block.

use crate::{Error, Result};

/// Side of the input image in pixels.
pub const SIDE: i64 = 32;
/// Channels of the input image.
pub const CHANNELS: i64 = 3;
/// Stages of the network.
pub const STAGES: usize = 3;
/// Basic blocks in a stage.
pub const BLOCKS: usize = 3;
/// Activation layers: one after the stem, two in each block.
pub const LAYERS: usize = 1 + 2 * STAGES * BLOCKS;

/// Names of the classes, in the order of the labels.
pub const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// One activation layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// `stem`, or `s2b1r2` for the second ReLU in the first block of the second stage.
    pub name: String,
    /// Channels.
    pub channels: i64,
    /// Height and width of its map.
    pub side: i64,
}

impl Layer {
    /// Units of the layer: the most ReLUs it can hold.
    pub fn units(&self) -> usize {
        (self.channels * self.side * self.side) as usize
    }

    /// Shape of its mask, `[C, H, W]`.
    pub fn dims(&self) -> [i64; 3] {
        [self.channels, self.side, self.side]
    }
}

/// Channels of a stage (from 0) for a stem of `width` channels.
pub fn stage_channels(width: i64, stage: usize) -> i64 {
    width << stage
}

/// Side of the maps of a stage (from 0).
pub fn stage_side(stage: usize) -> i64 {
    SIDE >> stage
}

/// All activation layers in forward order for a stem of `width` channels.
pub fn layers(width: i64) -> Vec<Layer> {
    let mut all = vec![Layer { name: "stem".to_owned(), channels: width, side: SIDE }];
    for stage in 0..STAGES {
        for block in 0..BLOCKS {
            for relu in 1..=2 {
                all.push(Layer {
                    name: format!("s{}b{}r{relu}", stage + 1, block + 1),
                    channels: stage_channels(width, stage),
                    side: stage_side(stage),
                });
            }
        }
    }
    all
}

/// Index of the last activation of a stage (from 0), whose output is the stage's.
pub fn stage_output(stage: usize) -> usize {
    2 * BLOCKS * (stage + 1)
}

/// Turns names or indices of layers into flags, one a layer.
///
/// # Errors
/// [`Error::UnknownLayer`] for a name that is neither.
pub fn cull_flags(layers: &[Layer], culled: &[String]) -> Result<Vec<bool>> {
    let mut flags = vec![false; layers.len()];
    for wanted in culled {
        let index = layers
            .iter()
            .position(|l| l.name == *wanted)
            .or_else(|| wanted.parse().ok().filter(|&i: &usize| i < layers.len()))
            .ok_or_else(|| unknown(layers, wanted))?;
        flags[index] = true;
    }
    Ok(flags)
}

fn unknown(layers: &[Layer], wanted: &str) -> Error {
    let known = layers.iter().map(|l| l.name.as_str()).collect::<Vec<_>>().join(", ");
    Error::UnknownLayer { name: wanted.to_owned(), known }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_16_has_19_layers_and_188416_units() {
        let all = layers(16);
        assert_eq!(all.len(), LAYERS);
        assert_eq!(all.len(), 19);
        assert_eq!(all.iter().map(Layer::units).sum::<usize>(), 188_416);
        assert_eq!(all[stage_output(0)].name, "s1b3r2");
        assert_eq!(all[stage_output(2)].name, "s3b3r2");
    }

    #[test]
    fn layers_are_culled_by_name_or_index() {
        let all = layers(16);
        let flags = cull_flags(&all, &["stem".into(), "2".into()]).expect("known layers");
        assert_eq!(flags.iter().filter(|&&f| f).count(), 2);
        assert!(flags[0] && flags[2]);
        assert!(cull_flags(&all, &["s4b1r1".into()]).is_err());
        assert!(cull_flags(&all, &["19".into()]).is_err());
    }
}
