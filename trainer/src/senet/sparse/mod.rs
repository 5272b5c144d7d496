//! Sensitivity of the layers by a sparse proxy (SENet, section 3.1): the network is trained
//! once with few weights, which wander to the layers that need them.
//!
//! The training is sparse momentum (Dettmers and Zettlemoyer 2019), which the authors' code
//! carries: at the end of each epoch every convolution loses its smallest weights, and as many
//! start anew where momentum is largest. The momentum of weights that are not active goes on,
//! fed by the gradient they would have: it says where weights are missed. Biases, batch
//! normalisations and fully connected layers stay whole.

pub mod rules;

use crate::batch::Batch;
use crate::fit::{Method, Turn};
use crate::masks::values;
use crate::net::Net;
use crate::optim::Sgd;
use crate::rng::Rng;
use crate::senet::teacher::Labels;
use crate::{Error, Result};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use tacita_architectures::{Graph, Op};
use tch::{Kind, Tensor};

/// Least sensitivity: allocation needs a positive one even where a layer stays dense.
pub const LEAST: f64 = 1e-3;
/// Before the names of masks of weights in checkpoints.
const PREFIX: &str = "~active.";

/// How the share of weights that move falls over the epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// Along a line (the authors').
    Linear,
    /// Along a half cosine.
    Cosine,
}

/// How sparse the proxy is, and how its weights move.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Share of all convolution weights that are active, in (0, 1).
    pub density: f64,
    /// Share of active weights that move at first, in [0, 1].
    pub prune: f64,
    /// How that share falls to 0, which it is at the end of the last epoch.
    pub decay: Decay,
}

impl Settings {
    /// Share of active weights that move at the end of an epoch (from 1) of `epochs`.
    pub fn rate(&self, epoch: usize, epochs: usize) -> f64 {
        let done = epoch.min(epochs) as f64 / epochs.max(1) as f64;
        self.prune
            * match self.decay {
                Decay::Linear => 1.0 - done,
                Decay::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
            }
    }
}

/// A convolution whose weights are masked.
#[derive(Debug)]
struct Masked {
    variable: String,
    weight: Tensor,
    /// 1 where a weight is active, of the shape of the weights.
    mask: Tensor,
}

/// Sparse training on labels.
#[derive(Debug)]
pub struct Sparse {
    settings: Settings,
    epochs: usize,
    seed: u64,
    layers: Vec<Masked>,
    active: usize,
}

impl Sparse {
    /// Sparse training over `epochs`, whose first masks follow from `seed`.
    pub fn new(settings: Settings, epochs: usize, seed: u64) -> Self {
        Self { settings, epochs, seed, layers: Vec::new(), active: 0 }
    }

    /// Active weights of all convolutions together; known once training began, and constant.
    pub fn active(&self) -> usize {
        self.active
    }

    /// The mask that a checkpoint holds, or, at the start, one of independent draws.
    fn mask(&self, name: &str, weight: &Tensor, saved: &HashMap<String, Tensor>) -> Result<Tensor> {
        let device = weight.device();
        if saved.is_empty() {
            let mut rng = Rng::new(self.seed, &format!("sparse mask {name}"));
            let draw = |_| f32::from(u8::from(rng.unit() < self.settings.density));
            let mask: Vec<f32> = (0..weight.numel()).map(draw).collect();
            return Ok(Tensor::from_slice(&mask).f_reshape(weight.size())?.f_to_device(device)?);
        }
        let fits = |mask: &&Tensor| mask.size() == weight.size();
        let mask = saved.get(&format!("{PREFIX}{name}")).filter(fits).ok_or_else(|| {
            Error::NetworkMismatch { problem: format!("no mask of the weights {name}") }
        })?;
        Ok(mask.f_ne(0)?.f_to_kind(Kind::Float)?.f_to_device(device)?)
    }

    fn apply(&mut self) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for layer in &mut self.layers {
            let _ = layer.weight.f_mul_(&layer.mask)?;
        }
        Ok(())
    }

    fn count(&self) -> Result<usize> {
        let count = |l: &Masked| Ok(l.mask.f_count_nonzero_dim_intlist([].as_slice())?);
        let counts: Vec<Tensor> = self.layers.iter().map(count).collect::<Result<_>>()?;
        counts.iter().map(|c| Ok(c.f_int64_value(&[])? as usize)).sum()
    }

    fn take(&self, sgd: &Sgd) -> Result<Vec<rules::Layer>> {
        let layer = |l: &Masked| {
            let momentum = sgd.momentum(&l.variable).ok_or_else(|| missing(&l.variable))?;
            Ok(rules::Layer {
                weights: values(&l.weight)?,
                momentum: values(momentum)?,
                active: values(&l.mask)?.iter().map(|m| *m > 0.5).collect(),
            })
        };
        self.layers.iter().map(layer).collect()
    }

    fn put(&mut self, layers: &[rules::Layer]) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for (to, from) in self.layers.iter_mut().zip(layers) {
            let mask: Vec<f32> = from.active.iter().map(|a| f32::from(u8::from(*a))).collect();
            let size = to.weight.size();
            to.mask.f_copy_(&Tensor::from_slice(&mask).f_reshape(size.as_slice())?)?;
            to.weight.f_copy_(&Tensor::from_slice(&from.weights).f_reshape(size)?)?;
        }
        Ok(())
    }
}

fn missing(variable: &str) -> Error {
    Error::NetworkMismatch { problem: format!("{variable} is missing") }
}

/// Names of the weights of all convolutions, in forward order.
fn variables(graph: &Graph) -> impl Iterator<Item = String> {
    graph.nodes.iter().filter_map(|node| match &node.op {
        Op::Conv(conv) => Some(format!("{}.weight", conv.name)),
        _ => None,
    })
}

impl Method for Sparse {
    fn begin(&mut self, net: &mut Net, saved: &HashMap<String, Tensor>) -> Result<()> {
        let layer = |variable: String| {
            let weight = net.store.get(&variable).ok_or_else(|| missing(&variable))?;
            let mask = self.mask(&variable, weight, saved)?;
            Ok(Masked { variable, weight: weight.shallow_clone(), mask })
        };
        self.layers = variables(net.graph()).map(layer).collect::<Result<_>>()?;
        self.active = self.count()?;
        self.apply()
    }

    fn loss(&mut self, net: &Net, batch: &Batch) -> Result<Tensor> {
        Labels { smoothing: 0.0 }.loss(net, batch)
    }

    fn stepped(&mut self, _net: &Net) -> Result<()> {
        self.apply()
    }

    fn end(&mut self, _net: &mut Net, sgd: &Sgd, epoch: usize) -> Result<Turn> {
        let rate = self.settings.rate(epoch, self.epochs);
        if rate > 0.0 {
            let mut layers = self.take(sgd)?;
            let moved = rules::turn(&mut layers, rate);
            self.put(&layers)?;
            tracing::debug!(epoch, rate, moved, active = self.active, "weights moved");
        }
        debug_assert_eq!(self.count()?, self.active, "as many active weights as at the start");
        Ok(Turn::default())
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        let named = |l: &Masked| (format!("{PREFIX}{}", l.variable), l.mask.to_kind(Kind::Uint8));
        self.layers.iter().map(named).collect()
    }

    fn latest(&self) -> bool {
        true
    }
}

/// Share of the weights that are not 0 (`eta_theta`) in the convolution paired with each
/// activation layer, in forward order.
///
/// # Errors
/// A variable is missing, or libtorch refuses an operation.
pub fn densities(net: &Net) -> Result<Vec<f64>> {
    net.layers().iter().map(|layer| density(net, [format!("{}.weight", layer.conv)])).collect()
}

/// Share of the weights that are not 0 in all convolutions together.
///
/// # Errors
/// A variable is missing, or libtorch refuses an operation.
pub fn overall(net: &Net) -> Result<f64> {
    density(net, variables(net.graph()))
}

fn density(net: &Net, variables: impl IntoIterator<Item = String>) -> Result<f64> {
    let (mut active, mut all) = (0, 0);
    for variable in variables {
        let weights = net.store.get(&variable).ok_or_else(|| missing(&variable))?;
        active += weights.f_count_nonzero_dim_intlist([].as_slice())?.f_int64_value(&[])?;
        all += weights.numel();
    }
    Ok(active as f64 / all.max(1) as f64)
}

/// Sensitivity (`eta_alpha`) of a layer whose convolution has this density: what is missing
/// to 1, but at least [`LEAST`], so that a layer that stays dense can be given ReLUs at all.
pub fn sensitivity(density: f64) -> f64 {
    (1.0 - density).max(LEAST)
}

#[cfg(test)]
mod tests;
