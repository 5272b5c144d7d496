//! The forward pass.

use super::{BN_EPSILON, Net, Norm, Weights};
use crate::{Error, Result};
use tacita_architectures::{Conv, Node, Op};
use tch::{Kind, Tensor};

/// Share of a new batch in the running statistics of a batch normalisation.
const BN_MOMENTUM: f64 = 0.1;

/// Which statistics batch normalisations use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Those of the batch, which also move the running ones.
    Train,
    /// The running ones.
    Eval,
}

/// What a forward pass makes.
#[derive(Debug)]
pub struct Output {
    /// `[B, classes]`, or a map `[B, classes, H, W]`.
    pub logits: Tensor,
    /// Output of every activation layer in forward order, `[B, C, H, W]` each.
    pub activations: Vec<Tensor>,
    /// Maps that attention transfer compares, `[B, C, H, W]` each.
    pub taps: Vec<Tensor>,
}

impl Net {
    /// Runs images `[B, C, H, W]` through the network at full width.
    ///
    /// # Errors
    /// libtorch refuses an operation.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Output> {
        self.forward_at(self.widths.len() - 1, images, mode)
    }

    /// Runs images through the network at width `index`.
    ///
    /// # Errors
    /// libtorch refuses an operation.
    pub fn forward_at(&self, index: usize, images: &Tensor, mode: Mode) -> Result<Output> {
        let graph = &self.widths[index].graph;
        let mut values: Vec<Tensor> = Vec::with_capacity(graph.nodes.len());
        let mut activations = Vec::with_capacity(graph.layers.len());
        let mut last_use = vec![0; graph.nodes.len()];
        for (at, node) in graph.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|&i| last_use[i] = at);
        }
        graph.taps.iter().for_each(|&i| last_use[i] = graph.nodes.len());
        for (at, node) in graph.nodes.iter().enumerate() {
            let y = match at {
                0 => images.shallow_clone(),
                _ => self.apply((at, node), index, &values, mode)?,
            };
            if matches!(node.op, Op::Relu(_)) {
                activations.push(y.shallow_clone());
            }
            values.push(y);
            // Values that nothing reads any more go at once: without gradients this bounds memory.
            for &i in node.inputs.iter().filter(|&&i| last_use[i] == at) {
                values[i] = Tensor::new();
            }
        }
        let taps = graph.taps.iter().map(|&i| values[i].shallow_clone()).collect();
        let logits = values.pop().unwrap_or_default().f_to_kind(Kind::Float)?;
        Ok(Output { logits, activations, taps })
    }

    fn apply(
        &self,
        (at, node): (usize, &Node),
        width: usize,
        values: &[Tensor],
        mode: Mode,
    ) -> Result<Tensor> {
        let x = &values[node.inputs[0]];
        Ok(match (&node.op, &self.weights[at]) {
            (Op::Conv(conv), Weights::Affine(weight, bias)) => {
                convolve(x, conv, weight, bias.as_ref())?
            }
            (Op::Linear(_, out), Weights::Affine(weight, bias)) => {
                let flat = x.f_flatten(1, -1)?;
                let weight = first(weight, &[*out, flat.size()[1]])?;
                flat.f_linear(&weight, bias.as_ref())?
            }
            (Op::Enlarge(..), Weights::Affine(weight, bias)) => {
                let (strides, none) = ([2, 2], [0, 0]);
                x.f_conv_transpose2d(weight, bias.as_ref(), strides, none, none, 1, [1, 1])?
            }
            (Op::Concat, _) => Tensor::f_cat(&[x, &values[node.inputs[1]]], 1)?,
            (Op::Norm(_), Weights::Norm(norms)) => normalise(x, &norms[width], mode)?,
            (Op::Relu(layer), _) => self.relus[*layer].forward(x)?,
            (Op::Add, _) => x.f_add(&values[node.inputs[1]])?,
            (&Op::MaxPool { kernel, stride, pad }, _) => {
                x.f_max_pool2d([kernel; 2], [stride; 2], [pad; 2], [1, 1], false)?
            }
            (&Op::AvgPool(side), _) => {
                x.f_avg_pool2d([side; 2], [side; 2], [0, 0], false, true, None::<i64>)?
            }
            (Op::GlobalPool, _) => x.f_mean_dim([2, 3].as_slice(), true, x.kind())?,
            (&Op::PadShortcut { stride, before, after }, _) => {
                let x = x.f_slice(2, None, None, stride)?.f_slice(3, None, None, stride)?;
                x.f_constant_pad_nd([0, 0, 0, 0, before, after])?
            }
            _ => {
                let problem = "an operation lacks its variables".to_owned();
                return Err(Error::NetworkMismatch { problem });
            }
        })
    }
}

fn convolve(x: &Tensor, conv: &Conv, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let dims = [conv.out, x.size()[1] / conv.groups, conv.kernel, conv.kernel];
    let weight = first(weight, &dims)?;
    let bias = bias.map(|b| first(b, &[conv.out])).transpose()?;
    Ok(x.f_conv2d(&weight, bias, [conv.stride; 2], [conv.pad; 2], [1, 1], conv.groups)?)
}

fn normalise(x: &Tensor, norm: &Norm, mode: Mode) -> Result<Tensor> {
    Ok(x.f_batch_norm(
        Some(&norm.scale),
        Some(&norm.shift),
        Some(&norm.mean),
        Some(&norm.variance),
        mode == Mode::Train,
        BN_MOMENTUM,
        BN_EPSILON,
        true,
    )?)
}

/// The first `dims[i]` entries along every axis `i`.
pub(super) fn first(tensor: &Tensor, dims: &[i64]) -> Result<Tensor> {
    if tensor.size() == dims {
        return Ok(tensor.shallow_clone());
    }
    let mut part = tensor.shallow_clone();
    for (axis, &length) in dims.iter().enumerate() {
        part = part.f_narrow(axis as i64, 0, length)?;
    }
    // One layout for all: a slice then gives the same sums as a network of its own.
    Ok(part.f_contiguous()?)
}
