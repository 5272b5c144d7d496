//! What a search for scales is given, tries and finds.

use serde::Serialize;

/// What a search may cost.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Largest share of labels that may change, in percent: the upper 95 % bound is held below it.
    pub max_loss: f64,
    /// The same for the images of any one class.
    pub max_class_loss: f64,
    /// Seed of the simulated shares.
    pub seed: u64,
}

/// One simulation on the half of the images that chooses.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// Fractional bits of the activations.
    pub frac: u32,
    /// Dropped bits of each tensor.
    pub dropped: Vec<u32>,
    /// Bytes of all comparisons, offline and online, roughly.
    pub relu_bytes: u64,
    /// Images simulated; fewer than there are if it was clear before the end.
    pub images: usize,
    /// Labels that changed.
    pub changed: usize,
    /// Few enough of them, and no label of a picture of two flat colours was swallowed.
    pub within: bool,
    /// Few enough of them, but such a picture lost too much of its lead.
    pub swallowed: bool,
}

/// How the scales were found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SearchReport {
    /// Images that chose; others judged.
    pub images: usize,
    /// Largest share of changed labels asked for, in percent.
    pub max_loss: f64,
    /// The same for any one class.
    pub max_class_loss: f64,
    /// The bounds hold on the images that judged.
    pub held: bool,
    /// The choice of the search. The plan has it if the bounds hold.
    pub chosen: Trial,
    /// Everything tried.
    pub trials: Vec<Trial>,
}
