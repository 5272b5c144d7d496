//! Networks: what they are called, what they consist of, and what they cost.
//!
//! The one description that the trainer builds its modules from and the benches draw their plans
//! from: plain data, without weights.
//!
//! ```
//! use tacita_architectures::{Options, Shape};
//!
//! let image = Shape { channels: 3, height: 32, width: 32 };
//! let graph = Options::named("resnet18").network(image, 100)?.graph();
//! assert_eq!(graph.counts().relus, 557_056);
//! # Ok::<(), tacita_architectures::Error>(())
//! ```

mod count;
mod error;
mod families;
mod graph;
mod names;
mod unet;

pub use count::Counts;
pub use error::{Error, Result};
pub use graph::{Conv, Graph, Layer, Node, NodeId, Op, Shape};
pub use names::{NAMES, Options};

use families::{MiniOnn, MobileNet, ResNet, Vgg, WideResNet};
use serde::{Deserialize, Serialize};
use unet::UNet;

/// First layers of a residual network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stem {
    /// One 3x3 convolution with this stride.
    Cifar {
        /// Step in both directions; 2 halves every map of the network.
        stride: i64,
    },
    /// A 7x7 convolution of stride 2, then 3x3 max-pooling of stride 2.
    ImageNet,
}

/// How a residual block joins values of different shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shortcut {
    /// A 1x1 convolution and a batch normalisation (option B).
    Projection,
    /// Every second pixel and zero channels (option A).
    Pad,
}

/// How a VGG halves its maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pool {
    /// Mean of 2x2 pixels: linear, so it costs nothing in a private run.
    Average,
    /// Largest of 2x2 pixels: costs three comparisons.
    Max,
}

/// The layout of a network; all widths are final.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "snake_case")]
pub enum Family {
    /// Residual blocks behind a stem.
    ResNet {
        /// First layers.
        stem: Stem,
        /// Whether a ReLU follows them.
        stem_relu: bool,
        /// Their channels.
        stem_width: i64,
        /// Channels of each stage.
        widths: Vec<i64>,
        /// Blocks of each stage.
        depths: Vec<usize>,
        /// Shortcuts where the shape changes.
        shortcut: Shortcut,
        /// Whether blocks that keep the shape add their input (RLNet's masked networks do not).
        #[serde(default = "yes")]
        identity_skip: bool,
        /// Blocks of three convolutions (1x1, 3x3, 1x1) that end in four times the stage's
        /// channels, rather than of two.
        #[serde(default)]
        bottleneck: bool,
    },
    /// Pre-activation blocks.
    WideResNet {
        /// Channels of the first convolution.
        stem_width: i64,
        /// Channels of each stage.
        widths: Vec<i64>,
        /// Blocks of a stage.
        depth: usize,
        /// Whether a ReLU follows the last normalisation.
        last_relu: bool,
    },
    /// Plain 3x3 convolutions.
    Vgg {
        /// Channels of the convolutions of each block.
        blocks: Vec<Vec<i64>>,
        /// Pooling between blocks.
        pool: Pool,
        /// Whether the fourth pooling layer is left out.
        skip_fourth_pool: bool,
    },
    /// Depthwise and pointwise pairs.
    MobileNet {
        /// Channels of the first convolution.
        stem_width: i64,
        /// Its stride.
        stem_stride: i64,
        /// Whether a ReLU follows it.
        stem_relu: bool,
        /// Outputs and stride of each pair.
        blocks: Vec<(i64, i64)>,
    },
    /// A map of the image, through images of half the size, a quarter and so on.
    UNet {
        /// Channels of each level, the full size first.
        widths: Vec<i64>,
        /// Convolutions of each level, on the way down and on the way up.
        depths: Vec<usize>,
    },
    /// The CIFAR-10 network of MiniONN and Delphi.
    MiniOnn {
        /// Channels of all convolutions but the last.
        wide: i64,
        /// Channels of the last convolution.
        narrow: i64,
    },
}

/// Manifests of before this was a choice mean networks that add.
fn yes() -> bool {
    true
}

/// A network: its layout, the images it takes and the classes it tells apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// What it is called.
    pub name: String,
    /// Its layout.
    pub layout: Family,
    /// Shape of an image.
    pub input: Shape,
    /// Classes.
    pub classes: i64,
}

impl Network {
    /// A U-Net whose map has `classes` channels. Rows and columns of the image are multiples of
    /// two to the number of levels less one.
    pub fn unet(
        name: &str,
        input: Shape,
        classes: i64,
        levels: impl IntoIterator<Item = (i64, usize)>,
    ) -> Self {
        let (widths, depths) = levels.into_iter().unzip();
        Self { name: name.to_owned(), layout: Family::UNet { widths, depths }, input, classes }
    }

    /// The network as a list of operations.
    pub fn graph(&self) -> Graph {
        let (input, classes) = (self.input, self.classes);
        match &self.layout {
            Family::ResNet {
                stem,
                stem_relu,
                stem_width,
                widths,
                depths,
                shortcut,
                identity_skip,
                bottleneck,
            } => ResNet {
                input,
                classes,
                stem: *stem,
                stem_relu: *stem_relu,
                stem_width: *stem_width,
                widths,
                depths,
                shortcut: *shortcut,
                identity_skip: *identity_skip,
                bottleneck: *bottleneck,
            }
            .graph(),
            Family::WideResNet { stem_width, widths, depth, last_relu } => WideResNet {
                input,
                classes,
                stem_width: *stem_width,
                widths,
                depth: *depth,
                last_relu: *last_relu,
            }
            .graph(),
            Family::Vgg { blocks, pool, skip_fourth_pool } => {
                let (pool, skip_fourth_pool) = (*pool, *skip_fourth_pool);
                Vgg { input, classes, blocks, pool, skip_fourth_pool }.graph()
            }
            Family::MobileNet { stem_width, stem_stride, stem_relu, blocks } => MobileNet {
                input,
                classes,
                stem_width: *stem_width,
                stem_stride: *stem_stride,
                stem_relu: *stem_relu,
                blocks,
            }
            .graph(),
            Family::UNet { widths, depths } => UNet { input, classes, widths, depths }.graph(),
            &Family::MiniOnn { wide, narrow } => {
                MiniOnn { input, classes, widths: (wide, narrow) }.graph()
            }
        }
    }

    /// The network with every width `c` replaced by `floor(rate * c)`, at least 1: the
    /// sub-network of SENet++ at that dropout rate, and DeepReDuce's channel scaling.
    #[must_use]
    pub fn scaled(&self, rate: f64) -> Self {
        let scale = |c: i64| ((rate * c as f64 + 1e-9).floor() as i64).max(1);
        let mut scaled = self.clone();
        match &mut scaled.layout {
            Family::ResNet { stem_width, widths, .. }
            | Family::WideResNet { stem_width, widths, .. } => {
                *stem_width = scale(*stem_width);
                widths.iter_mut().for_each(|c| *c = scale(*c));
            }
            Family::Vgg { blocks, .. } => {
                blocks.iter_mut().flatten().for_each(|c| *c = scale(*c));
            }
            Family::MobileNet { stem_width, blocks, .. } => {
                *stem_width = scale(*stem_width);
                blocks.iter_mut().for_each(|(c, _)| *c = scale(*c));
            }
            Family::UNet { widths, .. } => widths.iter_mut().for_each(|c| *c = scale(*c)),
            Family::MiniOnn { wide, narrow } => {
                (*wide, *narrow) = (scale(*wide), scale(*narrow));
            }
        }
        scaled
    }
}

#[cfg(test)]
mod tests;
