//! Accuracy against ReLU budget.

use super::{EpochRow, Head, NetworkNote, Spread, accuracies};
use crate::checkpoint::Reached;
use serde::{Deserialize, Serialize};

/// Runs over several budgets, several ways ("arms") of choosing the ReLUs, several seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budgets {
    /// Conditions.
    pub head: Head,
    /// The network, without masks.
    pub network: NetworkNote,
    /// The all-ReLU network of the same shape.
    pub teacher: Reached,
    /// The runs.
    pub runs: Vec<BudgetRun>,
}

/// One network trained under one budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetRun {
    /// How the ReLUs were chosen: `senet`, `uniform`, `random`, ...
    pub arm: String,
    /// Budget as a share of the network's ReLUs.
    pub share: f64,
    /// ReLUs kept.
    pub relus: usize,
    /// Seed.
    pub seed: u64,
    /// Accuracy on the held-out images.
    pub validation: f64,
    /// Accuracy on the test images.
    pub test: f64,
    /// ReLUs kept in each layer, in the order of the network's layers.
    pub layers: Vec<usize>,
    /// Wall-clock time.
    pub seconds: f64,
    /// Training, epoch by epoch.
    pub history: Vec<EpochRow>,
}

/// All runs of one arm at one budget.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetCell {
    /// The arm.
    pub arm: String,
    /// Budget as a share of the network's ReLUs.
    pub share: f64,
    /// ReLUs kept, averaged over the runs.
    pub relus: f64,
    /// Test accuracy.
    pub test: Spread,
    /// Mean test accuracy less that of the best other arm at the same share; none if there
    /// is no other.
    pub lead: Option<f64>,
}

impl Budgets {
    /// Names of the arms, in the order in which the file has them.
    pub fn arms(&self) -> Vec<&str> {
        let mut arms = Vec::new();
        for run in &self.runs {
            if !arms.contains(&run.arm.as_str()) {
                arms.push(run.arm.as_str());
            }
        }
        arms
    }

    /// The shares, largest first.
    pub fn shares(&self) -> Vec<f64> {
        let mut shares: Vec<f64> = self.runs.iter().map(|r| r.share).collect();
        shares.sort_by(|a, b| b.total_cmp(a));
        shares.dedup();
        shares
    }

    /// The runs of an arm at a share.
    pub fn of<'a>(&'a self, arm: &'a str, share: f64) -> impl Iterator<Item = &'a BudgetRun> {
        self.runs.iter().filter(move |r| r.arm == arm && r.share == share)
    }

    /// One cell for each share (largest first) and arm (in the order of the file).
    pub fn summary(&self) -> Vec<BudgetCell> {
        let mut cells = Vec::new();
        for share in self.shares() {
            let start = cells.len();
            cells.extend(self.arms().into_iter().filter_map(|arm| self.cell(arm, share)));
            let means: Vec<f64> = cells[start..].iter().map(|c: &BudgetCell| c.test.mean).collect();
            for (i, cell) in cells[start..].iter_mut().enumerate() {
                let others = means.iter().enumerate().filter(|&(j, _)| j != i);
                let best = others.map(|(_, &mean)| mean).reduce(f64::max);
                cell.lead = best.map(|best| cell.test.mean - best);
            }
        }
        cells
    }

    fn cell(&self, arm: &str, share: f64) -> Option<BudgetCell> {
        let tests: Vec<f64> = self.of(arm, share).map(|r| r.test).collect();
        let relus: Vec<f64> = self.of(arm, share).map(|r| r.relus as f64).collect();
        let (test, relus) = (Spread::of(&tests)?, Spread::of(&relus)?.mean);
        Some(BudgetCell { arm: arm.to_owned(), share, relus, test, lead: None })
    }

    pub(super) fn problem(&self) -> Option<String> {
        if !accuracies(&[self.teacher.validation, self.teacher.test]) {
            return Some("the teacher's accuracy is not in [0, 1]".to_owned());
        }
        self.runs.iter().enumerate().find_map(|(i, run)| {
            let problem = self.run_problem(run)?;
            Some(format!("run {} ({}, seed {}): {problem}", i + 1, run.arm, run.seed))
        })
    }

    fn run_problem(&self, run: &BudgetRun) -> Option<&'static str> {
        let layers = &self.network.layers;
        if !accuracies(&[run.validation, run.test]) {
            Some("an accuracy is not in [0, 1]")
        } else if !(0.0..=1.0).contains(&run.share) {
            Some("the share is not in [0, 1]")
        } else if run.layers.len() != layers.len() {
            Some("its layers are not those of the network")
        } else if run.layers.iter().zip(layers).any(|(&kept, layer)| kept > layer.units) {
            Some("a layer keeps more ReLUs than it has units")
        } else {
            None
        }
    }
}
