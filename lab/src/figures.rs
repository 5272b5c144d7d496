//! Figures of one model on pictures: agreement, latency, predicted and measured bytes, bytes per ReLU.

use serde_json::json;
use tacita_bench::client::{Cost, Summary};
use tacita_bench::met;
use tacita_bench::stage::{Compared, Options, Stage};
use tacita_bench::table::{bytes, markdown, median};
use tacita_cli::{json_line, line};
use tacita_protocol::cost::{self, Prediction};
use tacita_protocol::plan::PublicPlan;
use tacita_protocol::wire::Traffic;
use tacita_protocol::{Error, Result};

/// Runs the protocol on the pictures and prints the tables.
///
/// # Errors
/// If a run fails or does not meet its prediction.
pub fn run(options: &Options) -> Result<()> {
    let stage = Stage::set(options)?;
    let plan = &stage.clear.plan.public;
    let batch = options.batch.unwrap_or(plan.batch);
    let mut runs = Vec::new();
    let summary = stage.infer(options.batch, |c| {
        runs.push(c);
        Ok(())
    })?;
    let predicted = cost::predict(plan, batch)?;
    if let Some(deviation) = met::deviation(plan, &summary, &runs)? {
        return Err(Error::local(deviation));
    }
    agreement(&runs, options.json)?;
    latency(&runs, &summary, options.json)?;
    traffic(&predicted, &summary, &runs, options.json)?;
    per_relu(plan, &predicted, options.json)
}

fn agreement(runs: &[Compared], json: bool) -> Result<()> {
    let n = runs.len();
    let same = runs.iter().filter(|r| r.answer.class == r.fixed_class).count();
    let float = runs.iter().filter(|r| r.answer.class == r.clear_class).count();
    let largest = runs.iter().map(|r| r.logit_error).fold(0.0, f64::max);
    if json {
        return json_line(&json!({
            "figure": "agreement", "images": n, "fixed": same, "float": float,
            "largest_logit_difference": largest,
        }));
    }
    line(&format!(
        "Private top-1 equals the clear fixed-point evaluator on {same} of {n} images, the float \
         model on {float}; largest logit difference to the fixed-point evaluator {largest:.4}.\n"
    ))
}

fn latency(runs: &[Compared], summary: &Summary, json: bool) -> Result<()> {
    let online = median(runs.iter().map(|r| r.answer.online.seconds).collect());
    let share = |r: &Compared| {
        r.answer.offline_batch.seconds / r.answer.offline_batch.tickets.max(1) as f64
    };
    let offline = median(runs.iter().map(share).collect());
    if json {
        return json_line(&json!({
            "figure": "latency", "setup_seconds": summary.setup.seconds,
            "offline_seconds_a_ticket": offline, "online_seconds": online,
        }));
    }
    line(&format!(
        "Loopback, medians: set-up {:.2} s once a session, offline {offline:.3} s a ticket, online \
         {online:.4} s an image.\n",
        summary.setup.seconds
    ))
}

fn traffic(p: &Prediction, summary: &Summary, runs: &[Compared], json: bool) -> Result<()> {
    let full = runs.iter().find(|r| r.answer.offline_batch.tickets == p.batch);
    let mut rows = Vec::new();
    let mut add = |phase: &str, predicted: Traffic, measured: Option<Traffic>| {
        let show = |t: Traffic| [t.up.to_string(), t.down.to_string(), t.rounds.to_string()];
        let mut row = vec![phase.to_owned()];
        row.extend(show(predicted));
        row.extend(measured.map_or(["-".into(), "-".into(), "-".into()], show));
        rows.push(row);
    };
    add("session", p.session, Some(summary.setup.traffic()));
    let offline = full.map(|r| r.answer.offline_batch.traffic());
    add(&format!("offline, {} tickets", p.batch), p.offline, offline);
    add("online, an image", p.online, runs.first().map(|r| r.answer.online.traffic()));
    let total =
        |of: fn(&Cost) -> u64| of(&summary.setup) + of(&summary.offline) + of(&summary.online);
    let (up, down) = (total(|c| c.up), total(|c| c.down));
    let tls =
        (summary.socket.sent.saturating_sub(up), summary.socket.received.saturating_sub(down));
    if json {
        return json_line(&json!({
            "figure": "traffic", "rows": rows, "tls_overhead_up": tls.0,
            "tls_overhead_down": tls.1, "total_up": up, "total_down": down,
        }));
    }
    let head = ["phase", "predicted up (B)", "down", "rounds", "measured up (B)", "down", "rounds"];
    markdown(&head, &rows)?;
    let percent = 100.0 * (tls.0 + tls.1) as f64 / (up + down).max(1) as f64;
    line(&format!(
        "\nTLS added {} up and {} down over the whole session ({percent:.2} %).\n",
        bytes(tls.0 as f64),
        bytes(tls.1 as f64)
    ))
}

/// Payload a mask-1 position at the layer's comparison width, against the bounds of the protocol
/// document.
fn per_relu(plan: &PublicPlan, p: &Prediction, json: bool) -> Result<()> {
    let mut rows = Vec::new();
    for (spec, cost) in plan.tensors.iter().zip(&p.tensors).filter(|(t, _)| t.mask.ones() > 0) {
        let (ones, k) = (spec.mask.ones() as f64, spec.compare()?.compared() as f64);
        let made = ones * p.batch as f64;
        let zeros = (spec.shape.len() - spec.mask.ones()) as f64 * p.batch as f64;
        let up = (cost.offline_up as f64 - 8.0 * zeros) / made;
        let of = |value: f64, bound: f64| format!("{value:.2} of {bound:.2}");
        rows.push(vec![
            spec.name.clone(),
            format!("{k}"),
            of(cost.offline_down as f64 / made, 32.0 * (k - 1.0) + 1.0),
            of(up, k / 8.0 + 9.0),
            of((cost.ot_up + cost.ot_down) as f64 / cost.ots as f64, 4.0),
            of(cost.online_down as f64 / ones, 16.0 * (k - 1.0) + 9.0),
            of(cost.online_up as f64 / ones, 8.0),
        ]);
    }
    if json {
        return json_line(&json!({"figure": "bytes_a_relu", "rows": rows}));
    }
    line("Bytes a ReLU (value of bound); an identity position is 8 up offline, 0 online:\n")?;
    markdown(
        &["layer", "k", "offline down", "offline up", "an OT", "online down", "online up"],
        &rows,
    )
}
