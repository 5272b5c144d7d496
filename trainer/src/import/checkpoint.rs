//! Weights and masks out of the checkpoints that SNL, RLNet (SENet), ReLUPruner, AutoReP and
//! plain PyTorch programs write.

use super::names::{self, Family};
use super::pickle::{Id, Value};
use super::torch::{Array, ArrayData, TensorRef, TorchFile};
use super::{MaskTensor, Parsed, Problem, masks};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

mod notes;

/// Longest file that is read, in bytes.
pub const MAX_FILE: u64 = 4 << 30;

/// Longest name of a variable, in bytes.
const MAX_NAME: usize = 256;

/// Most variables of a network.
const MAX_VARIABLES: usize = 50_000;

/// Which program wrote a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// SNL and its descendants: masks are variables that end in `.alphas`.
    Snl,
    /// RLNet, the program of SENet: masks are a list `mask_epoch` beside the network. Old
    /// files of ReLUPruner look the same, but have no mask for the stem.
    Rlnet,
    /// ReLUPruner: masks are a list `masks` beside the network.
    ReluPruner,
    /// AutoReP: masks are variables `alpha_mask_{i}_0`.
    AutoRep,
    /// Any other; it has no masks.
    Plain,
}

/// Whether residual blocks that keep the shape add their input to their output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentitySkip {
    /// They do, as residual networks are meant to.
    Present,
    /// They do not. No file says so: this value is for a user to choose.
    Absent,
    /// The file does not tell, and its program has networks of both kinds.
    Unknown,
}

/// How a checkpoint is to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// Makes masks binary: true where a value is above this. Without it, values other than
    /// 0 and 1 are refused.
    pub threshold: Option<f32>,
    /// Whose batch normalisations are taken of a network of several widths; the last, which
    /// is the full one, by default. Convolutions are not cut to a smaller width.
    pub width: Option<usize>,
}

/// A checkpoint.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Which program wrote it.
    pub layout: Layout,
    /// Kind of network.
    pub family: Family,
    /// Name of the network, where the file gives one.
    pub arch: Option<String>,
    /// Weights and statistics under our names ([`names`]).
    pub weights: BTreeMap<String, Array>,
    /// Masks in forward order.
    pub masks: Option<Vec<MaskTensor>>,
    /// Whether blocks without a projection have a shortcut.
    pub identity_skip: IdentitySkip,
    /// Numbers and short texts beside the weights, such as epoch and accuracies.
    pub notes: BTreeMap<String, String>,
    /// What the user should know about taking this network over.
    pub warnings: Vec<String>,
}

/// A tensor of the network, as the file names it (without prefixes of wrappers).
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) tensor: TensorRef,
}

/// Reads a checkpoint. Nothing in it is executed.
///
/// # Errors
/// The file cannot be read, is no checkpoint of PyTorch, is damaged, or holds masks or names
/// that are not understood.
pub fn read(path: &Path, options: &Options) -> Result<Checkpoint> {
    let bad = |problem| Error::BadCheckpoint { path: path.to_owned(), problem };
    let meta = std::fs::metadata(path).map_err(Error::io(path))?;
    if !meta.is_file() {
        return Err(bad("not a file".to_owned()));
    }
    if meta.len() > MAX_FILE {
        return Err(bad(format!("longer than {MAX_FILE} bytes")));
    }
    let bytes = std::fs::read(path).map_err(Error::io(path))?;
    parse(bytes, options).map_err(|e| bad(e.to_string()))
}

/// Reads the bytes of a checkpoint.
///
/// # Errors
/// As those of [`read`], without the file's name.
pub fn parse(bytes: Vec<u8>, options: &Options) -> Parsed<Checkpoint> {
    let mut file = TorchFile::parse(bytes)?;
    let state = state_dict(&file)?;
    let entries = entries(&file, state)?;
    let all = || entries.iter().map(|e| e.name.as_str());
    let (family, last_width) = (Family::of(all()), names::last_width(all()));
    let layout = layout(&file, &entries);
    let kept: Vec<&Entry> = entries.iter().filter(|e| !is_activation(layout, &e.name)).collect();
    let weights = weights(&mut file, &kept, family, width(last_width, options)?)?;
    let masks = find_masks(&mut file, &entries, layout, options.threshold)?;
    let masks = masks.map(|masks| named(masks, family, &weights));
    let notes = notes::notes(&mut file, state);
    let arch = ["arch", "opt.arch", "opt.model", "config.arch", "config.model"];
    let arch = arch.iter().find_map(|&key| notes.get(key)).cloned();
    let students = entries.iter().any(|e| e.name.contains("conv_sc."));
    let identity_skip = match layout {
        Layout::Rlnet if last_width.is_none() => IdentitySkip::Unknown,
        Layout::Plain if students && last_width.is_none() => IdentitySkip::Unknown,
        _ => IdentitySkip::Present,
    };
    let warnings = warnings(layout, identity_skip);
    Ok(Checkpoint { layout, family, arch, weights, masks, identity_skip, notes, warnings })
}

/// The dictionary of the network's variables: the file's own, or one inside it.
fn state_dict(file: &TorchFile) -> Parsed<Id> {
    let (pickle, root) = (&file.pickle, file.pickle.root());
    for key in ["state_dict", "model_state_dict", "model", "net"] {
        let Some(id) = pickle.get(root, key) else { continue };
        match pickle.value(id) {
            Value::Dict(_) => return Ok(id),
            Value::Object(_) => return Err(whole_model()),
            _ => {}
        }
    }
    match pickle.value(root) {
        Value::Dict(_) => Ok(root),
        Value::Object(_) => Err(whole_model()),
        _ => Err(Problem::new("holds no dictionary of weights")),
    }
}

fn whole_model() -> Problem {
    Problem::new("holds a whole Python object; save the network's state_dict() instead")
}

/// All tensors in the dictionary of variables.
fn entries(file: &TorchFile, state: Id) -> Parsed<Vec<Entry>> {
    let pickle = &file.pickle;
    let items = pickle.dict(state).unwrap_or_default();
    if items.len() > MAX_VARIABLES {
        return Err(Problem::new(format!("more than {MAX_VARIABLES} variables")));
    }
    let mut found: Vec<(&str, TensorRef)> = Vec::new();
    for &(key, value) in items {
        let Some(name) = pickle.text(key) else { continue };
        if name.len() > MAX_NAME {
            return Err(Problem::new("the name of a variable is too long"));
        }
        let tensor = file.tensor(value).map_err(|e| Problem::new(format!("{name:?}: {e}")))?;
        found.extend(tensor.map(|tensor| (name, tensor)));
    }
    if found.is_empty() {
        return Err(Problem::new("holds no weights under state_dict, model or at its top"));
    }
    let all: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
    let prefix = names::wrapper_prefix(&all).len();
    let entry = |(name, tensor): (&str, _)| Entry { name: name[prefix..].to_owned(), tensor };
    Ok(found.into_iter().map(entry).collect())
}

fn layout(file: &TorchFile, entries: &[Entry]) -> Layout {
    let (pickle, root) = (&file.pickle, file.pickle.root());
    if entries.iter().any(|e| masks::is_alpha(&e.name)) {
        Layout::Snl
    } else if entries.iter().any(|e| masks::autorep_index(&e.name).is_some()) {
        Layout::AutoRep
    } else if pickle.get(root, "masks").is_some() {
        Layout::ReluPruner
    } else if pickle.get(root, "mask_epoch").is_some() {
        Layout::Rlnet
    } else {
        Layout::Plain
    }
}

/// The width index to take, of a network whose last one is `last`.
fn width(last: Option<usize>, options: &Options) -> Parsed<Option<usize>> {
    match (last, options.width) {
        (None, Some(_)) => Err(Problem::new("the network has one width only")),
        (Some(last), Some(width)) if width > last => {
            Err(Problem::new(format!("width {width} is beyond the last, {last}")))
        }
        (last, width) => Ok(width.or(last)),
    }
}

/// Whether a variable belongs to an activation rather than to a layer.
fn is_activation(layout: Layout, name: &str) -> bool {
    match layout {
        Layout::Snl => masks::is_alpha(name),
        Layout::AutoRep => masks::is_autorep(name),
        Layout::Rlnet | Layout::ReluPruner | Layout::Plain => false,
    }
}

/// The variables of all layers, under our names.
fn weights(
    file: &mut TorchFile,
    entries: &[&Entry],
    family: Family,
    width: Option<usize>,
) -> Parsed<BTreeMap<String, Array>> {
    let mut weights = BTreeMap::new();
    for entry in entries {
        let Some(name) = names::canonical(&entry.name, family, width) else { continue };
        let array = file.array(&entry.tensor)?;
        if !is_finite(&array) {
            return Err(Problem::new(format!("{name:?} holds values that are not finite")));
        }
        if weights.contains_key(&name) {
            return Err(Problem::new(format!("two variables stand for {name:?}")));
        }
        weights.insert(name, array);
    }
    Ok(weights)
}

fn is_finite(array: &Array) -> bool {
    match &array.data {
        ArrayData::Float(data) => data.iter().all(|v| v.is_finite()),
        ArrayData::Double(data) => data.iter().all(|v| v.is_finite()),
        ArrayData::Int(_) => true,
    }
}

fn find_masks(
    file: &mut TorchFile,
    entries: &[Entry],
    layout: Layout,
    threshold: Option<f32>,
) -> Parsed<Option<Vec<MaskTensor>>> {
    let root = file.pickle.root();
    let list = match layout {
        Layout::Snl => return masks::of_alphas(file, entries, threshold).map(Some),
        Layout::AutoRep => return masks::of_autorep(file, entries, threshold).map(Some),
        Layout::Plain => return Ok(None),
        Layout::ReluPruner => file.pickle.get(root, "masks"),
        Layout::Rlnet => file.pickle.get(root, "mask_epoch"),
    };
    list.map(|list| masks::of_list(file, list, threshold)).transpose()
}

/// Gives masks our names where they have none and the network's shape tells them.
fn named(
    mut masks: Vec<MaskTensor>,
    family: Family,
    weights: &BTreeMap<String, Array>,
) -> Vec<MaskTensor> {
    let names = names::mask_names(family, weights.keys().map(String::as_str), masks.len());
    for (mask, name) in masks.iter_mut().zip(names.into_iter().flatten()) {
        mask.name.get_or_insert(name);
    }
    masks
}

fn warnings(layout: Layout, skip: IdentitySkip) -> Vec<String> {
    let mut warnings = Vec::new();
    if layout == Layout::AutoRep {
        warnings.push(
            "AutoReP puts polynomials where a mask is 0; taken over, these positions pass their \
             input on, so the network must be trained further"
                .to_owned(),
        );
    }
    if skip == IdentitySkip::Unknown {
        warnings.push(
            "the file does not tell whether blocks without a projection add their input: \
             RLNet's masked residual networks leave it out unless they are ordered"
                .to_owned(),
        );
    }
    warnings
}
