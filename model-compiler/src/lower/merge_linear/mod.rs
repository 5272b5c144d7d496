//! Layers without ReLUs written into their readers.
//!
//! A layer between two ReLUs that is itself without one costs an upload and a response of its own
//! if a convolution reads it. Where the sum that it holds can be written into its reader exactly,
//! and without more multiplications, nothing is left of it.

mod copies;
mod pointwise;
mod pooling;

use tacita_protocol::plan::{CopyShape, MAX_TERMS, Shape};

use super::Pass;
use super::drop_unread::drop_unread;
use super::rewrite::readers;
use crate::error::Result;
use crate::network::{FloatOp, FloatTerm, Layer, Network};

pub(super) const PASS: Pass = Pass {
    name: "merge_linear",
    about: "merges layers without ReLUs into their readers, where that is exact and no dearer",
    run,
};

/// What takes a term's place: other terms, and a constant for each output channel.
struct Merged {
    terms: Vec<FloatTerm>,
    bias: Vec<f32>,
}

fn run(network: &mut Network) -> Result<()> {
    // What is gone leaves others with a single reader.
    loop {
        drop_unread(network);
        let mut changed = false;
        for reader in 1..network.layers.len() {
            while pooling::pool_first(network, reader) || merge_one(network, reader) {
                changed = true;
            }
            changed |= drop_zeros(&mut network.layers, reader);
        }
        if !changed {
            return Ok(());
        }
    }
}

/// Rewrites the first term of a layer that can be merged; false if there is none.
fn merge_one(network: &mut Network, reader: usize) -> bool {
    let counts = readers(&network.layers);
    let Some(layer) = network.layers.get(reader) else { return false };
    let room = (MAX_TERMS + 1).saturating_sub(layer.terms.len());
    let found = layer.terms.iter().enumerate().find_map(|(t, term)| {
        let alone = counts.get(term.input) == Some(&1);
        let merged = merged(&network.layers, term, layer.shape, alone)?;
        (merged.terms.len() <= room.max(1)).then_some((t, term.input, merged))
    });
    let Some((t, input, merged)) = found else { return false };
    if let Some(layer) = network.layers.get_mut(reader) {
        layer.terms.splice(t..=t, merged.terms);
        layer.bias.iter_mut().zip(merged.bias).for_each(|(b, m)| *b += m);
    }
    if counts.get(input) == Some(&1) {
        leave(network, input);
    }
    true
}

/// Empties a layer that nothing reads any more.
fn leave(network: &mut Network, input: usize) {
    let Some(layer) = network.layers.get_mut(input) else { return };
    layer.terms.clear();
    warn_of_uncounted(network, input);
}

/// A plan counts ReLUs by tensor: with the tensor, its culled ReLUs leave the count.
fn warn_of_uncounted(network: &mut Network, input: usize) {
    let Some(layer) = network.layers.get_mut(input) else { return };
    let culled = std::mem::take(&mut layer.unmasked_relus);
    if culled > 0 {
        network.warnings.push(format!(
            "layer `{}`: without ReLUs it is merged into the next one; the {culled} ReLUs that it \
             once had are not counted",
            layer.name
        ));
    }
}

/// What a term on a layer without ReLUs can be replaced by.
fn merged(layers: &[Layer], term: &FloatTerm, out: Shape, alone: bool) -> Option<Merged> {
    let from = layers.get(term.input).filter(|l| l.is_linear() && !l.terms.is_empty())?;
    match &term.op {
        FloatOp::Copy(c) if alone && is_plain(c, from.shape, out) => copies::moved(c, from),
        FloatOp::Copy(c) => copies::composed(layers, c, from, out, alone),
        FloatOp::Conv { .. } | FloatOp::AvgPool(_) => {
            copies::read_through(layers, &term.op, from, out).or_else(|| {
                let composed = match &term.op {
                    FloatOp::Conv { shape, weights } => pointwise::composed(shape, weights, from),
                    FloatOp::AvgPool(window) => pooling::composed(window, from, out),
                    _ => None,
                };
                composed.filter(|_| alone)
            })
        }
        FloatOp::MaxPool(_) => None,
    }
}

/// True if it reads all of `from` and puts it at the same place of a tensor of the same shape.
fn is_plain(c: &CopyShape, from: Shape, out: Shape) -> bool {
    let whole = CopyShape { negative: c.negative, ..CopyShape::whole(out.channels, c.shift) };
    from == out && *c == whole
}

/// Drops terms that add nothing; one term is always left. True if there were any.
fn drop_zeros(layers: &mut [Layer], reader: usize) -> bool {
    let (earlier, rest) = layers.split_at_mut(reader);
    let Some(layer) = rest.first_mut() else { return false };
    let out = layer.shape;
    let adds = |term: &FloatTerm| match &term.op {
        FloatOp::Conv { weights, .. } => weights.iter().any(|w| *w != 0.0),
        FloatOp::Copy(c) => {
            let mut any = false;
            if let Some(from) = earlier.get(term.input) {
                c.for_each_run(from.shape, out, |_, _, _| any = true);
            }
            any
        }
        FloatOp::AvgPool(_) | FloatOp::MaxPool(_) => true,
    };
    let before = layer.terms.len();
    let kept: Vec<bool> = layer.terms.iter().map(adds).collect();
    if kept.contains(&true) {
        let mut kept = kept.into_iter();
        layer.terms.retain(|_| kept.next().unwrap_or(true));
    } else {
        layer.terms.truncate(1);
    }
    layer.terms.len() < before
}
