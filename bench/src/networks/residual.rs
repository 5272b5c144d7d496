//! Residual networks (He et al. 2016).

use tacita_protocol::Result;
use tacita_protocol::plan::{ConvShape, CopyShape, Linear, Plan, Term};
use tacita_protocol::rng::SecretRng;

use super::builder::{Builder, WEIGHT_FRAC};
use super::draw::Draw;
use super::{IMAGE, masks, weights};

/// A residual network for 3x32x32 images: stem, stages of basic blocks (projection shortcuts at
/// stride 2), global average pooling, one fully connected layer.
pub struct Residual {
    /// Name.
    pub name: &'static str,
    /// Channels of each stage; the stem has the first's.
    pub widths: &'static [usize],
    /// Blocks of each stage.
    pub blocks: usize,
    /// Logits.
    pub classes: usize,
}

/// ResNet20: 188,416 ReLUs.
pub const RESNET20: Residual =
    Residual { name: "ResNet20", widths: &[16, 32, 64], blocks: 3, classes: 10 };
/// ResNet18 at 32x32: 557,056 ReLUs.
pub const RESNET18: Residual =
    Residual { name: "ResNet18", widths: &[64, 128, 256, 512], blocks: 2, classes: 100 };

impl Residual {
    /// The plan, keeping about `keep` of the ReLUs (1.0: all of them), drawn at random.
    ///
    /// # Errors
    /// If the plan does not validate.
    pub fn plan(&self, keep: f64) -> Result<Plan> {
        let mut build = Builder::new(IMAGE);
        self.build(&mut build);
        let mut public = build.finish(self.name);
        let mut draw = Draw::seeded(SecretRng::from_os()?.u64());
        masks::keep_about(&mut public, keep, &mut draw);
        let secret = weights::draw(&public, &mut draw);
        Plan::new(public, secret)
    }

    /// Adds its tensors.
    pub fn build(&self, build: &mut Builder) {
        let stages: Vec<_> = self.widths.iter().map(|w| (*w, self.blocks)).collect();
        stack(build, &stages, self.classes);
    }
}

/// ResNet32 with 100 classes.
pub fn resnet32(build: &mut Builder) {
    stack(build, &[(16, 5), (32, 5), (64, 5)], 100);
}

/// ResNet34 with 100 classes.
pub fn resnet34(build: &mut Builder) {
    stack(build, &[(64, 3), (128, 4), (256, 6), (512, 3)], 100);
}

/// `stages` are (channels, blocks).
fn stack(build: &mut Builder, stages: &[(usize, usize)], classes: usize) {
    let width = stages.first().map_or(1, |s| s.0);
    let stem = ConvShape::same(build.shape(0), width, 3, 1);
    build.conv("stem", 0, stem, true);
    for (stage, (width, blocks)) in stages.iter().enumerate() {
        for number in 0..*blocks {
            let stride = if stage > 0 && number == 0 { 2 } else { 1 };
            block(build, &format!("stage{stage}.{number}"), *width, stride);
        }
    }
    build.head(classes);
}

/// conv - ReLU - conv - add - ReLU.
fn block(build: &mut Builder, name: &str, width: usize, stride: usize) {
    let (input, from) = (build.last(), build.shape(build.last()));
    let first = ConvShape::same(from, width, 3, stride);
    let inner = build.conv(&format!("{name}.1"), input, first, true);
    let second = ConvShape::same(first.output(), width, 3, 1);
    let shortcut = if stride == 1 && from.channels == width {
        Linear::Copy(CopyShape::whole(width, WEIGHT_FRAC))
    } else {
        Linear::Conv(ConvShape::same(from, width, 1, stride))
    };
    let terms = vec![Term { input: inner, op: Linear::Conv(second) }, Term { input, op: shortcut }];
    build.sum(&format!("{name}.2"), second.output(), terms, true);
}
