//! From a name and options to a network.

use std::str::FromStr;

use super::{Error, Family, Network, Pool, Result, Shape, Shortcut, Stem};

/// The names that [`Options::network`] knows.
pub const NAMES: &str = "resnet18, resnet34, resnet50 (bottleneck blocks), resnet20, resnet32, \
     resnet56 (any other resnet of depth 6n+2), wrn22-8 (any wrnD-K of depth D = 6n+4), vgg16, mobilenetv1, minionn, hrn-AxBxCx \
     (HybReNet with alpha A, beta B, gamma C, such as hrn-5x5x3x)";

/// Smallest and largest accepted width, depth and side.
const SANE: std::ops::RangeInclusive<i64> = 1..=8192;

/// Which network. The defaults follow SENet: a 3x3 stem of stride 1 that has a ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Network: resnet18, resnet34, resnet50, resnet20, resnet32, resnet56, wrn22-8, vgg16,
    /// mobilenetv1, minionn, or hrn-AxBxCx such as hrn-5x5x3x.
    pub name: String,
    /// Multiply every width by this (rounded down): 0.25 makes ResNet18 16-32-64-128 wide;
    /// 0.5 is DeepReDuce's alpha.
    pub width_multiplier: f64,
    /// Width of the first stage (m of HybReNet; defaults: 64 for ResNet18/34/50, 16 for others).
    pub base_width: Option<i64>,
    /// Blocks of each stage of a ResNet or HybReNet, e.g. 2,1,1,1.
    pub depths: Option<Vec<usize>>,
    /// Stride of the first convolution: 2 halves every map (DeepReDuce's rho = 0.5).
    pub stem_stride: i64,
    /// Start with a 7x7 convolution of stride 2 and max-pooling (ResNets on large images).
    pub imagenet_stem: bool,
    /// Leave out the ReLU behind the first convolution, as SNL, AutoReP and ReLUPruner do
    /// (491,520 ReLUs in ResNet18). Default: keep it, as SENet and DeepReDuce do (557,056).
    pub no_stem_relu: bool,
    /// Leave out the ReLU behind the last normalisation of a wide ResNet, as SNL does.
    pub no_last_relu: bool,
    /// Shortcuts of ResNets where the shape changes: projection (option B) or pad (option A).
    pub shortcut: Shortcut,
    /// Leave out the shortcuts of blocks that keep the shape, as RLNet's masked ResNets do.
    /// For taking such networks over; others train better with them.
    pub no_identity_skip: bool,
    /// Pooling of VGG16.
    pub pool: Pool,
    /// Leave out the fourth pooling layer of VGG16, as RLNet does.
    pub skip_fourth_pool: bool,
}

impl Options {
    /// The network called `name` with all other options at their defaults.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            width_multiplier: 1.0,
            base_width: None,
            depths: None,
            stem_stride: 1,
            imagenet_stem: false,
            no_stem_relu: false,
            no_last_relu: false,
            shortcut: Shortcut::Projection,
            no_identity_skip: false,
            pool: Pool::Average,
            skip_fourth_pool: false,
        }
    }

    /// Name and width for headings, such as `resnet18 x 0.25`.
    pub fn title(&self) -> String {
        match self.width_multiplier {
            1.0 => self.name.clone(),
            scale => format!("{} x {scale}", self.name),
        }
    }

    /// The network for images of shape `input` and `classes` classes.
    ///
    /// # Errors
    /// The name is unknown, an option does not go with it, or a map would vanish.
    pub fn network(&self, input: Shape, classes: i64) -> Result<Network> {
        self.check()?;
        let layout = self.layout().ok_or_else(|| Error::UnknownNetwork(self.name.clone()))?;
        self.check_fits(&layout)?;
        let network = Network { name: self.name.clone(), layout, input, classes };
        let network = network.scaled(self.width_multiplier);
        let shapes = network.graph().nodes.into_iter().map(|n| n.shape);
        if shapes.into_iter().any(|s| s.height < 1 || s.width < 1 || s.channels < 1) {
            return Err(Error::SmallImage);
        }
        Ok(network)
    }

    fn check(&self) -> Result<()> {
        let depths = self.depths.iter().flatten();
        if !(self.width_multiplier > 0.0 && self.width_multiplier <= 64.0) {
            return Err(bad("width-multiplier", "is not between 0 and 64"));
        }
        if self.base_width.is_some_and(|w| !SANE.contains(&w)) {
            return Err(bad("base-width", "is not between 1 and 8192"));
        }
        if !(1..=4).contains(&self.stem_stride) {
            return Err(bad("stem-stride", "is not between 1 and 4"));
        }
        if depths.into_iter().any(|d| !(1..=256).contains(d)) {
            return Err(bad("depths", "has a number that is not between 1 and 256"));
        }
        Ok(())
    }

    /// Refuses options that the family does not have, rather than ignoring them.
    fn check_fits(&self, layout: &Family) -> Result<()> {
        let resnet = matches!(layout, Family::ResNet { .. });
        let vgg = matches!(layout, Family::Vgg { .. });
        let wide = matches!(layout, Family::WideResNet { .. });
        let mobile = matches!(layout, Family::MobileNet { .. });
        let plain = Self::named(&self.name);
        let stages = if let Family::ResNet { widths, .. } = layout { widths.len() } else { 0 };
        let misfits = [
            ("depths", self.depths.as_ref().is_some_and(|d| d.len() != stages)),
            ("base-width", self.base_width.is_some() && !resnet),
            ("stem-stride", self.stem_stride != 1 && !(resnet || mobile)),
            ("imagenet-stem", self.imagenet_stem && !resnet),
            ("no-stem-relu", self.no_stem_relu && !(resnet || mobile)),
            ("no-last-relu", self.no_last_relu && !wide),
            ("shortcut", self.shortcut != plain.shortcut && !resnet),
            ("no-identity-skip", self.no_identity_skip && !resnet),
            ("pool", self.pool != plain.pool && !vgg),
            ("skip-fourth-pool", self.skip_fourth_pool && !vgg),
        ];
        match misfits.iter().find(|m| m.1) {
            Some(("depths", _)) => Err(bad("depths", "needs one number for each stage")),
            Some(&(option, _)) => Err(bad(option, "does not apply to this network")),
            None => Ok(()),
        }
    }

    fn layout(&self) -> Option<Family> {
        let name = self.name.as_str();
        if let Some(ratios) = name.strip_prefix("hrn-") {
            return self.hybrenet(ratios);
        }
        if let Some(size) = name.strip_prefix("wrn") {
            return self.wide(size);
        }
        match name {
            "resnet18" => Some(self.resnet(64, &[2, 2, 2], &[2; 4])),
            "resnet34" => Some(self.resnet(64, &[2, 2, 2], &[3, 4, 6, 3])),
            "resnet50" => Some(self.bottleneck()),
            "vgg16" => Some(self.vgg16()),
            "mobilenetv1" => Some(self.mobilenet()),
            "minionn" => Some(Family::MiniOnn { wide: 64, narrow: 16 }),
            _ => self.small_resnet(name.strip_prefix("resnet")?.parse().ok()?),
        }
    }

    /// `ratios` are the factors from one stage's width to the next.
    fn resnet(&self, base: i64, ratios: &[i64], depths: &[usize]) -> Family {
        let base = self.base_width.unwrap_or(base);
        let widths = ratios.iter().scan(base, |width, ratio| {
            *width *= ratio;
            Some(*width)
        });
        let stem = match self.imagenet_stem {
            true => Stem::ImageNet,
            false => Stem::Cifar { stride: self.stem_stride },
        };
        Family::ResNet {
            stem,
            stem_relu: !self.no_stem_relu,
            stem_width: base,
            widths: std::iter::once(base).chain(widths).collect(),
            depths: self.depths.clone().unwrap_or_else(|| depths.to_vec()),
            shortcut: self.shortcut,
            identity_skip: !self.no_identity_skip,
            bottleneck: false,
        }
    }

    /// ResNet50 (He et al. 2016), the stride of a stage at its first 3x3 convolution.
    fn bottleneck(&self) -> Family {
        let mut family = self.resnet(64, &[2, 2, 2], &[3, 4, 6, 3]);
        if let Family::ResNet { bottleneck, .. } = &mut family {
            *bottleneck = true;
        }
        family
    }

    /// Three stages of `n` blocks, depth `6n + 2`.
    fn small_resnet(&self, depth: usize) -> Option<Family> {
        let blocks = depth.checked_sub(2).filter(|d| d % 6 == 0)? / 6;
        (1..=256).contains(&blocks).then(|| self.resnet(16, &[2, 2], &[blocks; 3]))
    }

    /// `AxBxCx`: the factors alpha, beta, gamma between the widths of four stages.
    fn hybrenet(&self, ratios: &str) -> Option<Family> {
        let factor = |f: &str| f.parse().ok().filter(|n| (1..=64).contains(n));
        let ratios: Option<Vec<i64>> = ratios.strip_suffix('x')?.split('x').map(factor).collect();
        let ratios = ratios.filter(|r| r.len() == 3)?;
        Some(self.resnet(16, &ratios, &[2; 4]))
    }

    /// `D-K`: depth `6n + 4`, widths `16K, 32K, 64K`.
    fn wide(&self, size: &str) -> Option<Family> {
        let (depth, widen) = size.split_once('-')?;
        let (depth, widen): (usize, i64) = (depth.parse().ok()?, widen.parse().ok()?);
        let depth = depth.checked_sub(4).filter(|d| d % 6 == 0)? / 6;
        ((1..=64).contains(&depth) && (1..=64).contains(&widen)).then(|| Family::WideResNet {
            stem_width: 16,
            widths: [16, 32, 64].iter().map(|w| w * widen).collect(),
            depth,
            last_relu: !self.no_last_relu,
        })
    }

    fn vgg16(&self) -> Family {
        let blocks = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)];
        Family::Vgg {
            blocks: blocks.iter().map(|&(width, count)| vec![width; count]).collect(),
            pool: self.pool,
            skip_fourth_pool: self.skip_fourth_pool,
        }
    }

    fn mobilenet(&self) -> Family {
        let mut blocks = vec![(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)];
        blocks.extend([(512, 1); 5]);
        blocks.extend([(1024, 2), (1024, 1)]);
        let (stem_stride, stem_relu) = (self.stem_stride, !self.no_stem_relu);
        Family::MobileNet { stem_width: 32, stem_stride, stem_relu, blocks }
    }
}

impl Shortcut {
    /// What the kinds are called.
    pub const NAMES: [&str; 2] = ["projection", "pad"];
}

impl FromStr for Shortcut {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "projection" => Ok(Self::Projection),
            "pad" => Ok(Self::Pad),
            _ => Err(bad("shortcut", "is neither projection nor pad")),
        }
    }
}

impl Pool {
    /// What the kinds are called.
    pub const NAMES: [&str; 2] = ["average", "max"];
}

impl FromStr for Pool {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "average" => Ok(Self::Average),
            "max" => Ok(Self::Max),
            _ => Err(bad("pool", "is neither average nor max")),
        }
    }
}

fn bad(option: &'static str, problem: &'static str) -> Error {
    Error::BadOption { option, problem }
}
