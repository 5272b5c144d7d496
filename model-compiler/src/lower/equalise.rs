//! Channels of unlike sizes made alike.
//!
//! All weights of a layer share one scale, and so do all channels of an activation: a channel a
//! thousand times larger than the next one leaves that one no bits. Folded batch normalisation,
//! above all of depthwise layers, leaves such channels. A ReLU passes positive factors on
//! (`relu(s x) = s relu(x)`), so a channel can be divided by `s` where it is made and its readers
//! multiplied by `s`; after Nagel et al. (2019), "Data-free quantization through weight equalization
//! and bias correction", section 4.1, `s = sqrt(r / q)` with `r` and `q` the largest weights that
//! make and read the channel.
//!
//! Here `s` is a power of two: floats stay what they were, bit for bit. Channels that copies and
//! pools tie together (shortcuts, concatenations, the parts of a maximum) share their factor;
//! the image, the logits and what is tied to them have none. Channels whose weights are balanced
//! within a factor of [`BALANCED`] are left alone.

use tacita_protocol::plan::CopyShape;

use super::Pass;
use crate::error::Result;
use crate::network::{FloatOp, Layer, Network};

pub(super) const PASS: Pass = Pass {
    name: "equalise",
    about: "scales channels so that the weights that make and read them are of like sizes",
    run,
};

/// log2 of the least factor that is worth it.
const BALANCED: i32 = 3;
/// log2 of the largest factor.
const MOST: f64 = 40.0;
/// Sweeps over all channels; each changes what its neighbours see.
const SWEEPS: usize = 20;

fn run(network: &mut Network) -> Result<()> {
    let ties = Ties::of(network);
    let mut scaled = vec![false; ties.parent.len()];
    for _ in 0..SWEEPS {
        let factors = factors(&network.layers, &ties);
        if factors.iter().all(|k| *k == 0) {
            break;
        }
        scaled.iter_mut().zip(&factors).for_each(|(s, k)| *s |= *k != 0);
        scale(&mut network.layers, &ties, &factors);
    }
    let channels = (0..scaled.len()).filter(|i| scaled.get(ties.root(*i)) == Some(&true)).count();
    if channels > 0 {
        network.warnings.push(format!(
            "{channels} channels of unlike sizes were scaled, exactly, to make room for the others' \
             bits"
        ));
    }
    Ok(())
}

/// Channels that share their factor: a forest over all channels of all layers.
struct Ties {
    /// First channel of each layer.
    first: Vec<usize>,
    parent: Vec<usize>,
    /// By root: no factor is allowed.
    fixed: Vec<bool>,
}

impl Ties {
    fn of(network: &Network) -> Self {
        let layers = &network.layers;
        let mut first = Vec::with_capacity(layers.len());
        let mut total = 0;
        for layer in layers {
            first.push(total);
            total += layer.shape.channels;
        }
        let mut ties = Self { first, parent: (0..total).collect(), fixed: vec![false; total] };
        for (j, layer) in layers.iter().enumerate() {
            for term in &layer.terms {
                let copy = match &term.op {
                    FloatOp::Conv { .. } => continue,
                    FloatOp::Copy(c) => *c,
                    FloatOp::AvgPool(_) | FloatOp::MaxPool(_) => {
                        CopyShape::whole(layer.shape.channels, 0)
                    }
                };
                for c in 0..copy.channels {
                    let from = ties.at(term.input, copy.from + copy.step * c);
                    ties.join(from, ties.at(j, copy.to + c));
                }
            }
        }
        for (j, layer) in layers.iter().enumerate() {
            // A cap would have to be scaled, too; once lowered there is none.
            if j == 0 || j + 1 == layers.len() || layer.cap.is_some() {
                (0..layer.shape.channels).for_each(|c| ties.fix(ties.at(j, c)));
            }
        }
        ties
    }

    fn at(&self, layer: usize, channel: usize) -> usize {
        self.first.get(layer).map_or(0, |f| f + channel)
    }

    fn root(&self, mut i: usize) -> usize {
        while let Some(p) = self.parent.get(i).filter(|p| **p != i) {
            i = *p;
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        // The lower index is the root: chains stay short, as layers are joined in order.
        if let Some(p) = self.parent.get_mut(a.max(b)) {
            *p = a.min(b);
        }
    }

    fn fix(&mut self, i: usize) {
        let root = self.root(i);
        if let Some(f) = self.fixed.get_mut(root) {
            *f = true;
        }
    }
}

/// log2 of what each root is to be divided by.
fn factors(layers: &[Layer], ties: &Ties) -> Vec<i32> {
    let n = ties.parent.len();
    let (mut made, mut read) = (vec![0.0f32; n], vec![0.0f32; n]);
    for (j, layer) in layers.iter().enumerate() {
        each_weight(layer, |input, [from, to], w| {
            for (largest, at) in [(&mut made, ties.at(j, to)), (&mut read, ties.at(input, from))] {
                if let Some(x) = largest.get_mut(ties.root(at)) {
                    *x = x.max(w.abs());
                }
            }
        });
    }
    let factor = |i: usize| {
        let (r, q) = (made.get(i)?, read.get(i)?);
        let free = ties.fixed.get(i) == Some(&false) && *r > 0.0 && *q > 0.0;
        let k = (f64::from(*r) / f64::from(*q)).log2() / 2.0;
        // Weights of nothing or too much are not made sense of here.
        free.then(|| k.round().clamp(-MOST, MOST) as i32).filter(|k| k.abs() >= BALANCED)
    };
    (0..n).map(|i| factor(i).unwrap_or(0)).collect()
}

/// Calls `f(input layer, [input channel, output channel], weight)` for every weight.
fn each_weight(layer: &Layer, mut f: impl FnMut(usize, [usize; 2], f32)) {
    for term in &layer.terms {
        let FloatOp::Conv { shape, weights } = &term.op else { continue };
        let taps = (shape.kernel_h * shape.kernel_w).max(1);
        for (i, plane) in weights.chunks(taps).enumerate() {
            let (to, own) = (i / shape.group_inputs(), i % shape.group_inputs());
            let from = to / shape.group_outputs() * shape.group_inputs() + own;
            plane.iter().for_each(|w| f(term.input, [from, to], *w));
        }
    }
}

/// Divides each channel where it is made, and multiplies what reads it.
fn scale(layers: &mut [Layer], ties: &Ties, factors: &[i32]) {
    let log2 = |layer: usize, channel: usize| {
        factors.get(ties.root(ties.at(layer, channel))).copied().unwrap_or(0)
    };
    let power = |k: i32| f64::from(k).exp2() as f32;
    for (j, layer) in layers.iter_mut().enumerate() {
        for (c, b) in layer.bias.iter_mut().enumerate() {
            *b *= power(-log2(j, c));
        }
        for term in &mut layer.terms {
            let FloatOp::Conv { shape, weights } = &mut term.op else { continue };
            let taps = (shape.kernel_h * shape.kernel_w).max(1);
            let (inputs, outputs) = (shape.group_inputs(), shape.group_outputs());
            for (i, plane) in weights.chunks_mut(taps).enumerate() {
                let (to, own) = (i / inputs, i % inputs);
                let by = power(log2(term.input, to / outputs * inputs + own) - log2(j, to));
                plane.iter_mut().for_each(|w| *w *= by);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::RandomNetwork;

    /// Scales each channel of the layers with ReLUs by a power of two, and undoes that in their
    /// readers, where all of those are convolutions.
    fn unbalance(network: &mut Network, by: impl Fn(usize) -> i32) {
        let ties = Ties::of(network);
        let mut factors: Vec<i32> = (0..ties.parent.len()).map(by).collect();
        factors.iter_mut().zip(&ties.fixed).filter(|(_, f)| **f).for_each(|(k, _)| *k = 0);
        scale(&mut network.layers, &ties, &factors);
    }

    fn spread(network: &Network) -> f32 {
        let mut weights = Vec::new();
        network.layers.iter().for_each(|l| each_weight(l, |_, _, w| weights.push(w.abs())));
        weights.iter().fold(0.0, |m: f32, w| m.max(*w))
    }

    #[test]
    fn nothing_but_scales_changes() {
        for seed in 0..40 {
            let mut network = RandomNetwork::draw(seed);
            let image: Vec<f32> = (0..network.input.len()).map(|i| (i * 37 % 101) as f32).collect();
            let expected = network.evaluate(&image);
            let before = spread(&network);
            unbalance(&mut network, |i| (i as i32 * 7) % 21 - 10);
            assert_eq!(network.evaluate(&image), expected, "seed {seed}: powers of two are exact");
            run(&mut network).unwrap();
            assert_eq!(network.evaluate(&image), expected, "seed {seed}");
            let after = spread(&network);
            assert!(after <= before * 64.0, "seed {seed}: {before} {after}");
        }
    }

    #[test]
    fn balanced_networks_are_left_alone() {
        for seed in 0..20 {
            let mut network = RandomNetwork::draw(seed);
            let weights = |n: &Network| {
                let mut all = Vec::new();
                n.layers.iter().for_each(|l| each_weight(l, |_, _, w| all.push(w)));
                all
            };
            let before = weights(&network);
            run(&mut network).unwrap();
            if network.warnings.is_empty() {
                assert_eq!(weights(&network), before);
            }
        }
    }
}
