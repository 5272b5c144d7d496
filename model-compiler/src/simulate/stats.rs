//! What a simulation sees in each layer.

use serde::Serialize;
use tacita_protocol::plan::TensorSpec;

/// One layer's values before its ReLU, over one or many images.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LayerStats {
    /// Largest `|x|` over all positions.
    pub peak: u64,
    /// Comparisons of a value outside of the plan's range: the protocol may get any of them wrong.
    pub overflows: u64,
    /// Signs of values other than 0 that the comparison got wrong.
    pub sign_mistakes: u64,
    /// ReLUs evaluated.
    pub relus: u64,
    /// Sum of `x^2` over them.
    pub squares: f64,
}

impl LayerStats {
    pub(super) fn see(&mut self, spec: &TensorSpec, x: i64, relu: bool) {
        let size = x.unsigned_abs();
        self.peak = self.peak.max(size);
        if relu {
            self.relus += 1;
            self.squares += (size as f64).powi(2);
            self.overflows += u64::from(size >> spec.magnitude > 0);
        }
    }

    /// Adds what another image showed.
    pub fn add(&mut self, other: &Self) {
        self.peak = self.peak.max(other.peak);
        self.overflows += other.overflows;
        self.sign_mistakes += other.sign_mistakes;
        self.relus += other.relus;
        self.squares += other.squares;
    }

    /// Root mean square of the values compared.
    pub fn spread(&self) -> f64 {
        (self.squares / self.relus.max(1) as f64).sqrt()
    }
}

/// What one image comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What is revealed: the logits, at the output's fractional bits, or the value that names the
    /// largest ([`tacita_protocol::plan::PublicPlan::winner`] reads both).
    pub logits: Vec<i64>,
    /// One entry a tensor.
    pub layers: Vec<LayerStats>,
}

impl Outcome {
    /// Whether every value compared stayed within the plan's ranges.
    pub fn in_range(&self) -> bool {
        self.layers.iter().all(|l| l.overflows == 0)
    }
}
