//! `tacita-compile inspect`.

use serde::Serialize;
use tacita_compile::{LayerReport, Record, Result, describe};
use tacita_protocol::cost::{Prediction, TensorCost, predict};
use tacita_protocol::plan::{Plan, log2_truncation_failure};
use tacita_protocol::wire::Traffic;

use super::args::Inspect;
use super::load_plan;
use super::output::{Table, bytes, decimal, print, print_json, whole};

#[derive(Serialize)]
struct Inspection {
    name: String,
    plan_hash: String,
    labels: Vec<String>,
    reveals: &'static str,
    classes: usize,
    mean: Vec<f32>,
    std: Vec<f32>,
    relus: usize,
    unmasked_relus: usize,
    log2_failure: f64,
    /// What its build measured.
    record: Option<Record>,
    layers: Vec<LayerReport>,
    batch: usize,
    session: Bytes,
    offline: Bytes,
    online: Bytes,
    tensors: Vec<Cost>,
}

/// Predicted traffic of one phase.
#[derive(Clone, Copy, Serialize)]
struct Bytes {
    up: u64,
    down: u64,
    rounds: u64,
}

/// Predicted payload of one tensor.
#[derive(Serialize)]
struct Cost {
    lattice_up: u64,
    lattice_down: u64,
    offline_up: u64,
    offline_down: u64,
    online_up: u64,
    online_down: u64,
    products: u64,
    packing: Vec<String>,
}

impl From<Traffic> for Bytes {
    fn from(t: Traffic) -> Self {
        Self { up: t.up, down: t.down, rounds: t.rounds }
    }
}

impl From<TensorCost> for Cost {
    fn from(c: TensorCost) -> Self {
        Self {
            lattice_up: c.lattice_up,
            lattice_down: c.lattice_down,
            offline_up: c.offline_up,
            offline_down: c.offline_down,
            online_up: c.online_up,
            online_down: c.online_down,
            products: c.products,
            packing: c.packing,
        }
    }
}

pub fn run(args: &Inspect, json: bool) -> Result<()> {
    let plan = load_plan(&args.plan)?;
    let batch = args.batch.unwrap_or(plan.public.batch);
    let inspection = inspection(&plan, predict(&plan.public, batch)?)?;
    if json { print_json(&inspection) } else { print(&text(&inspection)) }
}

fn inspection(plan: &Plan, p: Prediction) -> Result<Inspection> {
    let public = &plan.public;
    Ok(Inspection {
        name: public.name.clone(),
        plan_hash: plan.hash()?.iter().map(|b| format!("{b:02x}")).collect(),
        labels: public.labels.clone(),
        reveals: public.reveals.name(),
        classes: public.classes(),
        mean: public.input.mean.clone(),
        std: public.input.std.clone(),
        relus: public.relus(),
        unmasked_relus: public.unmasked_relus(),
        log2_failure: log2_truncation_failure(public),
        record: Record::of(plan)?,
        layers: describe(plan),
        batch: p.batch,
        session: p.session.into(),
        offline: p.offline.into(),
        online: p.online.into(),
        tensors: p.tensors.into_iter().map(Cost::from).collect(),
    })
}

fn text(i: &Inspection) -> String {
    let mut text = format!("{}  (plan {})\n", i.name, i.plan_hash);
    let verdict = i.record.as_ref().map(|r| r.verdict().why);
    text.push_str(&format!("labels: {}\n\n", verdict.as_deref().unwrap_or("no record")));
    text.push_str(&layer_table(&i.layers));
    text.push_str(&format!(
        "\nReLUs {} of {}, truncation failure 2^{:.1} per inference, reveals {} of {} classes\n\n",
        i.relus, i.unmasked_relus, i.log2_failure, i.reveals, i.classes
    ));
    text.push_str(&traffic_table(i));
    if !i.tensors.is_empty() {
        text.push('\n');
        text.push_str(&cost_table(i));
    }
    text
}

/// One line a tensor.
pub fn layer_table(layers: &[LayerReport]) -> String {
    let mut table = Table::new(&[
        "#", "layer", "shape", "f", "cut", "|x|<2^", "k", "drop", "ReLU", "by", "fail 2^", "flood",
        "sum of",
    ]);
    for l in layers {
        let [c, h, w] = l.shape;
        table.row(vec![
            l.index.to_string(),
            l.name.clone(),
            format!("{c}x{h}x{w}"),
            l.frac.to_string(),
            l.truncate.to_string(),
            l.magnitude.to_string(),
            whole(l.compare_bits),
            l.dropped.to_string(),
            format!("{}/{}", l.relus, l.unmasked_relus),
            l.relu.clone().unwrap_or_else(|| "-".into()),
            decimal(l.log2_failure),
            whole(l.flooding_bits),
            l.terms.join(" + "),
        ]);
    }
    table.render()
}

fn traffic_table(i: &Inspection) -> String {
    let offline = format!("offline ({} tickets)", i.batch);
    let mut table = Table::new(&["predicted", "up", "down", "rounds"]);
    for (name, t) in [("session", i.session), (offline.as_str(), i.offline), ("online", i.online)] {
        table.row(vec![name.into(), bytes(t.up), bytes(t.down), t.rounds.to_string()]);
    }
    let per = |x: u64| bytes(x / i.batch.max(1) as u64);
    table.row(vec!["offline per ticket".into(), per(i.offline.up), per(i.offline.down)]);
    table.render()
}

fn cost_table(i: &Inspection) -> String {
    let mut table = Table::new(&[
        "#",
        "layer",
        "lattice up",
        "down",
        "offline up",
        "down",
        "online up",
        "down",
        "products",
        "packing",
    ]);
    for (l, c) in i.layers.iter().zip(&i.tensors) {
        table.row(vec![
            l.index.to_string(),
            l.name.clone(),
            bytes(c.lattice_up),
            bytes(c.lattice_down),
            bytes(c.offline_up),
            bytes(c.offline_down),
            bytes(c.online_up),
            bytes(c.online_down),
            c.products.to_string(),
            c.packing.join("; "),
        ]);
    }
    table.render()
}
