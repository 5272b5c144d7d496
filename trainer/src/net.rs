//! The thin residual network with masked ReLUs.
//!
//! Names of variables follow the layout that SNL checkpoints use, so that importers of those
//! need nothing special: `conv1.weight`, `bn1.*`, `alpha1.alphas` for the stem, then
//! `layer{1..3}.{0..2}.{conv1.weight, bn1.*, alpha1.alphas, conv2.weight, bn2.*,
//! alpha2.alphas}`, `layer{2,3}.0.shortcut.{0.weight, 1.*}`, and `linear.{weight, bias}`.
//! Masks are `[1, C, H, W]` and lie in the same file, but are not trained.

use crate::Result;
use crate::shape::{BLOCKS, CHANNELS, CLASSES, Layer, STAGES, layers, stage_channels};
use tch::nn::{self, ModuleT};
use tch::{Device, Tensor};

/// Epsilon of every batch normalisation.
pub const BN_EPSILON: f64 = 1e-5;

/// A convolution without bias and its batch normalisation.
#[derive(Debug)]
pub struct ConvBn {
    /// `[out, in, k, k]`; square and padded by `(k - 1) / 2`.
    pub weight: Tensor,
    /// Scale, shift and running statistics, `[out]` each.
    pub norm: nn::BatchNorm,
    /// Step in both directions.
    pub stride: i64,
}

impl ConvBn {
    fn new(conv: nn::Path, norm: nn::Path, dims: [i64; 4], stride: i64) -> Self {
        let init = nn::Init::Kaiming {
            dist: nn::init::NormalOrUniform::Normal,
            fan: nn::init::FanInOut::FanOut,
            non_linearity: nn::init::NonLinearity::ReLU,
        };
        let ones = nn::BatchNormConfig {
            eps: BN_EPSILON,
            ws_init: nn::Init::Const(1.0),
            ..nn::BatchNormConfig::default()
        };
        Self {
            weight: conv.var("weight", &dims, init),
            norm: nn::batch_norm2d(norm, dims[0], ones),
            stride,
        }
    }

    /// Pixels of padding on each side.
    pub fn padding(&self) -> i64 {
        (self.weight.size()[2] - 1) / 2
    }

    fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let (stride, pad) = ([self.stride; 2], [self.padding(); 2]);
        let y = x.f_conv2d(&self.weight, None::<&Tensor>, stride, pad, [1, 1], 1)?;
        Ok(self.norm.forward_t(&y, train))
    }
}

/// A masked ReLU, `M * relu(x) + (1 - M) * x`.
#[derive(Debug)]
pub struct MaskedRelu {
    /// `M`, `[1, C, H, W]`, 0 or 1.
    pub mask: Tensor,
    /// `ln M`: the least value that each position lets through (0 or minus infinity), so
    /// that one pass `max(x, ln M)` computes the formula. Absent where all of `M` is 1.
    floor: Option<Tensor>,
    culled: bool,
}

impl MaskedRelu {
    fn new(path: nn::Path, layer: &Layer) -> Self {
        let [c, h, w] = layer.dims();
        Self { mask: path.ones_no_train("alphas", &[1, c, h, w]), floor: None, culled: false }
    }

    /// Replaces the mask by `mask`, of shape `[C, H, W]` or `[1, C, H, W]`.
    fn set(&mut self, mask: &Tensor) -> Result<()> {
        let dims = self.mask.size();
        tch::no_grad(|| self.mask.f_copy_(&mask.f_view(dims.as_slice())?))?;
        self.refresh()
    }

    /// Derives what the forward pass uses from the mask (after a checkpoint was loaded).
    fn refresh(&mut self) -> Result<()> {
        let ones = self.mask.f_sum(tch::Kind::Double)?.f_double_value(&[])? as usize;
        self.culled = ones == 0;
        self.floor =
            if ones == self.mask.numel() { None } else { Some(self.mask.f_log()?.detach()) };
        Ok(())
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match &self.floor {
            None => Ok(x.f_relu()?),
            Some(_) if self.culled => Ok(x.shallow_clone()),
            Some(floor) => Ok(x.f_clamp_min_tensor(floor)?),
        }
    }
}

/// A basic block: two convolutions and a shortcut.
#[derive(Debug)]
pub struct Block {
    /// First convolution; carries the stride.
    pub first: ConvBn,
    /// Second convolution.
    pub second: ConvBn,
    /// 1x1 projection where the shape changes.
    pub shortcut: Option<ConvBn>,
}

impl Block {
    fn new(path: &nn::Path, input: i64, output: i64, stride: i64) -> Self {
        let conv = |i: usize, dims, stride| {
            ConvBn::new(path / format!("conv{i}"), path / format!("bn{i}"), dims, stride)
        };
        let project = || {
            let path = path / "shortcut";
            ConvBn::new(&path / 0, &path / 1, [output, input, 1, 1], stride)
        };
        Self {
            first: conv(1, [output, input, 3, 3], stride),
            second: conv(2, [output, output, 3, 3], 1),
            shortcut: (input != output).then(project),
        }
    }
}

/// What a forward pass makes.
#[derive(Debug)]
pub struct Output {
    /// `[B, 10]`.
    pub logits: Tensor,
    /// Output of every activation layer in forward order, `[B, C, H, W]` each.
    pub activations: Vec<Tensor>,
}

/// The network and its variables.
#[derive(Debug)]
pub struct Net {
    /// All variables, masks included.
    pub vars: nn::VarStore,
    /// Shapes of the activation layers.
    pub layers: Vec<Layer>,
    /// First convolution.
    pub stem: ConvBn,
    /// Blocks of all stages in forward order.
    pub blocks: Vec<Block>,
    /// Activations in forward order: the stem's, then two of each block.
    pub relus: Vec<MaskedRelu>,
    /// Classifier weight, `[10, 4 * width]`.
    pub weight: Tensor,
    /// Classifier bias, `[10]`.
    pub bias: Tensor,
}

impl Net {
    /// A network with a stem of `width` channels, random weights and masks of ones.
    pub fn new(width: i64) -> Self {
        let vars = nn::VarStore::new(Device::Cpu);
        let root = vars.root();
        let layers = layers(width);
        let stem = ConvBn::new(&root / "conv1", &root / "bn1", [width, CHANNELS, 3, 3], 1);
        let mut relus = vec![MaskedRelu::new(&root / "alpha1", &layers[0])];
        let mut blocks = Vec::new();
        for (stage, block) in (0..STAGES).flat_map(|s| (0..BLOCKS).map(move |b| (s, b))) {
            let path = &root / format!("layer{}", stage + 1) / block;
            let first = block == 0 && stage > 0;
            let output = stage_channels(width, stage);
            let input = if first { output / 2 } else { output };
            blocks.push(Block::new(&path, input, output, if first { 2 } else { 1 }));
            for i in 1..=2 {
                relus.push(MaskedRelu::new(&path / format!("alpha{i}"), &layers[relus.len()]));
            }
        }
        let (classes, features) = (CLASSES.len() as i64, stage_channels(width, STAGES - 1));
        let linear = &root / "linear";
        let weight = linear.kaiming_uniform("weight", &[classes, features]);
        let bias = linear.zeros("bias", &[classes]);
        drop((root, linear));
        Self { vars, layers, stem, blocks, relus, weight, bias }
    }

    /// Runs images `[B, 3, 32, 32]` through the network; `train` picks batch statistics.
    ///
    /// # Errors
    /// libtorch refuses an operation.
    pub fn forward(&self, images: &Tensor, train: bool) -> Result<Output> {
        let mut relus = self.relus.iter();
        let mut activations = Vec::with_capacity(self.relus.len());
        let mut activate = |x: &Tensor| -> Result<Tensor> {
            let y = relus.next().map_or(Ok(x.shallow_clone()), |relu| relu.forward(x))?;
            activations.push(y.shallow_clone());
            Ok(y)
        };
        let mut x = activate(&self.stem.forward(images, train)?)?;
        for block in &self.blocks {
            let y = activate(&block.first.forward(&x, train)?)?;
            let y = block.second.forward(&y, train)?;
            let skip = match &block.shortcut {
                Some(project) => project.forward(&x, train)?,
                None => x,
            };
            x = activate(&y.f_add(&skip)?)?;
        }
        let pooled = x.f_mean_dim([2, 3].as_slice(), false, tch::Kind::Float)?;
        let logits = pooled.f_linear(&self.weight, Some(&self.bias))?;
        Ok(Output { logits, activations })
    }

    /// Replaces all masks, each `[C, H, W]` in forward order.
    ///
    /// # Errors
    /// A shape does not fit.
    pub fn set_masks(&mut self, masks: &[Tensor]) -> Result<()> {
        self.relus.iter_mut().zip(masks).try_for_each(|(relu, mask)| relu.set(mask))
    }

    /// Re-derives what depends on masks after the variables were changed from outside.
    ///
    /// # Errors
    /// libtorch refuses an operation.
    pub fn refresh(&mut self) -> Result<()> {
        self.relus.iter_mut().try_for_each(MaskedRelu::refresh)
    }

    /// Copies all variables of `other`, which has the same width.
    ///
    /// # Errors
    /// The networks differ in shape.
    pub fn copy_from(&mut self, other: &Self) -> Result<()> {
        self.vars.copy(&other.vars)?;
        self.refresh()
    }
}

#[cfg(test)]
mod tests;
