//! Writes an imported network in what a plan knows: sums of linear operators, and masked ReLUs.
//!
//! A list of small passes in a fixed order. Each keeps the network's function, keeps the layers in
//! topological order, and can be looked at on its own (`tacita-compile explain`).
//!
//! What a tensor costs decides what is worth doing (docs/protocol.md, sections 3 and 6). A mask-1
//! position is a comparison: half a kilobyte or so, and one round trip a tensor. A mask-0 position
//! costs 8 bytes where a convolution reads the tensor and nothing elsewhere, so that sums between
//! the rounds of a maximum are free. Comparisons of max-pooling and of caps are ReLUs of the plan like
//! any other, and are counted as such: of the plan's ReLUs and of the unmasked network's.

mod clip;
mod drop_unread;
mod equalise;
mod guards;
mod max_pool;
mod merge_linear;
mod replicate;
mod rewrite;
mod split_sums;
mod swap_pools;
mod tournament;
mod windows;

use crate::error::Result;
use crate::network::Network;

/// One step.
pub struct Pass {
    /// Short name.
    pub name: &'static str,
    /// What it does, for people.
    pub about: &'static str,
    /// The step itself. After an error the network is no longer of use.
    pub run: fn(&mut Network) -> Result<()>,
}

/// All steps in order.
pub const PASSES: &[Pass] = &[
    guards::PASS,
    swap_pools::PASS,
    max_pool::PASS,
    clip::PASS,
    merge_linear::PASS,
    split_sums::PASS,
    drop_unread::PASS,
    equalise::PASS,
];

/// Runs all steps.
///
/// # Errors
/// [`crate::Error::Input`] naming the layer that cannot be written as a plan.
pub fn lower(network: &mut Network) -> Result<()> {
    PASSES.iter().try_for_each(|pass| (pass.run)(network))
}
