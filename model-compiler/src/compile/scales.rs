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

use crate::network::Network;

/// Fractional bits and dropped bits, one entry a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scales {
    /// Of each activation tensor.
    pub frac: Vec<u32>,
    /// Of each layer's weights, at least.
    pub weight_frac: Vec<u32>,
}

impl Scales {
    /// The same everywhere.
    pub(super) fn uniform(network: &Network, frac: u32, weight_frac: u32) -> Self {
        let n = network.layers.len();
        Self { frac: vec![frac; n], weight_frac: vec![weight_frac; n] }
    }
}
