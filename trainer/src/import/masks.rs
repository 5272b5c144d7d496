//! Masks in checkpoints of others: which positions keep their ReLU.

use super::checkpoint::Entry;
use super::names::mask_position;
use super::pickle::Id;
use super::torch::{Array, TensorRef, TorchFile};
use super::{Parsed, Problem};
use std::collections::BTreeMap;

/// Most layers of a list of masks.
const MAX_MASKS: usize = 10_000;

/// The mask of one activation layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskTensor {
    /// Our name of the variable, where the file or the network's shape tells it.
    pub name: Option<String>,
    /// `[C, H, W]`.
    pub dims: [usize; 3],
    /// `C * H * W` flags in row-major order; true where the ReLU stays.
    pub bits: Vec<bool>,
}

impl MaskTensor {
    /// ReLUs that it keeps.
    pub fn kept(&self) -> usize {
        self.bits.iter().filter(|&&bit| bit).count()
    }
}

/// A mask out of a tensor `[C, H, W]` or `[1, C, H, W]` of zeros and ones; with a threshold,
/// of any values, of which those above it count as one.
fn mask(label: &str, array: &Array, threshold: Option<f32>) -> Parsed<MaskTensor> {
    let dims = match array.dims[..] {
        [c, h, w] | [1, c, h, w] => [c, h, w],
        _ => {
            let dims = &array.dims;
            return Err(Problem::new(format!("mask {label}: shape {dims:?} is not [C, H, W]")));
        }
    };
    let bit = |value: f32| match threshold {
        Some(threshold) if !value.is_nan() => Ok(value > threshold),
        None if value == 0.0 => Ok(false),
        None if value == 1.0 => Ok(true),
        _ => Err(Problem::new(format!(
            "mask {label} holds {value}, not just 0 and 1: these are coefficients of a search \
             that was not yet made binary; give a threshold (SNL counts a ReLU above 0.01)"
        ))),
    };
    let bits = array.to_f32().into_iter().map(bit).collect::<Parsed<_>>()?;
    Ok(MaskTensor { name: None, dims, bits })
}

/// Masks under names that end in `.alphas`, put into forward order; in the order of the file
/// if a name is unknown.
pub(super) fn of_alphas(
    file: &mut TorchFile,
    entries: &[Entry],
    threshold: Option<f32>,
) -> Parsed<Vec<MaskTensor>> {
    let mut alphas: Vec<&Entry> = entries.iter().filter(|e| is_alpha(&e.name)).collect();
    if alphas.iter().all(|e| mask_position(&e.name).is_some()) {
        alphas.sort_by_key(|e| mask_position(&e.name));
    }
    let mut read = |entry: &&Entry| {
        let array = file.array(&entry.tensor)?;
        Ok(MaskTensor { name: Some(entry.name.clone()), ..mask(&entry.name, &array, threshold)? })
    };
    alphas.iter().map(&mut read).collect()
}

/// Whether a name is of a mask in SNL's layout.
pub(super) fn is_alpha(name: &str) -> bool {
    name.ends_with(".alphas")
}

/// Masks in a list of tensors, which is in forward order.
pub(super) fn of_list(
    file: &mut TorchFile,
    list: Id,
    threshold: Option<f32>,
) -> Parsed<Vec<MaskTensor>> {
    let items = file.pickle.sequence(list).map(<[Id]>::to_vec);
    let items = items.filter(|items| items.len() <= MAX_MASKS);
    let items = items.ok_or_else(|| Problem::new("its masks are not a list of some layers"))?;
    let mut read = |(i, id): (usize, Id)| {
        let tensor = file.tensor(id)?;
        let tensor = tensor.ok_or_else(|| Problem::new(format!("mask {i} is not a tensor")))?;
        mask(&i.to_string(), &file.array(&tensor)?, threshold)
    };
    items.into_iter().enumerate().map(&mut read).collect()
}

/// The index of the activation, if a name is of a mask in AutoReP's layout.
pub(super) fn autorep_index(name: &str) -> Option<u64> {
    let leaf = name.rsplit('.').next()?;
    leaf.strip_prefix("alpha_mask_")?.strip_suffix("_0")?.parse().ok()
}

/// Whether a name is of AutoReP's activation rather than of a layer.
pub(super) fn is_autorep(name: &str) -> bool {
    let leaf = name.rsplit('.').next().unwrap_or_default();
    let own = ["alpha_mask_", "alpha_aux_", "poly_para_"].iter().any(|p| leaf.starts_with(p));
    own || leaf == "itr_cnt"
        || name
            .split('.')
            .any(|part| part.strip_prefix("bn_").is_some_and(|rest| rest.parse::<u64>().is_ok()))
}

/// AutoReP's masks. One module stands for every activation, so the same masks come again
/// under each layer that refers to it; the number in the name is the place in forward order.
pub(super) fn of_autorep(
    file: &mut TorchFile,
    entries: &[Entry],
    threshold: Option<f32>,
) -> Parsed<Vec<MaskTensor>> {
    let mut found: BTreeMap<u64, (&str, &TensorRef)> = BTreeMap::new();
    for entry in entries {
        let Some(index) = autorep_index(&entry.name) else { continue };
        let (name, tensor) = *found.entry(index).or_insert((&entry.name, &entry.tensor));
        if *tensor != entry.tensor {
            let other = &entry.name;
            return Err(Problem::new(format!("{name:?} and {other:?} are not the same mask")));
        }
    }
    if !found.keys().copied().eq(0..found.len() as u64) {
        return Err(Problem::new("a mask alpha_mask_*_0 is missing"));
    }
    found.into_values().map(|(name, t)| mask(name, &file.array(t)?, threshold)).collect()
}
