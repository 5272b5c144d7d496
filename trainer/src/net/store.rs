//! The named tensors of a network, in a fixed order.

use crate::rng::Rng;
use crate::{Error, Result};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use tch::{Device, Kind, Tensor};

/// What a tensor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Trained by gradient.
    Weight,
    /// Running mean or variance of a batch normalisation.
    Statistic,
    /// 0/1 mask of an activation layer.
    Mask,
}

/// Named tensors.
#[derive(Debug)]
pub struct Store {
    device: Device,
    tensors: BTreeMap<String, (Role, Tensor)>,
}

impl Store {
    /// A store without tensors.
    pub fn new(device: Device) -> Self {
        Self { device, tensors: BTreeMap::new() }
    }

    /// Where the tensors live.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Adds a tensor and gives a handle that shares its storage. The tensor that is there
    /// already under this name is kept.
    pub fn add(&mut self, name: &str, role: Role, tensor: Tensor) -> Tensor {
        let trained = role == Role::Weight;
        let slot = self
            .tensors
            .entry(name.to_owned())
            .or_insert_with(|| (role, tensor.to_device(self.device).set_requires_grad(trained)));
        slot.1.shallow_clone()
    }

    /// All tensors of a role with their names, sorted by name.
    pub fn of(&self, role: Role) -> impl Iterator<Item = (&str, &Tensor)> {
        let fits = move |entry: &&(Role, Tensor)| entry.0 == role;
        self.tensors
            .iter()
            .filter(move |(_, entry)| fits(entry))
            .map(|(name, (_, tensor))| (name.as_str(), tensor))
    }

    /// The tensor of a name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name).map(|(_, tensor)| tensor)
    }

    /// Names and tensors, sorted by name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, (_, tensor))| (name.as_str(), tensor))
    }

    /// Ends training by gradient: the network only serves as a guide from now on.
    pub fn freeze(&self) {
        self.of(Role::Weight).for_each(|(_, tensor)| {
            let _ = tensor.set_requires_grad(false);
        });
    }

    /// Copies the values of `source` (a name and a tensor each) over those here. Every tensor
    /// here must be named, except masks when `masks` is false; other names in `source` are
    /// refused.
    ///
    /// # Errors
    /// A name or shape does not fit; the text says which.
    pub fn copy_from<'a>(
        &self,
        source: impl IntoIterator<Item = (&'a str, &'a Tensor)>,
        masks: bool,
    ) -> std::result::Result<(), String> {
        let source: HashMap<&str, &Tensor> = source.into_iter().collect();
        if let Some(name) = source.keys().filter(|n| !self.tensors.contains_key(**n)).min() {
            return Err(format!("{name} is not a variable of this network"));
        }
        let _guard = tch::no_grad_guard();
        for (name, (role, tensor)) in &self.tensors {
            let Some(from) = source.get(name.as_str()) else {
                if *role == Role::Mask && !masks {
                    continue;
                }
                return Err(format!("{name} is missing"));
            };
            if from.size() != tensor.size() {
                let (have, want) = (from.size(), tensor.size());
                return Err(format!("{name} has shape {have:?}, not {want:?}"));
            }
            tensor.shallow_clone().f_copy_(from).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    /// Writes all tensors, and `more` beside them, to a safetensors file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save<'a>(
        &'a self,
        path: &Path,
        more: impl IntoIterator<Item = (String, &'a Tensor)>,
    ) -> Result<()> {
        let plain = |t: &Tensor| t.detach().to_device(Device::Cpu).contiguous();
        let own = self.tensors.iter().map(|(name, (_, t))| (name.clone(), plain(t)));
        let more = more.into_iter().map(|(name, t)| (name, plain(t)));
        let all: Vec<(String, Tensor)> = own.chain(more).collect();
        Ok(Tensor::write_safetensors(&all, path)?)
    }
}

/// Reads a safetensors file.
///
/// # Errors
/// The file is missing or damaged.
pub fn read(path: &Path) -> Result<Vec<(String, Tensor)>> {
    std::fs::metadata(path).map_err(Error::io(path))?;
    Tensor::read_safetensors(path)
        .map_err(|e| Error::BadCheckpoint { path: path.to_owned(), problem: e.to_string() })
}

impl Store {
    /// Fills all weights of more than one axis from `seed`: convolutions as [`kaiming`],
    /// fully connected layers as [`uniform`]. Every weight has a stream of its own, so values
    /// depend on seed, name and shape alone.
    ///
    /// # Errors
    /// libtorch refuses a tensor.
    pub fn fill(&self, seed: u64) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for (name, weight) in self.of(Role::Weight) {
            let dims = weight.size();
            if dims.len() < 2 {
                continue;
            }
            let mut rng = Rng::new(seed, name);
            let draw = |_| match dims.len() {
                4 => rng.normal() * kaiming_deviation(&dims),
                _ => (2.0 * rng.unit() - 1.0) * uniform_bound(&dims),
            };
            let values: Vec<f32> = (0..weight.numel()).map(draw).map(|v| v as f32).collect();
            weight
                .shallow_clone()
                .f_copy_(&Tensor::f_from_slice(&values)?.f_view(dims.as_slice())?)?;
        }
        Ok(())
    }
}

fn kaiming_deviation(dims: &[i64]) -> f64 {
    let fan_out: i64 = dims[0] * dims.iter().skip(2).product::<i64>();
    (2.0 / fan_out.max(1) as f64).sqrt()
}

fn uniform_bound(dims: &[i64]) -> f64 {
    let fan_in: i64 = dims.iter().skip(1).product();
    1.0 / (fan_in.max(1) as f64).sqrt()
}

/// Weights of He et al. (2015), normal with variance 2 over the fan-out.
pub fn kaiming(dims: &[i64]) -> Tensor {
    Tensor::randn(dims, (Kind::Float, Device::Cpu)) * kaiming_deviation(dims)
}

/// Uniform weights in plus or minus one over the root of the fan-in.
pub fn uniform(dims: &[i64]) -> Tensor {
    let bound = uniform_bound(dims);
    Tensor::rand(dims, (Kind::Float, Device::Cpu)) * (2.0 * bound) - bound
}
