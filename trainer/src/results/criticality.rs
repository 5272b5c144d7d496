//! Which stage's ReLUs matter most (DeepReDuce, Jha et al., ICML 2021).

use super::{EpochRow, Head, Spread, accuracies};
use serde::{Deserialize, Serialize};

/// Exponent of the ReLU count in the criticality.
const WEIGHT: f64 = 0.07;

/// Networks that keep the ReLUs of one stage alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Criticality {
    /// Conditions.
    pub head: Head,
    /// The runs.
    pub runs: Vec<StageRun>,
}

/// One network with the ReLUs of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageRun {
    /// The stage: `none`, `conv1`, `s1`, `s2`, ...
    pub stage: String,
    /// ReLUs kept.
    pub relus: usize,
    /// Seed.
    pub seed: u64,
    /// Accuracy on the held-out images.
    pub validation: f64,
    /// Accuracy on the test images.
    pub test: f64,
    /// Training, epoch by epoch.
    pub history: Vec<EpochRow>,
}

/// All runs of one stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageCell {
    /// The stage.
    pub stage: String,
    /// ReLUs kept.
    pub relus: usize,
    /// Test accuracy.
    pub test: Spread,
    /// Criticality `C_k`; none for `none` and `conv1`, which are not ranked.
    pub criticality: Option<f64>,
}

impl Criticality {
    /// One cell for each stage: `none`, `conv1`, then the others by name.
    pub fn summary(&self) -> Vec<StageCell> {
        let mut stages: Vec<&str> = self.runs.iter().map(|r| r.stage.as_str()).collect();
        stages.sort_by_key(|&s| (is_ranked(s), s != "none", s.len(), s));
        stages.dedup();
        let mut cells: Vec<StageCell> = stages.into_iter().filter_map(|s| self.cell(s)).collect();
        let of = |c: &StageCell| (c.test.mean, c.relus);
        let ranked: Vec<_> = cells.iter().filter(|c| is_ranked(&c.stage)).map(of).collect();
        let ranked = criticality(&ranked);
        for (cell, c) in cells.iter_mut().filter(|c| is_ranked(&c.stage)).zip(ranked) {
            cell.criticality = Some(c);
        }
        cells
    }

    fn cell(&self, stage: &str) -> Option<StageCell> {
        let runs = || self.runs.iter().filter(|r| r.stage == stage);
        let test = Spread::of(&runs().map(|r| r.test).collect::<Vec<_>>())?;
        let relus = runs().map(|r| r.relus).max()?;
        Some(StageCell { stage: stage.to_owned(), relus, test, criticality: None })
    }

    pub(super) fn problem(&self) -> Option<String> {
        self.runs.iter().enumerate().find_map(|(i, run)| {
            let bad = !accuracies(&[run.validation, run.test]);
            bad.then(|| format!("run {} ({}): an accuracy is not in [0, 1]", i + 1, run.stage))
        })
    }
}

/// Whether a stage is a residual stage (`s1`, `s2`, ...), which the criticality compares.
pub fn is_ranked(stage: &str) -> bool {
    let digits = stage.strip_prefix('s').unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// `C_k = (Acc_k - min_j Acc_j) / N_k^0.07` of stages given as (accuracy in [0, 1], ReLUs),
/// with the accuracy in per cent and `N_k` in thousands of ReLUs.
pub fn criticality(stages: &[(f64, usize)]) -> Vec<f64> {
    let least = stages.iter().map(|s| s.0).fold(f64::INFINITY, f64::min);
    let one = |&(accuracy, relus): &(f64, usize)| {
        // A stage without ReLUs has nothing to lose; counting one keeps the power finite.
        100.0 * (accuracy - least) / (relus.max(1) as f64 / 1000.0).powf(WEIGHT)
    };
    stages.iter().map(one).collect()
}

/// Names of the ranked stages, most critical first.
pub fn order(cells: &[StageCell]) -> Vec<&str> {
    let ranked = cells.iter().filter_map(|c| Some((c.stage.as_str(), c.criticality?)));
    let mut ranked: Vec<(&str, f64)> = ranked.collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.into_iter().map(|(stage, _)| stage).collect()
}
