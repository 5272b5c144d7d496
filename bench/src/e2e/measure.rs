//! From what was observed to a row, once it is what it should be.

use std::collections::BTreeMap;

use tacita_bench::clear::largest_difference;
use tacita_bench::client::{Answer, Cost, Summary};
use tacita_bench::machine::{Machine, command};
use tacita_bench::met;
use tacita_bench::table::median;
use tacita_image_input::{Pixels, encode};
use tacita_protocol::cost::{CostModel, TensorCost};
use tacita_protocol::ot::OtConfig;
use tacita_protocol::plan::{Plan, PublicPlan, ReluChoices, class_of, clear};
use tacita_protocol::{Error, Result};

use super::args::Common;
use super::row::{First, LayerRow, Offline, Online, Phase, Row};
use super::usage::Usage;
use super::watch::{Layer, Mark, Observed, Said, Step};

/// Images whose logits are held against the clear evaluator's.
const CHECKED: usize = 2;
/// Private logits may be off by this many units of the last place: every truncation and every
/// lattice rounding on the way adds one or two, at random.
const TOLERANCE: f64 = 32.0;

impl Observed {
    fn answers(&self) -> impl Iterator<Item = (&Answer, &[Layer])> {
        self.marks.iter().filter_map(|m| match &m.said {
            Said::Image(answer, layers) => Some((&**answer, layers.as_slice())),
            _ => None,
        })
    }

    fn summary(&self) -> Result<&Summary> {
        let summary = self.marks.iter().find_map(|m| match &m.said {
            Said::Summary(summary) => Some(&**summary),
            _ => None,
        });
        summary.ok_or_else(|| super::failed("printed no summary"))
    }
}

/// Holds bytes and rounds of every step against the prediction, and some images' logits against
/// the clear evaluator.
///
/// # Errors
/// `Local` if anything differs.
pub fn check(plan: &Plan, choices: &(ReluChoices, OtConfig), observed: &Observed) -> Result<()> {
    let answers = observed.answers().map(|(answer, _)| answer);
    if let Some(deviation) =
        met::answers_deviation(&plan.public, choices, observed.summary()?, answers)?
    {
        return Err(Error::local(deviation));
    }
    observed.answers().take(CHECKED).try_for_each(|(answer, _)| check_logits(plan, answer))
}

fn check_logits(plan: &Plan, answer: &Answer) -> Result<()> {
    let input = encode(&Pixels::load(&answer.image)?, &plan.public)?;
    let one = f64::from(plan.public.logit_frac()).exp2();
    let clear = clear::evaluate(plan, &input).into_iter().nth(plan.public.logits_at());
    let all: Vec<f64> = clear.unwrap_or_default().into_iter().map(|x| x as f64 / one).collect();
    let (private, clear) = answer.beside(&all);
    // A class revealed alone must be the largest, up to what its logit and another may be off by.
    let best = all.iter().fold(f64::NEG_INFINITY, |m, x| m.max(*x));
    let won = all.get(answer.class).is_some_and(|x| (best - x) * one <= 2.0 * TOLERANCE);
    let off = largest_difference(&private, &clear) * one;
    let largest = all.iter().fold(0.0f64, |m, x| m.max(x.abs())) * one;
    super::note(&format!(
        "checked: the logits are off by {off} of at most {TOLERANCE} units, the largest is {largest}"
    ));
    let same = private.len() == clear.len() && off <= TOLERANCE && won;
    let told_apart = largest > 4.0 * TOLERANCE;
    if same && told_apart {
        return Ok(());
    }
    let (private, clear) = (answer.class, class_of(&all));
    Err(Error::local(format!(
        "wrong logits: off by {off} units of {largest} (class {private}, in the clear {clear})"
    )))
}

/// The row of a checked run.
///
/// # Errors
/// `Local` if the client did not say when it did what.
pub fn row(
    name: String,
    plan: &PublicPlan,
    (common, choices): (&Common, &(ReluChoices, OtConfig)),
    observed: &Observed,
) -> Result<Row> {
    let summary = observed.summary()?;
    let peak = observed.marks.iter().map(|m| m.client.peak).max().unwrap_or_default();
    let (first, offline) = offline(common.batch, observed)?;
    Ok(Row {
        command: command(),
        machine: Machine::here(),
        net: name,
        relu: common.relu,
        ot: choices.1.to_string(),
        relus: plan.relus(),
        unmasked_relus: plan.unmasked_relus(),
        batch: common.batch,
        network: common.network.name.clone(),
        network_numbers: common.network.numbers(),
        setup: phase(&summary.setup),
        first_offline: first,
        offline,
        online: online(observed)?,
        client_peak: peak,
        server_peak: observed.server_peak,
        layers: layers(plan, (common.batch, choices), observed)?,
    })
}

fn phase(cost: &Cost) -> Phase {
    Phase { seconds: cost.seconds, up: cost.up, down: cost.down, rounds: cost.rounds }
}

/// The batches: the first answer of each, whose offline run is the batch's.
fn batches(batch: usize, observed: &Observed) -> Vec<Cost> {
    observed.answers().step_by(batch).map(|(answer, _)| answer.offline_batch).collect()
}

fn offline(batch: usize, observed: &Observed) -> Result<(First, Offline)> {
    let runs = batches(batch, observed);
    let [first, later @ ..] = runs.as_slice() else { return Err(too_few()) };
    let Some(last) = later.last() else { return Err(too_few()) };
    let seconds = median(later.iter().map(|c| c.seconds).collect());
    // The first run's steps are left out as well.
    let used = spent(&observed.marks, Step::Offline).skip(1);
    let [client_cpu, server_cpu] = mean(used, batch * later.len())?;
    let offline = Offline {
        batch: Phase { seconds, ..phase(last) },
        seconds_a_ticket: seconds / batch as f64,
        bytes_a_ticket: (last.up + last.down) as f64 / batch as f64,
        client_cpu,
        server_cpu,
    };
    Ok((First { seconds: first.seconds }, offline))
}

fn too_few() -> Error {
    super::failed("made fewer than two batches of tickets")
}

fn online(observed: &Observed) -> Result<Online> {
    let costs: Vec<Cost> = observed.answers().map(|(answer, _)| answer.online).collect();
    let seconds = median(costs.iter().map(|c| c.seconds).collect());
    let traffic = costs.first().map(phase).unwrap_or_default();
    let [client_cpu, server_cpu] = mean(spent(&observed.marks, Step::Online), costs.len())?;
    let phase = Phase { seconds, ..traffic };
    Ok(Online { phase, client_cpu, server_cpu, images: costs.len() })
}

/// CPU seconds of client and server in each run of steps of a kind: from its first step's begin to
/// the next step of the other kind, or the end.
fn spent(marks: &[Mark], kind: Step) -> impl Iterator<Item = [f64; 2]> {
    let mut runs = Vec::new();
    let mut begin: Option<[f64; 2]> = None;
    for mark in marks {
        let cpu = |u: &Usage| u.cpu;
        let now = [cpu(&mark.client), cpu(&mark.server)];
        match &mark.said {
            Said::Step(step) if *step == kind => {
                begin.get_or_insert(now);
            }
            Said::Step(_) | Said::Summary(_) => {
                let since = |[c, s]: [f64; 2]| [now[0] - c, now[1] - s];
                // At the end the client may be gone, and its books with it.
                runs.extend(begin.take().map(since).filter(|d| d[0] >= 0.0));
            }
            Said::Image(..) => {}
        }
    }
    runs.into_iter()
}

/// The sum of some runs, divided by what was made in them.
fn mean(runs: impl Iterator<Item = [f64; 2]>, made: usize) -> Result<[f64; 2]> {
    let runs: Vec<_> = runs.collect();
    if runs.is_empty() {
        return Err(super::failed("its log does not say when it makes tickets and runs images"));
    }
    let sum = runs.iter().fold([0.0; 2], |[a, b], [c, s]| [a + c, b + s]);
    Ok(sum.map(|x| x / made.max(1) as f64))
}

fn layers(
    plan: &PublicPlan,
    (batch, (relus, ots)): (usize, &(ReluChoices, OtConfig)),
    observed: &Observed,
) -> Result<Vec<LayerRow>> {
    let mut seconds = BTreeMap::<&str, Vec<f64>>::new();
    for layer in observed.answers().flat_map(|(_, layers)| layers) {
        seconds.entry(&layer.name).or_default().push(layer.seconds);
    }
    let costs = CostModel::new(plan, batch)?.with_relus(relus).with_ots(*ots).traffic()?.tensors;
    let share = |bytes: u64| bytes as f64 / batch as f64;
    let row = |(spec, c): (&tacita_protocol::plan::TensorSpec, &TensorCost)| LayerRow {
        name: spec.name.clone(),
        relus: spec.mask.ones(),
        offline_up: share(c.lattice_up + c.offline_up + c.ot_up),
        offline_down: share(c.lattice_down + c.offline_down + c.ot_down),
        online_up: c.online_up,
        online_down: c.online_down,
        seconds: median(seconds.get(spec.name.as_str()).cloned().unwrap_or_default()),
    };
    Ok(plan.tensors.iter().zip(&costs).map(row).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// A moment at which the client had used `cpu` seconds and the server twice as much.
    fn mark(said: Said, cpu: f64) -> Mark {
        let used = |cpu| Usage { cpu, peak: 0 };
        Mark { at: Instant::now(), said, client: used(cpu), server: used(2.0 * cpu) }
    }

    #[test]
    fn time_is_booked_on_the_step_that_it_was_spent_in() {
        let summary: Summary = serde_json::from_str(
            r#"{"setup": {"seconds": 0, "sent": 0, "received": 0, "rounds": 0},
                "offline": {"seconds": 0, "sent": 0, "received": 0, "rounds": 0},
                "online": {"seconds": 0, "sent": 0, "received": 0, "rounds": 0},
                "socket": {"sent": 0, "received": 0}}"#,
        )
        .unwrap();
        let step = |step, cpu| mark(Said::Step(step), cpu);
        let marks = [
            step(Step::Offline, 1.0),
            step(Step::Online, 4.0),
            step(Step::Online, 4.5),
            step(Step::Offline, 5.0),
            step(Step::Online, 7.0),
            mark(Said::Summary(Box::new(summary)), 7.25),
        ];
        let all = |kind| spent(&marks, kind).collect::<Vec<_>>();
        assert_eq!(all(Step::Offline), [[3.0, 6.0], [2.0, 4.0]]);
        assert_eq!(all(Step::Online), [[1.0, 2.0], [0.25, 0.5]]);
        assert_eq!(mean(spent(&marks, Step::Online), 5).unwrap(), [0.25, 0.5]);
        assert!(mean(spent(&[], Step::Online), 5).is_err());
    }
}
