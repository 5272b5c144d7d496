//! Sums with more terms than a plan allows.

use tacita_protocol::plan::MAX_TERMS;

use super::Pass;
use super::rewrite::{derived, push, rewrite, whole};
use crate::error::Result;
use crate::network::{Layer, Network};

pub(super) const PASS: Pass =
    Pass { name: "split_sums", about: "cuts sums of more than 16 terms into sums of sums", run };

/// Partial sums are read by no convolution, and so cost nothing on the wire.
fn run(network: &mut Network) -> Result<()> {
    rewrite(network, |layers, mut layer| {
        while layer.terms.len() > MAX_TERMS {
            let rest = layer.terms.split_off(MAX_TERMS);
            let part = std::mem::replace(&mut layer.terms, rest);
            let name = derived(&layer.name, "partial sum");
            let part = push(layers, Layer::linear(name, layer.shape, part));
            layer.terms.push(whole(part, layer.shape.channels));
        }
        layers.push(layer);
        Ok(())
    })
}
