//! How correlated OTs are best made, for a session of so many tickets.
//!
//! Silent OT costs a bootstrap and a first refill, and then next to nothing: whether it pays depends
//! on how many OTs the session will take. What counts is therefore the whole session: set-up and
//! all offline runs. With a network that is their predicted seconds, without one their bytes.

use std::collections::BTreeMap;

use super::{CostModel, KernelProfile, Link};
use crate::error::Result;
use crate::ot::{FieldBits, OtConfig, OtExtension, SilentSet};
use crate::wire::framed_bytes;

/// Runs that are played through one by one; more of them are like these.
const RUNS: usize = 32;
/// Smallest gain that is worth another choice than the default, as a share of the seconds.
const GAIN: f64 = 0.01;

/// What may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtCandidates {
    /// Silent OT of any set.
    Silent,
    /// That, and SoftSpoken over any field; without a network over the default one alone, because
    /// others trade bytes for computing, of which bytes alone say nothing.
    All,
}

impl CostModel<'_> {
    /// The best configuration for a session that makes `tickets`, within `stock` bytes
    /// ([`OtConfig::stock_bytes`]); SoftSpoken where no silent set fits them. On a network, machines
    /// have the profile's speed and cores.
    ///
    /// # Errors
    /// As [`Self::time`] and [`Self::traffic`].
    pub fn choose_ots(
        &self,
        candidates: OtCandidates,
        (tickets, stock): (usize, u64),
        link: Option<&Link>,
        profile: &KernelProfile,
    ) -> Result<OtConfig> {
        let runs = tickets.div_ceil(self.batch.max(1)).max(1);
        let fits = |ots: &OtConfig| ots.stock_bytes() as u64 <= stock;
        let mut best = start(candidates).into_iter().find(fits).unwrap_or_default();
        let mut known: Vec<(OtConfig, f64)> = Vec::new();
        let mut cost_of = |ots: OtConfig| -> Result<f64> {
            if let Some((_, cost)) = known.iter().find(|(of, _)| *of == ots) {
                return Ok(*cost);
            }
            let cost = self.session_cost(ots, runs, link, profile)?;
            known.push((ots, cost));
            Ok(cost)
        };
        let mut cost = cost_of(best)?;
        // The directions hardly depend on each other: one after the other, and once more.
        for labels in [true, false, true, false] {
            for extension in extensions(candidates, link.is_some())? {
                let ots = match labels {
                    true => OtConfig { labels: extension, ..best },
                    false => OtConfig { selection: extension, ..best },
                };
                if ots == best || !fits(&ots) {
                    continue;
                }
                let other = cost_of(ots)?;
                if other < cost {
                    (best, cost) = (ots, other);
                }
            }
        }
        let usual = cost_of(OtConfig::default())?;
        let little = link.is_some() && cost > (1.0 - GAIN) * usual;
        let keep = candidates == OtCandidates::All && little;
        Ok(if keep { OtConfig::default() } else { best })
    }

    /// Seconds or bytes of a session's set-up and offline runs.
    pub(super) fn session_cost(
        &self,
        ots: OtConfig,
        runs: usize,
        link: Option<&Link>,
        profile: &KernelProfile,
    ) -> Result<f64> {
        let model = self.clone().with_ots(ots);
        match link {
            Some(link) => model.session_seconds(runs, link, profile),
            None => Ok(model.session_bytes(runs) as f64),
        }
    }

    /// What depends on the configuration alone.
    fn session_bytes(&self, runs: usize) -> u64 {
        let [labels, selections] = self.demand();
        let mut sum = 0;
        for slice in self.schedule.slices(self.batch) {
            let (n, gadget) = (slice.len(), self.slice_gadget(&slice));
            let label = self.ots.labels.extension_bytes(gadget.label_ots(n));
            let selection = self.ots.selection.extension_bytes(gadget.selection_ots(n));
            sum += [label, selection].into_iter().flatten().map(framed_bytes).sum::<u64>();
        }
        let of = |extension: OtExtension, n: usize| {
            let refills = extension.ledger().map(|mut ledger| ledger.cover(n * runs));
            let refills = refills.unwrap_or_default();
            let once = extension.bootstrap_bytes().map_or(0, framed_bytes);
            once + refills.iter().map(|set| framed_bytes(set.message_bytes())).sum::<u64>()
        };
        runs as u64 * sum + of(self.ots.labels, labels) + of(self.ots.selection, selections)
    }

    /// Runs with the same refills take the same time.
    fn session_seconds(&self, runs: usize, link: &Link, profile: &KernelProfile) -> Result<f64> {
        let (mut seconds, mut known) = (0.0, BTreeMap::new());
        let played = runs.min(RUNS);
        for run in 0..played {
            let model = self.clone().in_run(run);
            let refills = model.refills();
            let key = (refills.labels.len(), refills.selection.len(), run == 0);
            let of_run = match known.get(&key) {
                Some(of_run) => *of_run,
                None => model.offline_seconds(profile, link)?,
            };
            known.insert(key, of_run);
            seconds += of_run;
        }
        Ok(self.setup_seconds(profile, link)? + seconds * runs as f64 / played as f64)
    }
}

/// Where the search begins, in the order of preference.
fn start(candidates: OtCandidates) -> Vec<OtConfig> {
    match candidates {
        OtCandidates::Silent => SilentSet::ALL.map(OtConfig::silent).to_vec(),
        OtCandidates::All => vec![OtConfig::default()],
    }
}

fn extensions(candidates: OtCandidates, network: bool) -> Result<Vec<OtExtension>> {
    let silent = SilentSet::ALL.map(OtExtension::Silent);
    let fields: Vec<u8> = match (candidates, network) {
        (OtCandidates::Silent, _) => vec![],
        (OtCandidates::All, true) => (2..=8).collect(),
        (OtCandidates::All, false) => vec![FieldBits::default().into()],
    };
    let soft = fields.into_iter().map(|bits| FieldBits::new(bits).map(OtExtension::SoftSpoken));
    soft.chain(silent.map(Ok)).collect()
}
