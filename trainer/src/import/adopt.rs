//! A network of ours out of a checkpoint of others.

use super::{Checkpoint, IdentitySkip, Layout, MaskTensor, into_tensors};
use crate::masks::MaskSet;
use crate::net::Net;
use crate::{Error, Result};
use std::path::Path;
use tacita_architectures::{Family, Layer, Network};
use tch::{Device, Tensor};

/// What the user decides, because no checkpoint tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// Whether blocks that keep the shape add their input: must be told where the checkpoint
    /// leaves it open.
    pub identity_skip: Option<bool>,
    /// The mask of the ReLU behind the first convolution, all ones or all zeros, where the
    /// network has that ReLU and the checkpoint no mask for it.
    pub stem: Option<bool>,
    /// Whether to take the first channels of weights and masks that are wider than the
    /// network, for the narrower widths of an ordered network.
    pub cut: bool,
}

impl Layout {
    /// What the program that writes this layout is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Snl => "SNL",
            Self::Rlnet => "RLNet",
            Self::ReluPruner => "ReLUPruner",
            Self::AutoRep => "AutoReP",
            Self::Plain => "PyTorch",
        }
    }
}

/// Puts the weights and masks of the checkpoint that was read from `path` into `network`.
/// Without masks in it every ReLU stays.
///
/// # Errors
/// The checkpoint is of another network, or leaves open what the choices do not tell.
pub fn into_net(
    path: &Path,
    found: &Checkpoint,
    network: &Network,
    choices: Choices,
) -> Result<Net> {
    let bad = |problem| Error::BadCheckpoint { path: path.to_owned(), problem };
    check_skip(found, network, choices).map_err(bad)?;
    let mut net = Net::new(network, Device::Cpu);
    let masks = match &found.masks {
        Some(masks) => Some(arrange(masks, net.layers(), choices).map_err(bad)?),
        None if choices.stem.is_some() => return Err(bad(NO_MASKS.to_owned())),
        None => None,
    };
    let mut tensors = into_tensors(found)?;
    if choices.cut {
        cut(&mut tensors, &net)?;
    }
    net.assign(tensors.iter().map(|(name, t)| (name.as_str(), t)), false)
        .map_err(|problem| bad(format!("{problem}{HINT}")))?;
    masks.map_or(Ok(()), |masks| net.set_masks(&masks))?;
    Ok(net)
}

const HINT: &str = "; describe the network that was trained with --net, --base-width, \
    --width-multiplier, --depths, --shortcut and the other options of networks";

const NO_MASKS: &str = "holds no masks at all, so every ReLU stays: leave out --stem-mask";

/// Residual networks must be told whether their blocks add their input.
fn check_skip(
    found: &Checkpoint,
    network: &Network,
    choices: Choices,
) -> std::result::Result<(), String> {
    let Family::ResNet { identity_skip, .. } = network.layout else { return Ok(()) };
    match choices.identity_skip {
        None if found.identity_skip == IdentitySkip::Unknown && identity_skip => {
            Err("does not tell whether blocks that keep the shape add their input. RLNet's masked \
             residual networks do not (only those with a projection do), its teachers and \
             ordered networks do; the wrong choice ruins the accuracy without any error. Give \
             --identity-skip absent or --identity-skip present"
                .to_owned())
        }
        Some(skip) if skip != identity_skip => {
            Err("--identity-skip and --no-identity-skip contradict each other".to_owned())
        }
        _ => Ok(()),
    }
}

/// The masks in the order of `layers`: by name where all have one, else by place.
fn arrange(
    masks: &[MaskTensor],
    layers: &[Layer],
    choices: Choices,
) -> std::result::Result<MaskSet, String> {
    let mut wanted: Vec<&Layer> = layers.iter().collect();
    let named: Option<Vec<&str>> = masks.iter().map(|m| m.name.as_deref()).collect();
    let stem = wanted.first().filter(|l| l.stage == 0).copied();
    let lacks_stem = stem.is_some_and(|stem| match &named {
        Some(names) => !names.contains(&stem.variable.as_str()),
        None => masks.len() + 1 == layers.len(),
    });
    let mut set = Vec::with_capacity(layers.len());
    match (lacks_stem, choices.stem, stem) {
        (true, Some(ones), Some(stem)) => {
            set.push(vec![ones; stem.units()]);
            wanted.remove(0);
        }
        (true, None, _) => return Err(STEM_LACKS_MASK.to_owned()),
        (false, Some(_), _) => return Err(STEM_HAS_MASK.to_owned()),
        _ => {}
    }
    if masks.len() != wanted.len() {
        let (have, want) = (masks.len(), wanted.len());
        return Err(format!("holds {have} masks where the network has {want} ReLU layers{HINT}"));
    }
    for (place, layer) in wanted.into_iter().enumerate() {
        let by_name = |names: &Vec<&str>| names.iter().position(|n| **n == layer.variable);
        let at = named.as_ref().map_or(Some(place), by_name);
        let mask = at.map(|at| &masks[at]);
        let mask = mask.ok_or_else(|| format!("holds no mask {}{HINT}", layer.variable))?;
        set.push(bits(mask, layer, choices.cut)?);
    }
    Ok(MaskSet { layers: set })
}

const STEM_LACKS_MASK: &str = "holds no mask for the ReLU behind the first convolution. SNL, \
    AutoReP and ReLUPruner have no ReLU there: give --no-stem-relu. If this network has one, \
    give --stem-mask ones (or zeros)";

const STEM_HAS_MASK: &str = "--stem-mask does not apply: the network has no ReLU behind the \
    first convolution, or the checkpoint has its mask";

/// The bits of a mask; the first channels of it when it may be cut.
fn bits(mask: &MaskTensor, layer: &Layer, cut: bool) -> std::result::Result<Vec<bool>, String> {
    let want = layer.dims().map(|d| d as usize);
    let fits =
        |have: [usize; 3]| have == want || cut && have[0] > want[0] && have[1..] == want[1..];
    if !fits(mask.dims) {
        let (have, name) = (mask.dims, &layer.name);
        return Err(format!("the mask of layer {name} has shape {have:?}, not {want:?}{HINT}"));
    }
    Ok(mask.bits[..layer.units()].to_vec())
}

/// Takes the first channels of weights that are wider than the network. Normalisations are not
/// cut: an ordered network has one of its own for every width.
fn cut(tensors: &mut [(String, Tensor)], net: &Net) -> Result<()> {
    let prefix = |name: &str| name.rsplit_once('.').map(|(prefix, _)| prefix.to_owned());
    for (name, tensor) in tensors {
        let norm = prefix(name).map(|p| format!("{p}.running_mean"));
        let norm = norm.is_some_and(|mean| net.store.get(&mean).is_some());
        let Some(own) = net.store.get(name).filter(|_| !norm) else { continue };
        let (have, want) = (tensor.size(), own.size());
        if have.len() == want.len() && have.iter().zip(&want).all(|(h, w)| h >= w) {
            for (axis, &length) in want.iter().enumerate() {
                *tensor = tensor.f_narrow(axis as i64, 0, length)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
