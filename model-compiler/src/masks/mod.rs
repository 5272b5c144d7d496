//! Masks from outside of the model: applied to a network that was read, before it is lowered.
//!
//! Three edits, in this order: every activation in full ([`Edits::keep_all`]), masks from a file
//! ([`MaskFile`]), activations without any ReLU ([`Edits::cull`]). Each replaces the mask that the
//! graph has.

mod file;
mod names;
mod npy;

use tacita_protocol::plan::{Mask, Shape};

pub use file::{MaskArray, MaskFile};

use crate::error::{Error, Result};
use crate::lower::lower;
use crate::network::{Layer, Network};
use names::{glob, matches};

/// Changes to the masks of a network.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// Masks for some activations or all.
    pub file: Option<MaskFile>,
    /// Names of activations that lose their ReLUs; `*` stands for any characters.
    pub cull: Vec<String>,
    /// Gives every activation of the model a ReLU at every position first: what the unmasked
    /// network would cost.
    pub keep_all: bool,
}

impl Edits {
    /// True if nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.file.is_none() && self.cull.is_empty() && !self.keep_all
    }
}

/// Reads an ONNX model, edits its masks, and lowers it.
///
/// # Errors
/// As [`crate::read`], [`apply`] and [`lower`].
pub fn import_with_edits(bytes: &[u8], edits: &Edits) -> Result<Network> {
    let mut network = crate::read(bytes)?;
    apply(&mut network, edits)?;
    lower(&mut network)?;
    Ok(network)
}

/// Edits the masks of a network that is not yet lowered.
///
/// # Errors
/// [`Error::Input`] for names that are no activation of the network, and arrays of another shape
/// than their activation.
pub fn apply(network: &mut Network, edits: &Edits) -> Result<()> {
    if edits.is_empty() {
        return Ok(());
    }
    if edits.keep_all {
        for layer in network.layers.iter_mut().filter(|l| l.unmasked_relus > 0) {
            layer.mask = Mask::uniform(layer.shape.len(), true);
        }
    }
    if let Some(file) = &edits.file {
        from_file(network, file)?;
    }
    for name in &edits.cull {
        cull(network, name)?;
    }
    if network.stored_ranges.take().is_some() {
        network.warnings.push(
            "the value ranges stored in the model hold for its own masks, and are not used: give \
             images with --calibrate"
                .into(),
        );
    }
    Ok(())
}

/// Where the network has activations.
fn activations(network: &Network) -> Vec<usize> {
    let layers = network.layers.iter().enumerate();
    layers.filter(|(_, l)| l.unmasked_relus > 0).map(|(i, _)| i).collect()
}

fn name_at(network: &Network, at: usize) -> &str {
    network.layers.get(at).map_or("", |l| l.name.as_str())
}

fn unknown(network: &Network, what: &str) -> Error {
    let names: Vec<_> =
        activations(network).into_iter().map(|i| format!("`{}`", name_at(network, i))).collect();
    let known = if names.is_empty() { "none".into() } else { names.join(", ") };
    Error::input(format!("{what}; the model's activations are: {known}"))
}

fn cull(network: &mut Network, pattern: &str) -> Result<()> {
    let mut found = false;
    for layer in network.layers.iter_mut().filter(|l| l.unmasked_relus > 0) {
        if glob(pattern, &layer.name) {
            layer.mask = Mask::uniform(layer.shape.len(), false);
            found = true;
        }
    }
    if found { Ok(()) } else { Err(unknown(network, &format!("no activation `{pattern}`"))) }
}

fn from_file(network: &mut Network, file: &MaskFile) -> Result<()> {
    let places = places(network, file)?;
    for (array, at) in file.arrays.iter().zip(places) {
        let Some(layer) = network.layers.get_mut(at) else { continue };
        let mask = fitted(array, layer)?;
        let own = layer.mask.ones();
        if 0 < own && own < layer.shape.len() && layer.mask != mask {
            network.warnings.push(format!(
                "layer `{}`: the mask of the model is replaced by `{}` of {}",
                layer.name, array.name, file.source
            ));
        }
        layer.mask = mask;
    }
    Ok(())
}

/// The layer that each array belongs to: by name, or if no name fits, in order.
fn places(network: &Network, file: &MaskFile) -> Result<Vec<usize>> {
    let activations = activations(network);
    let names: Vec<&str> = activations.iter().map(|i| name_at(network, *i)).collect();
    let found: Vec<Vec<usize>> = file.arrays.iter().map(|a| matches(&a.name, &names)).collect();
    if found.iter().all(Vec::is_empty) {
        if file.arrays.len() == activations.len() {
            return Ok(activations);
        }
        let (have, need) = (file.arrays.len(), activations.len());
        let what = format!(
            "{}: its {have} arrays are not named after the model's {need} activations, and are \
             not as many",
            file.source
        );
        return Err(unknown(network, &what));
    }
    let mut places = Vec::new();
    for (array, found) in file.arrays.iter().zip(found) {
        let [at] = found.as_slice() else {
            let why = if found.is_empty() { "no activation" } else { "more than one activation" };
            let what = format!("{}: {why} is called `{}`", file.source, array.name);
            return Err(unknown(network, &what));
        };
        let at = activations.get(*at).copied().unwrap_or_default();
        if places.contains(&at) {
            let (name, own) = (name_at(network, at), &array.name);
            return Err(Error::input(format!(
                "{}: `{own}` is the second array for the layer `{name}`",
                file.source
            )));
        }
        places.push(at);
    }
    Ok(places)
}

/// The array as a mask of the layer's shape.
fn fitted(array: &MaskArray, layer: &Layer) -> Result<Mask> {
    let Shape { channels: c, height: h, width: w } = layer.shape;
    let each = [vec![1, c, h, w], vec![c, h, w], vec![c * h * w], vec![1, c * h * w]];
    let channel = [vec![1, c, 1, 1], vec![c, 1, 1], vec![c], vec![1, c]];
    if each.contains(&array.dims) {
        return Ok(Mask::from_bits(array.relus.iter().copied()));
    }
    if channel.contains(&array.dims) {
        let planes = array.relus.iter().flat_map(|relu| (0..h * w).map(move |_| *relu));
        return Ok(Mask::from_bits(planes));
    }
    Err(Error::input(format!(
        "layer `{}`: the mask `{}` is a {:?}; it must be [1, {c}, {h}, {w}], [{c}, {h}, {w}], \
         [{c}, 1, 1], [{c}] or [{}]",
        layer.name,
        array.name,
        array.dims,
        c * h * w
    )))
}
