//! Clipped ReLUs (ReLU6 and its like) as two ReLUs.

use tacita_protocol::plan::{Mask, Shape};

use super::Pass;
use super::rewrite::{derived, push, rewrite};
use super::tournament::Tap;
use crate::error::{Error, Result};
use crate::network::{Layer, Network};

pub(super) const PASS: Pass = Pass {
    name: "clip",
    about: "writes a clipped ReLU as relu(z) - relu(z - cap), or with a mask as two masked ReLUs",
    run,
};

fn run(network: &mut Network) -> Result<()> {
    rewrite(network, |layers, mut layer| {
        match layer.cap.take() {
            Some(cap) if !layer.is_linear() => clip(layers, layer, cap)?,
            _ => layers.push(layer),
        }
        Ok(())
    })
}

fn clip(layers: &mut Vec<Layer>, layer: Layer, cap: f32) -> Result<()> {
    if !(cap.is_finite() && cap > 0.0) {
        return Err(Error::input(format!(
            "layer `{}`: its ReLU is cut off at {cap}: the upper end must be a positive number",
            layer.name
        )));
    }
    if layer.is_rectified() {
        at_once(layers, layer, cap)
    } else {
        masked(layers, layer, cap)
    }
    Ok(())
}

/// Both comparisons of every value in one tensor, and so in one round trip.
fn at_once(layers: &mut Vec<Layer>, layer: Layer, cap: f32) {
    let (name, shape) = (layer.name.clone(), layer.shape);
    let n = shape.channels;
    let linear = Layer {
        name: derived(&name, "before the ReLU"),
        mask: Mask::uniform(shape.len(), false),
        unmasked_relus: 0,
        ..layer
    };
    let z = Tap::whole(push(layers, linear));
    let terms = vec![z.term(false, 0, n), z.term(false, n, n)];
    let both = Shape { channels: 2 * n, ..shape };
    let mut ends = Layer::linear(derived(&name, "both ends"), both, terms).with_relus();
    ends.bias.iter_mut().skip(n).for_each(|b| *b = -cap);
    let low = Tap::whole(push(layers, ends));
    let high = Tap { from: n, ..low };
    let terms = vec![low.term(false, 0, n), high.term(true, 0, n)];
    layers.push(Layer::linear(name, shape, terms));
}

/// `cap - r(cap - r(z))` with the masked ReLU `r`: where the mask is 0, `cap - (cap - z)` is `z`.
fn masked(layers: &mut Vec<Layer>, layer: Layer, cap: f32) {
    let (name, shape) = (layer.name.clone(), layer.shape);
    let (mask, unmasked_relus) = (layer.mask.clone(), layer.unmasked_relus);
    let from_cap = |input: usize, name: String| {
        let terms = vec![Tap::whole(input).term(true, 0, shape.channels)];
        Layer { bias: vec![cap; shape.channels], ..Layer::linear(name, shape, terms) }
    };
    let rectified = push(layers, Layer { name: derived(&name, "ReLU"), ..layer });
    let upper = from_cap(rectified, derived(&name, "below the cap"));
    let upper = push(layers, Layer { mask, unmasked_relus, ..upper });
    layers.push(from_cap(upper, name));
}
