//! What a search for scales is given, tries and finds.

use serde::Serialize;

use super::judge::Loss;

/// What a search may cost.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Largest loss in percentage points.
    pub max_loss: f64,
    /// Fractional bits of the activations; searched for if `None`.
    pub frac: Option<u32>,
    /// Seed of the simulated shares.
    pub seed: u64,
}

/// One simulation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// Fractional bits of the activations.
    pub frac: u32,
    /// Dropped bits of each tensor.
    pub dropped: Vec<u32>,
    /// Bytes of all comparisons, offline and online, roughly.
    pub relu_bytes: u64,
    /// What it cost.
    pub loss: Loss,
    /// Within the target.
    pub within: bool,
}

/// How the scales were found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SearchReport {
    /// Images that the loss was measured on.
    pub images: usize,
    /// Their labels are known; the loss is one of accuracy.
    pub labelled: bool,
    /// Largest loss allowed, in percentage points.
    pub target: f64,
    /// The choice. Its loss may be over the target if nothing was within.
    pub chosen: Trial,
    /// Everything tried.
    pub trials: Vec<Trial>,
}
