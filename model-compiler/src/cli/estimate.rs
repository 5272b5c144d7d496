//! `tacita-compile estimate`.

use std::path::Path;

use serde::Serialize;
use tacita_cli::{speed, tell_choices};
use tacita_compile::Result;
use tacita_protocol::cost::memory::PartyMemory;
use tacita_protocol::cost::time::{LayerTime, PhaseTime};
use tacita_protocol::cost::{
    CostModel, KernelProfile, MemoryEstimate, Prediction, TensorCost, TimeEstimate,
};
use tacita_protocol::plan::{PublicPlan, ReluChoices};
use tacita_protocol::session::SessionLimits;

use super::args::Estimate;
use super::load_plan;
use super::output::{Table, bytes, print, print_json};

/// Most offline runs that are predicted one by one.
const FURTHER: usize = 32;

/// Everything that is predicted, as `--json` shows it. Times are seconds, sizes bytes.
#[derive(Serialize)]
struct Report {
    name: String,
    network: String,
    batch: usize,
    cores: usize,
    profile: String,
    relus: String,
    ots: String,
    session: Phase,
    first_offline: Phase,
    offline: Phase,
    online: Phase,
    client_memory: Memory,
    server_memory: Memory,
    layers: Vec<Layer>,
}

#[derive(Clone, Copy, Serialize)]
struct Phase {
    up_bytes: u64,
    down_bytes: u64,
    rounds: u64,
    seconds: f64,
    busy: Busy,
}

/// Seconds that a phase keeps each party's processor and each direction of the line busy.
#[derive(Clone, Copy, Serialize)]
struct Busy {
    client: f64,
    server: f64,
    up: f64,
    down: f64,
}

#[derive(Serialize)]
struct Memory {
    process: u64,
    plan: u64,
    weights: u64,
    stock: u64,
    ticket: u64,
    batch: u64,
    peak: u64,
    peak_stage: &'static str,
}

/// One tensor. Offline figures are for the whole batch; bytes are payload.
#[derive(Serialize)]
struct Layer {
    index: usize,
    name: String,
    relu: Option<String>,
    lattice_up: u64,
    lattice_down: u64,
    relu_up: u64,
    relu_down: u64,
    online_up: u64,
    online_down: u64,
    products: u64,
    ands: u64,
    macs: u64,
    offline: Busy,
    online: Busy,
}

impl From<PhaseTime> for Busy {
    fn from(t: PhaseTime) -> Self {
        Self { client: t.client, server: t.server, up: t.up, down: t.down }
    }
}

impl From<PhaseTime> for Phase {
    fn from(t: PhaseTime) -> Self {
        Self {
            up_bytes: t.traffic.up,
            down_bytes: t.traffic.down,
            rounds: t.traffic.rounds,
            seconds: t.seconds,
            busy: t.into(),
        }
    }
}

impl From<PartyMemory> for Memory {
    fn from(m: PartyMemory) -> Self {
        Self {
            process: m.process,
            plan: m.plan,
            weights: m.weights,
            stock: m.stock,
            ticket: m.ticket,
            batch: m.batch,
            peak: m.peak(),
            peak_stage: m.stage,
        }
    }
}

fn layer((index, name): (usize, &str), cost: &TensorCost, time: &LayerTime) -> Layer {
    Layer {
        index,
        name: name.into(),
        relu: None,
        lattice_up: cost.lattice_up,
        lattice_down: cost.lattice_down,
        relu_up: cost.offline_up + cost.ot_up,
        relu_down: cost.offline_down + cost.ot_down,
        online_up: cost.online_up,
        online_down: cost.online_down,
        products: time.products,
        ands: time.ands,
        macs: time.macs,
        offline: time.offline.into(),
        online: time.online.into(),
    }
}

pub fn run(args: &Estimate, json: bool) -> Result<()> {
    let plan = load_plan(&args.plan)?;
    let (profile, source) = profile(args.profile.as_deref())?;
    let batch = args.batch.unwrap_or(plan.public.batch);
    let cores = args.cores.map_or(profile.threads, usize::from);
    let mut model = CostModel::new(&plan.public, batch)?;
    if let Some(relu) = args.relu {
        let choices = relu.choices_at(&model, Some(&args.network), &profile)?;
        model = model.with_relus(&choices);
    }
    let tickets = args.tickets.unwrap_or(8 * batch);
    let session = (tickets, SessionLimits::default().ot_stock as u64);
    let ots = args.ot.config(&model, session, Some(&args.network), &profile)?;
    let model = model.with_ots(ots);
    let time = model.time(&profile, &args.network, cores)?;
    let memory = model.memory(SessionLimits::default().weight_cache, cores)?;
    let mut report = report(&plan.public, &model.traffic()?, time, memory);
    if ots.stock_bytes() > 0 {
        // Refills come now and then: what further runs take on average.
        let further = (1..tickets.div_ceil(batch).clamp(2, FURTHER)).map(|run| {
            let time = model.clone().in_run(run).time(&profile, &args.network, cores)?;
            Ok(Phase::from(time.offline))
        });
        report.offline = mean(&further.collect::<Result<Vec<_>>>()?);
    }
    report.ots = ots.to_string();
    name_backends(&mut report, &plan.public, model.choices());
    report.network = args.network.to_string();
    (report.cores, report.profile) = (cores, source);
    if json { print_json(&report) } else { print(&text(&report)) }
}

/// The mean of some phases.
fn mean(phases: &[Phase]) -> Phase {
    let n = phases.len().max(1) as f64;
    let sum = |of: fn(&Phase) -> f64| phases.iter().map(of).sum::<f64>() / n;
    Phase {
        up_bytes: sum(|p| p.up_bytes as f64) as u64,
        down_bytes: sum(|p| p.down_bytes as f64) as u64,
        rounds: phases.iter().map(|p| p.rounds).max().unwrap_or_default(),
        seconds: sum(|p| p.seconds),
        busy: Busy {
            client: sum(|p| p.busy.client),
            server: sum(|p| p.busy.server),
            up: sum(|p| p.busy.up),
            down: sum(|p| p.busy.down),
        },
    }
}

/// Says of each layer with ReLUs what computes them.
fn name_backends(report: &mut Report, plan: &PublicPlan, relus: &ReluChoices) {
    report.relus = tell_choices(relus);
    for (layer, choice) in report.layers.iter_mut().zip(relus.by_tensor(plan)) {
        layer.relu = choice.map(|choice| choice.to_string());
    }
}

/// The machine's speed, and where that is known from.
pub fn profile(given: Option<&Path>) -> Result<(KernelProfile, String)> {
    let kept = speed::default_path().ok().filter(|path| path.is_file());
    let Some(path) = given.map(Path::to_owned).or(kept) else {
        let profile = speed::reference()?;
        let source = format!(
            "built-in figures of the development machine ({}, {} threads): run `tacita-bench \
             profile` for this one's",
            profile.cpu, profile.threads
        );
        return Ok((profile, source));
    };
    let profile = speed::load(&path)?;
    let source = format!("{} ({}, {} threads)", path.display(), profile.cpu, profile.threads);
    Ok((profile, source))
}

fn report(
    plan: &PublicPlan,
    bytes: &Prediction,
    time: TimeEstimate,
    ram: MemoryEstimate,
) -> Report {
    let named = plan.tensors.iter().map(|t| t.name.as_str()).enumerate();
    let layers = named.zip(&bytes.tensors).zip(&time.layers);
    Report {
        name: plan.name.clone(),
        network: String::new(),
        batch: time.batch,
        cores: 0,
        profile: String::new(),
        relus: String::new(),
        ots: String::new(),
        session: time.session.into(),
        first_offline: time.first_offline.into(),
        offline: time.offline.into(),
        online: time.online.into(),
        client_memory: ram.client.into(),
        server_memory: ram.server.into(),
        layers: layers.map(|((named, cost), time)| layer(named, cost, time)).collect(),
    }
}

fn text(r: &Report) -> String {
    let sections = [phase_table(r), byte_table(r), time_table(r), memory_table(r)];
    format!(
        "{}: {} tickets a run, {}, {} cores\nspeed: {}\nReLUs: {}\nOTs: {}\n\n{}",
        r.name,
        r.batch,
        r.network,
        r.cores,
        r.profile,
        r.relus,
        r.ots,
        sections.join("\n")
    )
}

/// Seconds for people.
fn seconds(s: f64) -> String {
    match s {
        s if s < 1e-3 => format!("{:.0} us", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

fn phase_table(r: &Report) -> String {
    let mut table = Table::new(&[
        "phase",
        "up",
        "down",
        "rounds",
        "time",
        "client busy",
        "server",
        "line up",
        "down",
    ]);
    let mut row = |name: &str, p: &Phase, share: f64| {
        let part = |n: u64| bytes((n as f64 / share) as u64);
        let mut cells = vec![name.into(), part(p.up_bytes), part(p.down_bytes)];
        cells.push(if share > 1.0 { "-".into() } else { p.rounds.to_string() });
        let b = &p.busy;
        let times = [p.seconds, b.client, b.server, b.up, b.down];
        cells.extend(times.map(|t| seconds(t / share)));
        table.row(cells);
    };
    row("session", &r.session, 1.0);
    row("offline, the server's first run", &r.first_offline, 1.0);
    row("offline, further runs", &r.offline, 1.0);
    row("offline, a ticket", &r.offline, r.batch.max(1) as f64);
    row("online, an image", &r.online, 1.0);
    table.render()
}

/// A column of a table of layers: heading and value.
type Column = (&'static str, fn(&Layer) -> u64);

/// One row a layer, then the sum.
fn layer_table(r: &Report, columns: &[Column], show: fn(u64) -> String) -> Table {
    let headings = columns.iter().map(|c| c.0);
    let first = ["#", "layer", "ReLU"].into_iter();
    let mut table = Table::new(&first.chain(headings).collect::<Vec<_>>());
    for l in &r.layers {
        let mut cells = vec![l.index.to_string(), l.name.clone()];
        cells.push(l.relu.clone().unwrap_or_else(|| "-".into()));
        cells.extend(columns.iter().map(|c| show(c.1(l))));
        table.row(cells);
    }
    let mut sums = vec![String::new(), "all layers".into(), String::new()];
    sums.extend(columns.iter().map(|c| show(r.layers.iter().map(c.1).sum())));
    table.row(sums);
    table
}

fn byte_table(r: &Report) -> String {
    let columns: [Column; 6] = [
        ("lattice up", |l| l.lattice_up),
        ("down", |l| l.lattice_down),
        ("ReLU up", |l| l.relu_up),
        ("down", |l| l.relu_down),
        ("online up", |l| l.online_up),
        ("down", |l| l.online_down),
    ];
    let mut table = layer_table(r, &columns, bytes);
    let framing = |total: u64, part: fn(&Layer) -> u64| {
        bytes(total.saturating_sub(r.layers.iter().map(part).sum()))
    };
    table.row(vec![
        String::new(),
        "requests and framing".into(),
        String::new(),
        framing(r.offline.up_bytes, |l| l.lattice_up + l.relu_up),
        framing(r.offline.down_bytes, |l| l.lattice_down + l.relu_down),
        String::new(),
        String::new(),
        framing(r.online.up_bytes, |l| l.online_up),
        framing(r.online.down_bytes, |l| l.online_down),
    ]);
    format!(
        "Bytes (offline: of a run of {} tickets; online: of an image)\n{}",
        r.batch,
        table.render()
    )
}

fn time_table(r: &Report) -> String {
    let mut table = Table::new(&[
        "#", "layer", "products", "ANDs", "client", "server", "line", "MACs", "client", "server",
        "line",
    ]);
    let mut row = |index: String, name: &str, counts: [u64; 3], busy: [Busy; 2]| {
        let [products, ands, macs] = counts.map(|n| n.to_string());
        let [offline, online] = busy.map(|b| [b.client, b.server, b.up + b.down].map(seconds));
        let mut cells = vec![index, name.into(), products, ands];
        cells.extend(offline);
        cells.push(macs);
        cells.extend(online);
        table.row(cells);
    };
    for l in &r.layers {
        let counts = [l.products, l.ands, l.macs];
        row(l.index.to_string(), &l.name, counts, [l.offline, l.online]);
    }
    let sum = |of: fn(&Layer) -> u64| r.layers.iter().map(of).sum();
    let counts = [sum(|l| l.products), sum(|l| l.ands), sum(|l| l.macs)];
    row(String::new(), "all, with what is no layer's", counts, [r.offline.busy, r.online.busy]);
    format!(
        "Work (offline of {} tickets: products, ANDs, busy; online of an image: MACs, busy)\n{}",
        r.batch,
        table.render()
    )
}

fn memory_table(r: &Report) -> String {
    let mut table = Table::new(&["memory", "client", "server"]);
    let mut row = |name: &str, of: fn(&Memory) -> String| {
        table.row(vec![name.into(), of(&r.client_memory), of(&r.server_memory)]);
    };
    row("a ticket", |m| bytes(m.ticket));
    row("program", |m| bytes(m.process));
    row("plan", |m| bytes(m.plan));
    row("transformed weights", |m| bytes(m.weights));
    row("correlated OTs in stock", |m| bytes(m.stock));
    row("offline run, its tickets included", |m| bytes(m.batch));
    row("most at a time", |m| bytes(m.peak));
    row("  which is while", |m| m.peak_stage.into());
    table.render()
}
