//! The layouts of the supported families. Variables bear the names that the public
//! checkpoints of SNL and RLNet use, so that those can be read without a table.
//!
//! A shortcut is put before the convolutions beside it, so that every activation follows the
//! convolution it is paired with.

use super::graph::{Builder, Conv, Graph, NodeId, Shape};
use super::{Pool, Shortcut, Stem};

/// A residual network (He et al. 2016), post-activation.
pub(super) struct ResNet<'a> {
    pub input: Shape,
    pub classes: i64,
    pub stem: Stem,
    pub stem_relu: bool,
    pub stem_width: i64,
    pub widths: &'a [i64],
    pub depths: &'a [usize],
    pub shortcut: Shortcut,
    pub identity_skip: bool,
    pub bottleneck: bool,
}

/// Output channels of a bottleneck block, in multiples of its inner ones.
const EXPANSION: i64 = 4;

impl ResNet<'_> {
    pub fn graph(&self) -> Graph {
        let mut b = Builder::new(self.input);
        let mut x = self.stem(&mut b);
        for (stage, (&width, &depth)) in self.widths.iter().zip(self.depths).enumerate() {
            for block in 0..depth {
                let stride = if block == 0 && stage > 0 { 2 } else { 1 };
                x = self.block(&mut b, x, (stage + 1, block), (width, stride));
            }
            b.tap(x);
        }
        let pooled = b.global_pool(x);
        b.linear(pooled, "linear", self.classes);
        b.finish()
    }

    fn stem(&self, b: &mut Builder) -> NodeId {
        let (kernel, stride) = match self.stem {
            Stem::Cifar { stride } => (3, stride),
            Stem::ImageNet => (7, 2),
        };
        let x = b.conv_same(b.input(), "conv1", (self.stem_width, kernel, stride));
        let mut x = b.norm(x, "bn1");
        if self.stem_relu {
            x = b.relu(x, "stem", "alpha1.alphas", (0, 1));
        }
        match self.stem {
            Stem::ImageNet => b.max_pool(x, 3, 2, 1),
            Stem::Cifar { .. } => x,
        }
    }

    fn block(
        &self,
        b: &mut Builder,
        x: NodeId,
        (stage, block): (usize, usize),
        (width, stride): (i64, i64),
    ) -> NodeId {
        let path = format!("layer{stage}.{block}");
        // Output channels, kernel, stride.
        let convs = match self.bottleneck {
            true => vec![(width, 1, 1), (width, 3, stride), (EXPANSION * width, 1, 1)],
            false => vec![(width, 3, stride), (width, 3, 1)],
        };
        let out = convs.last().map_or(width, |c| c.0);
        let skip = self.skip(b, x, &path, (out, stride));
        let mut y = x;
        for (slot, &conv) in (1..).zip(&convs) {
            y = b.conv_same(y, &format!("{path}.conv{slot}"), conv);
            y = b.norm(y, &format!("{path}.bn{slot}"));
            if let Some(skip) = skip.filter(|_| slot == convs.len()) {
                y = b.add(y, skip);
            }
            let name = format!("s{stage}b{}r{slot}", block + 1);
            y = b.relu(y, &name, &format!("{path}.alpha{slot}.alphas"), (stage, slot));
        }
        y
    }

    fn skip(&self, b: &mut Builder, x: NodeId, path: &str, to: (i64, i64)) -> Option<NodeId> {
        let (width, stride) = to;
        if b.shape(x).channels == width && stride == 1 {
            return self.identity_skip.then_some(x);
        }
        Some(match self.shortcut {
            Shortcut::Projection => {
                let y = b.conv_same(x, &format!("{path}.shortcut.0"), (width, 1, stride));
                b.norm(y, &format!("{path}.shortcut.1"))
            }
            Shortcut::Pad => b.pad_shortcut(x, width, stride),
        })
    }
}

/// A wide residual network (Zagoruyko and Komodakis 2016), pre-activation.
pub(super) struct WideResNet<'a> {
    pub input: Shape,
    pub classes: i64,
    pub stem_width: i64,
    pub widths: &'a [i64],
    pub depth: usize,
    pub last_relu: bool,
}

impl WideResNet<'_> {
    pub fn graph(&self) -> Graph {
        let mut b = Builder::new(self.input);
        let mut x = b.conv_same(b.input(), "conv1", (self.stem_width, 3, 1));
        for (stage, &width) in self.widths.iter().enumerate() {
            for block in 0..self.depth {
                let stride = if block == 0 && stage > 0 { 2 } else { 1 };
                x = Self::block(&mut b, x, (stage + 1, block), (width, stride));
            }
        }
        x = b.norm(x, "bn1");
        b.tap(x);
        if self.last_relu {
            x = b.relu(x, "last", "alpha.alphas", (self.widths.len(), 1));
        }
        let pooled = b.global_pool(x);
        b.linear(pooled, "fc", self.classes);
        b.finish()
    }

    /// The entry activation of a stage has the width and map of the stage before, and counts
    /// there. The attention map of a stage is taken behind the next normalisation.
    fn block(
        b: &mut Builder,
        x: NodeId,
        (stage, block): (usize, usize),
        (width, stride): (i64, i64),
    ) -> NodeId {
        let (path, at) = (format!("block{stage}.layer.{block}"), format!("s{stage}b{}", block + 1));
        let entry = b.norm(x, &format!("{path}.bn1"));
        if block == 0 && stage > 1 {
            b.tap(entry);
        }
        let (mask, home) = (format!("{path}.alpha1.alphas"), stage - usize::from(block == 0));
        let active = b.relu(entry, &format!("{at}r1"), &mask, (home, 1));
        let skip = if b.shape(x).channels == width && stride == 1 {
            x
        } else {
            b.conv_same(active, &format!("{path}.convShortcut"), (width, 1, stride))
        };
        let y = b.conv_same(active, &format!("{path}.conv1"), (width, 3, stride));
        let y = b.norm(y, &format!("{path}.bn2"));
        let mask = format!("{path}.alpha2.alphas");
        let y = b.relu(y, &format!("{at}r2"), &mask, (stage, 2));
        let y = b.conv_same(y, &format!("{path}.conv2"), (width, 3, 1));
        b.add(y, skip)
    }
}

/// VGG with batch normalisation (Simonyan and Zisserman 2015).
pub(super) struct Vgg<'a> {
    pub input: Shape,
    pub classes: i64,
    pub blocks: &'a [Vec<i64>],
    pub pool: Pool,
    /// Whether the fourth pooling layer is left out.
    pub skip_fourth_pool: bool,
}

impl Vgg<'_> {
    pub fn graph(&self) -> Graph {
        let mut b = Builder::new(self.input);
        let mut x = b.input();
        for (i, widths) in self.blocks.iter().enumerate() {
            for (k, &out) in widths.iter().enumerate() {
                let name = |slot| format!("block{i}.{}", 3 * k + slot);
                let conv = Conv { bias: true, ..Conv::same(&name(0), out, 3, 1) };
                x = b.conv(x, conv);
                x = b.norm(x, &name(1));
                let (layer, mask) = (format!("s{}r{}", i + 1, k + 1), name(2) + ".alphas");
                x = b.relu(x, &layer, &mask, (i + 1, k + 1));
            }
            if i + 1 < self.blocks.len() {
                b.tap(x);
            }
            if b.shape(x).height > 1 && !(i == 3 && self.skip_fourth_pool) {
                x = match self.pool {
                    Pool::Max => b.max_pool(x, 2, 2, 0),
                    Pool::Average => b.avg_pool(x, 2),
                };
            }
        }
        let pooled = b.global_pool(x);
        b.linear(pooled, "classifier", self.classes);
        b.finish()
    }
}

/// MobileNetV1 for small images (Howard et al. 2017): pairs of depthwise and pointwise
/// convolutions; `blocks` lists outputs and strides of the pairs.
pub(super) struct MobileNet<'a> {
    pub input: Shape,
    pub classes: i64,
    pub stem_width: i64,
    pub stem_stride: i64,
    pub stem_relu: bool,
    pub blocks: &'a [(i64, i64)],
}

impl MobileNet<'_> {
    pub fn graph(&self) -> Graph {
        let mut b = Builder::new(self.input);
        let mut x = b.conv_same(b.input(), "conv1", (self.stem_width, 3, self.stem_stride));
        x = b.norm(x, "bn1");
        if self.stem_relu {
            x = b.relu(x, "stem", "alpha1.alphas", (0, 1));
        }
        let mut stage = 1;
        for (i, &(out, stride)) in self.blocks.iter().enumerate() {
            if stride > 1 {
                b.tap(x);
                stage += 1;
            }
            x = Self::pair(&mut b, x, (stage, i), (out, stride));
        }
        b.tap(x);
        let pooled = b.global_pool(x);
        b.linear(pooled, "linear", self.classes);
        b.finish()
    }

    fn pair(
        b: &mut Builder,
        x: NodeId,
        (stage, i): (usize, usize),
        (out, stride): (i64, i64),
    ) -> NodeId {
        let (path, input) = (format!("layers.{i}"), b.shape(x).channels);
        let depthwise = Conv::same(&format!("{path}.conv1"), input, 3, stride);
        let pointwise = Conv::same(&format!("{path}.conv2"), out, 1, 1);
        let mut y = x;
        for (slot, conv) in [(1, Conv { groups: input, ..depthwise }), (2, pointwise)] {
            y = b.conv(y, conv);
            y = b.norm(y, &format!("{path}.bn{slot}"));
            let (name, mask) = (format!("p{}r{slot}", i + 1), format!("{path}.alpha{slot}.alphas"));
            y = b.relu(y, &name, &mask, (stage, slot));
        }
        y
    }
}

/// The CIFAR-10 network of MiniONN and Delphi: no normalisation, biases everywhere.
pub(super) struct MiniOnn {
    pub input: Shape,
    pub classes: i64,
    /// Channels of the wide convolutions (64) and of the last one (16).
    pub widths: (i64, i64),
}

impl MiniOnn {
    pub fn graph(&self) -> Graph {
        let (wide, narrow) = self.widths;
        let mut b = Builder::new(self.input);
        let mut x = b.input();
        let layers =
            [(wide, 3), (wide, 3), (wide, 3), (wide, 3), (wide, 3), (wide, 1), (narrow, 1)];
        for (i, (out, kernel)) in layers.into_iter().enumerate() {
            let name = format!("conv{}", i + 1);
            x = b.conv(x, Conv { bias: true, ..Conv::same(&name, out, kernel, 1) });
            let stage = 1 + i / 2 - usize::from(i == 6);
            x = b.relu(x, &format!("r{}", i + 1), &format!("alpha{}.alphas", i + 1), (stage, 1));
            if matches!(i, 1 | 3 | 6) {
                b.tap(x);
            }
            if matches!(i, 1 | 3) {
                x = b.avg_pool(x, 2);
            }
        }
        b.linear(x, "linear", self.classes);
        b.finish()
    }
}
