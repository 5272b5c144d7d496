//! Whether a session took the bytes and round trips that were predicted for it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use tacita_protocol::Result;
use tacita_protocol::cost::{CostModel, Prediction};
use tacita_protocol::ot::OtConfig;
use tacita_protocol::plan::{PublicPlan, ReluChoices};
use tacita_protocol::wire::Traffic;

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
    let choices = (plan.relu_choices.clone(), OtConfig::default());
    answers_deviation(plan, &choices, summary, runs.iter().map(|run| &run.answer))
}

/// As [`deviation`], for answers that nothing was compared with, any backends of the ReLUs and any
/// OTs. All runs but the last make as many tickets.
///
/// # Errors
/// As [`deviation`].
pub fn answers_deviation<'a>(
    plan: &PublicPlan,
    (relus, ots): &(ReluChoices, OtConfig),
    summary: &Summary,
    answers: impl Iterator<Item = &'a Answer>,
) -> Result<Option<String>> {
    let mut predictions = BTreeMap::<(usize, usize), Prediction>::new();
    for (i, answer) in answers.enumerate() {
        let offline = &answer.offline_batch;
        let run = i / offline.tickets.max(1);
        let p = match predictions.entry((offline.tickets, run)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let model = CostModel::new(plan, offline.tickets)?;
                let model = model.with_relus(relus).with_ots(*ots).in_run(run);
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
