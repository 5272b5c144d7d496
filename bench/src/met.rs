//! Whether a session took the bytes and round trips that were predicted for it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use tacet_protocol::Result;
use tacet_protocol::cost::{CostModel, Prediction};
use tacet_protocol::plan::{PublicPlan, ReluChoices};
use tacet_protocol::wire::Traffic;

use crate::client::{Answer, Summary};
use crate::stage::Compared;

/// The first step that did not meet its prediction to the byte, in words. Offline runs are held
/// against the prediction for the tickets that they made, ReLUs computed as the plan says.
///
/// # Errors
/// If the plan's convolutions cannot be packed.
pub fn deviation(
    plan: &PublicPlan,
    summary: &Summary,
    runs: &[Compared],
) -> Result<Option<String>> {
    answers_deviation(plan, &plan.relu_choices, summary, runs.iter().map(|run| &run.answer))
}

/// As [`deviation`], for answers that nothing was compared with and any backends of the ReLUs.
///
/// # Errors
/// As [`deviation`].
pub fn answers_deviation<'a>(
    plan: &PublicPlan,
    relus: &ReluChoices,
    summary: &Summary,
    answers: impl Iterator<Item = &'a Answer>,
) -> Result<Option<String>> {
    let mut predictions = BTreeMap::<usize, Prediction>::new();
    for answer in answers {
        let offline = &answer.offline_batch;
        let p = match predictions.entry(offline.tickets) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let model = CostModel::new(plan, offline.tickets)?.with_relus(relus);
                new.insert(model.traffic()?)
            }
        };
        let steps = [
            ("session", summary.setup.traffic(), p.session),
            ("offline", offline.traffic(), p.offline),
            ("online", answer.online.traffic(), p.online),
        ];
        let off = steps.into_iter().find_map(|(step, m, p)| differs(step, m, p));
        if off.is_some() {
            return Ok(off);
        }
    }
    Ok(None)
}

fn differs(step: &str, measured: Traffic, predicted: Traffic) -> Option<String> {
    (measured != predicted)
        .then(|| format!("{step}: measured {measured:?}, predicted {predicted:?}"))
}
