//! A network with its weights and masks: the graph of [`tacita_architectures`], interpreted.
//!
//! An ordered network (SENet++) serves several widths at once: a narrower pass uses the first
//! channels of every weight and mask, and batch normalisations of its own.

mod forward;
mod relu;
pub mod store;

pub use forward::{Mode, Output};
pub use relu::MaskedRelu;

use crate::masks::{MaskSet, values};
use crate::{Error, Result};
use sha2::{Digest, Sha256};
use std::path::Path;
use store::{Role, Store};
use tacita_architectures::{Graph, Layer, Network, Op};
use tch::{Device, Kind, Tensor};

/// Epsilon of every batch normalisation.
pub const BN_EPSILON: f64 = 1e-5;

/// Scale, shift and running statistics of a batch normalisation, `[C]` each.
#[derive(Debug)]
pub struct Norm {
    /// Scale.
    pub scale: Tensor,
    /// Shift.
    pub shift: Tensor,
    /// Running mean.
    pub mean: Tensor,
    /// Running variance.
    pub variance: Tensor,
}

/// Variables of a node.
#[derive(Debug)]
pub enum Weights {
    /// The node has none.
    None,
    /// Weight and bias of a convolution (`[out, in / groups, k, k]`) or a fully connected
    /// layer (`[out, in]`).
    Affine(Tensor, Option<Tensor>),
    /// A batch normalisation, one for each width.
    Norm(Vec<Norm>),
}

/// One width of a network: the share of channels and the graph that it makes.
#[derive(Debug)]
pub struct Width {
    /// Share of the channels, in (0, 1].
    pub rate: f64,
    /// The network at that width.
    pub graph: Graph,
}

/// A network and its variables.
#[derive(Debug)]
pub struct Net {
    /// What it is.
    pub network: Network,
    /// Its widths from narrow to full; one for ordinary networks.
    pub widths: Vec<Width>,
    /// All variables, masks included.
    pub store: Store,
    /// Variables of the nodes of the graph.
    pub weights: Vec<Weights>,
    /// Activations in forward order.
    pub relus: Vec<MaskedRelu>,
}

impl Net {
    /// A network with random weights (by libtorch's generator) and masks of ones.
    pub fn new(network: &Network, device: Device) -> Self {
        Self::with_widths(network, &[1.0], device)
    }

    /// An ordered network for `rates` in ascending order, the last of which is 1.
    pub fn with_widths(network: &Network, rates: &[f64], device: Device) -> Self {
        let width = |&rate: &f64| Width { rate, graph: network.scaled(rate).graph() };
        let widths: Vec<Width> = rates.iter().map(width).collect();
        let full = network.graph();
        let mut store = Store::new(device);
        let weights = (0..full.nodes.len()).map(|i| build(&mut store, &full, &widths, i)).collect();
        let relus = full.layers.iter().map(|l| MaskedRelu::new(&mut store, l)).collect();
        Self { network: network.clone(), widths, store, weights, relus }
    }

    /// The network at full width.
    pub fn graph(&self) -> &Graph {
        &self.widths[self.widths.len() - 1].graph
    }

    /// Activation layers in forward order.
    pub fn layers(&self) -> &[Layer] {
        &self.graph().layers
    }

    /// Replaces all masks.
    ///
    /// # Errors
    /// A shape does not fit.
    pub fn set_masks(&mut self, masks: &MaskSet) -> Result<()> {
        let tensors = masks.tensors(self.layers())?;
        self.relus.iter_mut().zip(&tensors).try_for_each(|(relu, mask)| relu.set(mask))
    }

    /// The masks.
    ///
    /// # Errors
    /// libtorch refuses to hand a tensor out.
    pub fn masks(&self) -> Result<MaskSet> {
        MaskSet::from_tensors(self.relus.iter().map(|r| &r.mask))
    }

    /// Copies all variables of `other`, a network of the same layout and widths.
    ///
    /// # Errors
    /// The networks differ in shape.
    pub fn copy_from(&mut self, other: &Self) -> Result<()> {
        self.assign(other.store.all(), true).map_err(|problem| Error::NetworkMismatch { problem })
    }

    /// Copies named tensors over the variables; masks may be absent when `masks` is false.
    ///
    /// # Errors
    /// Says which name or shape does not fit.
    pub fn assign<'a>(
        &mut self,
        source: impl IntoIterator<Item = (&'a str, &'a Tensor)>,
        masks: bool,
    ) -> std::result::Result<(), String> {
        self.store.copy_from(source, masks)?;
        self.relus.iter_mut().try_for_each(MaskedRelu::refresh).map_err(|e| e.to_string())
    }

    /// Loads the variables from a safetensors file; tensors whose names start with `~` belong
    /// to others and are left alone.
    ///
    /// # Errors
    /// The file does not fit the network.
    pub fn load(&mut self, path: &Path) -> Result<()> {
        let tensors = store::read(path)?;
        let own = tensors.iter().filter(|(name, _)| !name.starts_with('~'));
        self.assign(own.map(|(name, t)| (name.as_str(), t)), true)
            .map_err(|problem| Error::BadCheckpoint { path: path.to_owned(), problem })
    }

    /// SHA-256 in hexadecimal over names and values of all variables, in order of name.
    ///
    /// # Errors
    /// libtorch refuses to hand a tensor out.
    pub fn hash(&self) -> Result<String> {
        let mut hash = Sha256::new();
        for (name, tensor) in self.store.all() {
            hash.update(name.as_bytes());
            hash.update(values(tensor)?.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>());
        }
        Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
    }

    /// Trained variables with their names, sorted by name.
    pub fn trained(&self) -> Vec<(String, Tensor)> {
        let own = |(name, t): (&str, &Tensor)| (name.to_owned(), t.shallow_clone());
        self.store.of(Role::Weight).map(own).collect()
    }

    /// The sub-network at width `index` as an ordinary network with sliced variables.
    ///
    /// # Errors
    /// libtorch refuses a slice.
    pub fn slice(&self, index: usize) -> Result<Self> {
        let rate = self.widths[index].rate;
        let sliced = Self::new(&self.network.scaled(rate), self.store.device());
        let single = self.widths.len() == 1;
        for (name, to) in sliced.store.all() {
            let from = match self.store.get(name) {
                Some(own) => own.shallow_clone(),
                None => self.own_norm(name, index)?,
            };
            debug_assert!(!single || from.size() == to.size());
            let part = forward::first(&from, &to.size())?;
            tch::no_grad(|| to.shallow_clone().f_copy_(&part))?;
        }
        let mut sliced = sliced;
        sliced.relus.iter_mut().try_for_each(MaskedRelu::refresh)?;
        Ok(sliced)
    }

    /// The variable that `PREFIX.bn.INDEX.PART` holds for the name `PREFIX.PART`.
    fn own_norm(&self, name: &str, index: usize) -> Result<Tensor> {
        let (prefix, part) = name.rsplit_once('.').unwrap_or((name, ""));
        let variable = norm_variable(prefix, part, Some(index));
        self.store
            .get(&variable)
            .map(Tensor::shallow_clone)
            .ok_or_else(|| Error::NetworkMismatch { problem: format!("{variable} is missing") })
    }
}

/// Name of a part of a batch normalisation; ordered networks number them by width, as the
/// checkpoints of RLNet do.
fn norm_variable(prefix: &str, part: &str, width: Option<usize>) -> String {
    match width {
        Some(width) => format!("{prefix}.bn.{width}.{part}"),
        None => format!("{prefix}.{part}"),
    }
}

/// Makes the variables of node `at` of the full graph.
fn build(store: &mut Store, full: &Graph, widths: &[Width], at: usize) -> Weights {
    let node = &full.nodes[at];
    let from = node.inputs.first().map(|&i| full.nodes[i].shape);
    match (&node.op, from) {
        (Op::Conv(conv), Some(from)) => {
            let dims = [conv.out, from.channels / conv.groups, conv.kernel, conv.kernel];
            let weight =
                store.add(&format!("{}.weight", conv.name), Role::Weight, store::kaiming(&dims));
            let bias = conv.bias.then(|| zeros(store, &format!("{}.bias", conv.name), conv.out));
            Weights::Affine(weight, bias)
        }
        (Op::Linear(name, out), Some(from)) => {
            let init = store::uniform(&[*out, from.units() as i64]);
            let weight = store.add(&format!("{name}.weight"), Role::Weight, init);
            Weights::Affine(weight, Some(zeros(store, &format!("{name}.bias"), *out)))
        }
        (Op::Enlarge(name, out), Some(from)) => {
            let init = store::kaiming(&[from.channels, *out, 2, 2]);
            let weight = store.add(&format!("{name}.weight"), Role::Weight, init);
            Weights::Affine(weight, Some(zeros(store, &format!("{name}.bias"), *out)))
        }
        (Op::Norm(name), Some(_)) => {
            let single = widths.len() == 1;
            let norm = |(i, width): (usize, &Width)| {
                let channels = width.graph.nodes[at].shape.channels;
                norm(store, name, (!single).then_some(i), channels)
            };
            Weights::Norm(widths.iter().enumerate().map(norm).collect())
        }
        _ => Weights::None,
    }
}

fn zeros(store: &mut Store, name: &str, count: i64) -> Tensor {
    store.add(name, Role::Weight, Tensor::zeros([count], (Kind::Float, Device::Cpu)))
}

fn norm(store: &mut Store, prefix: &str, width: Option<usize>, channels: i64) -> Norm {
    let mut add = |part, role, value: f64| {
        let tensor = Tensor::full([channels], value, (Kind::Float, Device::Cpu));
        store.add(&norm_variable(prefix, part, width), role, tensor)
    };
    Norm {
        scale: add("weight", Role::Weight, 1.0),
        shift: add("bias", Role::Weight, 0.0),
        mean: add("running_mean", Role::Statistic, 0.0),
        variance: add("running_var", Role::Statistic, 1.0),
    }
}

#[cfg(test)]
mod tests;
