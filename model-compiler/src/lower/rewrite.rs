//! What the passes share: rebuilding the list of layers, and building new ones.

use tacita_protocol::plan::{Mask, Shape};

use crate::error::Result;
use crate::network::{FloatOp, FloatTerm, Layer, Network};

/// Longest layer name, in bytes; a plan's limit is 256.
const MAX_NAME: usize = 240;

/// Rebuilds the layers in order.
///
/// `step` gets the new layers so far and the next old one, whose terms already read the new ones.
/// It appends what takes that layer's place, and at least one layer: the readers of the old layer
/// read the last.
pub(super) fn rewrite(
    network: &mut Network,
    mut step: impl FnMut(&mut Vec<Layer>, Layer) -> Result<()>,
) -> Result<()> {
    let mut layers = Vec::new();
    let mut home = Vec::new();
    for mut layer in std::mem::take(&mut network.layers) {
        remap(&mut layer, &home);
        step(&mut layers, layer)?;
        home.push(layers.len().saturating_sub(1));
    }
    network.layers = layers;
    Ok(())
}

/// Makes a layer's terms read the new places of what they read.
pub(super) fn remap(layer: &mut Layer, home: &[usize]) {
    for term in &mut layer.terms {
        term.input = home.get(term.input).copied().unwrap_or(term.input);
    }
}

/// Appends a layer and says where it is.
pub(super) fn push(layers: &mut Vec<Layer>, layer: Layer) -> usize {
    layers.push(layer);
    layers.len() - 1
}

/// The name of a layer made from another, `what` in parentheses.
pub(super) fn derived(name: &str, what: &str) -> String {
    let mut end = name.len().min(MAX_NAME.saturating_sub(what.len() + 3));
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{} ({what})", name.get(..end).unwrap_or_default())
}

/// A copied tensor.
pub(super) fn whole(input: usize, channels: usize) -> FloatTerm {
    FloatTerm { input, op: FloatOp::identity(channels) }
}

/// How many terms read each layer; the last is read once more, as the logits.
pub(super) fn readers(layers: &[Layer]) -> Vec<usize> {
    let mut count = vec![0; layers.len()];
    for term in layers.iter().flat_map(|l| &l.terms) {
        if let Some(n) = count.get_mut(term.input) {
            *n += 1;
        }
    }
    if let Some(logits) = count.last_mut() {
        *logits += 1;
    }
    count
}

impl Layer {
    /// With a ReLU everywhere, which the unmasked network evaluates too.
    pub(super) fn with_relus(self) -> Self {
        let len = self.shape.len();
        Self { mask: Mask::uniform(len, true), unmasked_relus: len, ..self }
    }

    /// True if every position has a ReLU.
    pub(super) fn is_rectified(&self) -> bool {
        self.mask.ones() == self.shape.len()
    }

    /// True if no position has a ReLU.
    pub(super) fn is_linear(&self) -> bool {
        self.mask.ones() == 0
    }

    /// True if it adds no constant.
    pub(super) fn is_unbiased(&self) -> bool {
        self.bias.iter().all(|b| *b == 0.0)
    }
}

/// Elements of one channel.
pub(super) const fn plane(shape: Shape) -> usize {
    shape.height * shape.width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_between_characters() {
        let name = derived(&"\u{e9}".repeat(150), "rows");
        assert!(name.len() <= MAX_NAME && name.ends_with("\u{e9} (rows)"), "{name}");
    }

    #[test]
    fn readers_follow_a_layer_that_became_two() {
        let shape = Shape::new(1, 1, 1);
        let read = |i| Layer::linear(format!("reads {i}"), shape, vec![whole(i, 1)]);
        let input = Layer::linear("image", shape, vec![]);
        let mut network = Network::new(shape, vec![input, read(0), read(1), read(1)]);
        rewrite(&mut network, |layers, layer| {
            let again = push(layers, layer);
            if again == 1 {
                push(layers, read(1));
            }
            Ok(())
        })
        .unwrap();
        let inputs: Vec<_> = network.layers.iter().skip(1).map(|l| l.terms[0].input).collect();
        assert_eq!(inputs, [0, 1, 2, 2]);
        assert_eq!(readers(&network.layers), [1, 1, 2, 0, 1]);
    }
}
