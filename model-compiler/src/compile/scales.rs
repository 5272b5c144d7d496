//! The fractional bits of one compilation.
//!
//! **Activations** have `frac[j]` fractional bits, weights `weight_frac[j]`; the terms of a sum meet
//! at the finest scale that any of them needs, and truncation takes off what is above `frac[j]`.
//! The search ([`super::search`]) gives all activations the same bits: traffic depends on
//! the bits compared, and dropping low bits of one comparison saves as much as a coarser tensor
//! would, yet rounds nothing but its signs.
//!
//! **Weights** have one scale a layer, not one a channel. A scale a channel would let channels of
//! small weights keep more bits, but bits of weights cost no traffic, so there is nothing to
//! save: a layer takes as many as all its channels need. What bounds them is the flooding
//! noise, which is checked on all of a layer's weights together and which the largest channels use
//! up alone; and a shortcut of the same sum would need a shift for each channel. Measured on
//! `models/cifar10-thin.onnx` (4,000 CIFAR-10 test images, shares' rounding, 10 bits of
//! activations; `build --frac 10 --weight-frac N`, then `simulate --model`):
//!
//! | bits of weights | agrees with float | flooding |
//! |---|---|---|
//! | 6 | 84.42 % | 49 bits |
//! | 8 | 97.55 % | 47 bits |
//! | 10 | 99.17 % | 45 bits |
//! | 12 | 99.88 % | 43 bits |
//! | 14 | 99.92 % | 41 bits |
//!
//! 12 bits, the default, lose next to nothing, 3 bits before the flooding would refuse a layer; finer
//! weights would only narrow its margin.
//!
//! That holds for weights of a usual size. Where even the largest of a convolution is a small
//! fraction (it divides pixels by 255, say), so many bits would leave it a handful: such layers take
//! more, until that one weight has [`LARGEST_BITS`].

use crate::network::{FloatOp, FloatTerm, Network};

/// Bits that the largest weight of a convolution should have: it is then off by 2^-9 of itself at
/// most.
const LARGEST_BITS: i32 = 9;
/// Bits that a layer of small weights takes more at most: truncation fails twice as often with each.
const MOST_MORE: u32 = 8;

/// Fractional bits and dropped bits, one entry a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scales {
    /// Of each activation tensor.
    pub frac: Vec<u32>,
    /// Of each layer's weights, at least.
    pub weight_frac: Vec<u32>,
}

impl Scales {
    /// The same for all activations; for weights `weight_frac`, and more where they are small.
    pub(super) fn usual(network: &Network, frac: u32, weight_frac: u32) -> Self {
        let mut scales = Self::uniform(network, frac, weight_frac);
        for (bits, layer) in scales.weight_frac.iter_mut().zip(&network.layers) {
            *bits += layer.terms.iter().map(|term| more(term, *bits)).max().unwrap_or(0);
        }
        scales
    }

    /// The same everywhere.
    pub(super) fn uniform(network: &Network, frac: u32, weight_frac: u32) -> Self {
        let n = network.layers.len();
        Self { frac: vec![frac; n], weight_frac: vec![weight_frac; n] }
    }
}

/// Bits that a term's weights need beyond `weight_frac`.
fn more(term: &FloatTerm, weight_frac: u32) -> u32 {
    let FloatOp::Conv { weights, .. } = &term.op else { return 0 };
    let largest = largest(weights);
    if largest == 0.0 {
        return 0;
    }
    // 2^whole <= largest
    let whole = largest.log2().floor() as i32;
    let has = whole.saturating_add(1).saturating_add_unsigned(weight_frac);
    u32::try_from(LARGEST_BITS - has).unwrap_or(0).min(MOST_MORE)
}

/// The largest magnitude.
fn largest(weights: &[f32]) -> f32 {
    weights.iter().fold(0.0, |most, w| most.max(w.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::RandomNetwork;

    /// Bits of a network's layers whose weights are multiplied by `factor`.
    fn bits(factor: f32) -> Vec<u32> {
        let mut network = RandomNetwork::draw(3);
        for term in network.layers.iter_mut().flat_map(|l| &mut l.terms) {
            if let FloatOp::Conv { weights, .. } = &mut term.op {
                let largest = largest(weights);
                weights.iter_mut().for_each(|w| *w *= factor / largest);
            }
        }
        let convolves = |l: &crate::network::Layer| {
            l.terms.iter().any(|t| matches!(t.op, FloatOp::Conv { .. }))
        };
        let scales = Scales::usual(&network, 10, 12);
        let layers = network.layers.iter().zip(scales.weight_frac);
        layers.filter(|(l, _)| convolves(l)).map(|(_, bits)| bits).collect()
    }

    #[test]
    fn small_weights_take_more_bits() {
        let all = |factor: f32, expected: u32| {
            let bits = bits(factor);
            assert!(!bits.is_empty() && bits.iter().all(|b| *b == expected), "{factor}: {bits:?}");
        };
        all(1.0, 12);
        all(0.07, 12);
        all(1.0 / 17.0, 13);
        all(1.0 / 255.0, 16);
        all(1e-6, 20);
    }
}
