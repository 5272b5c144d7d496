//! Writes an imported network in what a plan knows: sums of linear operators, and masked ReLUs.
//!
//! A list of small passes in a fixed order. Each keeps the network's function, keeps the layers in
//! topological order, and can be looked at on its own (`tacet-compile explain`).

use crate::error::Result;
use crate::network::Network;

/// One step.
pub struct Pass {
    /// Short name.
    pub name: &'static str,
    /// What it does, for people.
    pub about: &'static str,
    /// The step itself.
    pub run: fn(&mut Network) -> Result<()>,
}

/// All steps in order.
pub const PASSES: &[Pass] = &[];

/// Runs all steps.
///
/// # Errors
/// [`crate::Error::Input`] naming the layer that cannot be written as a plan.
pub fn lower(network: &mut Network) -> Result<()> {
    PASSES.iter().try_for_each(|pass| (pass.run)(network))
}
