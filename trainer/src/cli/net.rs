//! Which network.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use tacita_architectures::{Options, Pool, Shortcut};

/// Which network. The defaults follow SENet: a 3x3 stem of stride 1 that has a ReLU.
#[derive(Args, Clone, Debug)]
pub struct NetArgs {
    /// Network: resnet18, resnet34, resnet50, resnet20, resnet32, resnet56, wrn22-8, vgg16,
    /// mobilenetv1, minionn, or hrn-AxBxCx such as hrn-5x5x3x.
    #[arg(long = "net", value_name = "NAME", default_value = "resnet18")]
    pub name: String,
    /// Multiply every width by this (rounded down): 0.25 makes ResNet18 16-32-64-128 wide;
    /// 0.5 is DeepReDuce's alpha.
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub width_multiplier: f64,
    /// Width of the first stage (m of HybReNet; defaults: 64 for ResNet18/34/50, 16 for others).
    #[arg(long, value_name = "N")]
    pub base_width: Option<i64>,
    /// Blocks of each stage of a ResNet or HybReNet, e.g. 2,1,1,1.
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    pub depths: Option<Vec<usize>>,
    /// Stride of the first convolution: 2 halves every map (DeepReDuce's rho = 0.5).
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub stem_stride: i64,
    /// Start with a 7x7 convolution of stride 2 and max-pooling (ResNets on large images).
    #[arg(long)]
    pub imagenet_stem: bool,
    /// Leave out the ReLU behind the first convolution, as SNL, AutoReP and ReLUPruner do
    /// (491,520 ReLUs in ResNet18). Default: keep it, as SENet and DeepReDuce do (557,056).
    #[arg(long)]
    pub no_stem_relu: bool,
    /// Leave out the ReLU behind the last normalisation of a wide ResNet, as SNL does.
    #[arg(long)]
    pub no_last_relu: bool,
    /// Shortcuts of ResNets where the shape changes: projection (a 1x1 convolution, option B) or
    /// pad (every second pixel and zero channels, option A).
    #[arg(long, default_value = "projection",
          value_parser = PossibleValuesParser::new(Shortcut::NAMES).try_map(|s| s.parse::<Shortcut>()))]
    pub shortcut: Shortcut,
    /// Leave out the shortcuts of blocks that keep the shape, as RLNet's masked ResNets do.
    /// For taking such networks over; others train better with them.
    #[arg(long)]
    pub no_identity_skip: bool,
    /// Pooling of VGG16: average is linear, so it costs nothing in a private run; max costs three
    /// comparisons.
    #[arg(long, default_value = "average",
          value_parser = PossibleValuesParser::new(Pool::NAMES).try_map(|s| s.parse::<Pool>()))]
    pub pool: Pool,
    /// Leave out the fourth pooling layer of VGG16, as RLNet does.
    #[arg(long)]
    pub skip_fourth_pool: bool,
}

impl NetArgs {
    /// What they describe.
    pub fn options(&self) -> Options {
        Options {
            name: self.name.clone(),
            width_multiplier: self.width_multiplier,
            base_width: self.base_width,
            depths: self.depths.clone(),
            stem_stride: self.stem_stride,
            imagenet_stem: self.imagenet_stem,
            no_stem_relu: self.no_stem_relu,
            no_last_relu: self.no_last_relu,
            shortcut: self.shortcut,
            no_identity_skip: self.no_identity_skip,
            pool: self.pool,
            skip_fourth_pool: self.skip_fourth_pool,
        }
    }
}
