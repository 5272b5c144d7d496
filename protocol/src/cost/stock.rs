//! Refills of silent OT: which a run sends, by the same ledger as the parties keep.

use super::CostModel;
use crate::error::Result;
use crate::ot::{Block, OtExtension, SilentSet};
use crate::wire::Traffic;

/// The refills of a run, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refills {
    /// Server to client.
    pub(super) labels: Vec<SilentSet>,
    /// Client to server.
    pub(super) selection: Vec<SilentSet>,
}

impl CostModel<'_> {
    /// Correlated OTs of a run: labels, selections.
    pub(super) fn demand(&self) -> [usize; 2] {
        self.schedule.ots(self.batch, &self.relus)
    }

    /// What the run sends.
    pub(super) fn refills(&self) -> Refills {
        let [labels, selections] = self.demand();
        let of = |extension, n| refills(extension, self.runs_before, n);
        Refills {
            labels: of(self.ots.labels, labels),
            selection: of(self.ots.selection, selections),
        }
    }

    /// Bytes of stock that a party holds after the run, and the most that it holds meanwhile.
    pub(super) fn stock(&self) -> (u64, u64) {
        let [labels, selections] = self.demand();
        let all = [(self.ots.labels, labels), (self.ots.selection, selections)];
        let all = all.map(|(extension, n)| stock(extension, self.runs_before, n));
        all.iter().fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1))
    }

    /// Bytes and rounds of `runs` offline runs of a session, from the first on, together.
    ///
    /// # Errors
    /// As [`Self::traffic`].
    pub fn offline_of_runs(&self, runs: usize) -> Result<Traffic> {
        let mut sum = Traffic::default();
        for run in 0..runs {
            let run = self.clone().in_run(run).traffic()?.offline;
            sum = Traffic {
                up: sum.up + run.up,
                down: sum.down + run.down,
                rounds: sum.rounds + run.rounds,
            };
        }
        Ok(sum)
    }
}

/// The refills of a run that takes `n`, after others like it.
fn refills(extension: OtExtension, before: usize, n: usize) -> Vec<SilentSet> {
    let Some(mut ledger) = extension.ledger() else { return Vec::new() };
    let mut sets = Vec::new();
    for _ in 0..=before {
        sets = ledger.cover(n);
        // Covered: there is enough to take.
        let _ = ledger.take(n);
    }
    sets
}

/// A direction's stock in bytes: after such a run, and the most during it.
fn stock(extension: OtExtension, before: usize, n: usize) -> (u64, u64) {
    let Some(mut ledger) = extension.ledger() else { return (0, 0) };
    let mut held = (0, 0);
    for _ in 0..=before {
        let left = ledger.available();
        let sets = ledger.cover(n);
        let _ = ledger.take(n);
        let batch = sets.iter().map(|set| set.outputs()).max().unwrap_or_default();
        // An old batch gives its place to the new one unless much is left in it.
        let older = if left > batch / 4 { held.0 } else { left * Block::BYTES };
        // Those that are not expanded yet: secrets and roots, or messages.
        let ordered = sets.iter().map(|s| (s.secret() + s.trees() * s.depth()) * Block::BYTES);
        let reserve = ledger.next().cost() * Block::BYTES;
        let after = if sets.is_empty() { held.0 } else { batch * Block::BYTES + reserve };
        held = (after, after.max(batch * Block::BYTES + older + reserve) + ordered.sum::<usize>());
    }
    (held.0 as u64, held.1 as u64)
}
