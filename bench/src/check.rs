//! `tacita-bench check-estimate`: predicted against measured seconds and memory, on loopback.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tacita_bench::certs;
use tacita_bench::client::{self, Answer, Summary, pictures};
use tacita_bench::networks::Keep;
use tacita_bench::server::Server;
use tacita_bench::table::{markdown, median};
use tacita_cli::{Ot, Relu, json_line, line, session_choices, speed};
use tacita_protocol::cost::{CostModel, KernelProfile, Link};
use tacita_protocol::session::SessionLimits;
use tacita_protocol::{Error, Result};

use crate::e2e::Source;

/// Options of `check-estimate`.
#[derive(Args)]
pub struct Options {
    /// FILE.onnx, or a network with drawn weights by any name that the trainer knows (resnet18,
    /// vgg16, mobilenetv1)
    #[arg(long, value_name = "NAME", default_value = "models/cifar10-thin.onnx")]
    net: String,
    /// ReLUs to keep: 50k, 50000, 10% or all, at drawn positions; a file keeps its own masks
    #[arg(long)]
    relus: Option<Keep>,
    /// What computes the ReLUs
    #[arg(long, value_enum, default_value_t)]
    relu: Relu,
    /// How correlated OTs are made
    #[arg(long, value_enum, default_value_t)]
    ot: Ot,
    /// Folder of pictures to classify
    #[arg(long, default_value = "samples")]
    samples: PathBuf,
    /// Tickets made at a time; by default what the compiler chose
    #[arg(long)]
    batch: Option<usize>,
    /// Speed of this machine; by default what `tacita-bench profile` wrote last
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
}

/// What one session over real processes took.
struct Measured {
    answers: Vec<Answer>,
    summary: Summary,
    server_peak: Option<u64>,
}

/// A quantity, predicted and measured.
struct Row {
    what: &'static str,
    unit: &'static str,
    predicted: f64,
    measured: f64,
}

/// Runs two batches over loopback and compares.
///
/// # Errors
/// Whatever goes wrong, said plainly.
pub fn run(options: &Options) -> Result<()> {
    let dir = tempfile::tempdir().map_err(|e| Error::local(format!("no temp folder: {e}")))?;
    let path = dir.path().join("model.plan");
    let plan = Source::named(&options.net, options.relus)?.write(&path)?;
    let batch = options.batch.unwrap_or(plan.public.batch).max(1);
    let profile = profile(options)?;
    let measured = measure(options, &path, dir.path(), batch)?;
    // The client is given no network either.
    let (asked, session) = ((Some(options.relu), options.ot), 2 * batch);
    let stock = SessionLimits::default().ot_stock as u64;
    let (relus, ots) = session_choices(&plan.public, batch, asked, (session, stock), None)?;
    let model = CostModel::new(&plan.public, batch)?.with_relus(&relus).with_ots(ots);
    let rows = compare(&model, &profile, &measured)?;
    if options.json {
        return rows.iter().try_for_each(|r| {
            json_line(&json!({
                "network": plan.public.name, "relu": options.relu, "batch": batch, "figure": r.what, "unit": r.unit,
                "predicted": r.predicted, "measured": r.measured,
            }))
        });
    }
    let (name, relu) = (&plan.public.name, options.relu);
    line(&format!("{name}, --relu {relu}, OTs {ots}, {batch} tickets a run, loopback:\n"))?;
    let cells = rows.iter().map(|r| {
        let percent = 100.0 * (r.predicted / r.measured - 1.0);
        let number = |x: f64| format!("{x:.3} {}", r.unit);
        vec![r.what.into(), number(r.predicted), number(r.measured), format!("{percent:+.0} %")]
    });
    markdown(&["", "predicted", "measured", "off by"], &cells.collect::<Vec<_>>())
}

fn profile(options: &Options) -> Result<KernelProfile> {
    let path = match &options.profile {
        Some(path) => Ok(path.clone()),
        None => speed::default_path(),
    };
    path.and_then(|p| speed::load(&p))
        .map_err(|e| Error::input(format!("{e}: run `tacita-bench profile` first")))
}

/// Two batches of inferences in one session.
fn measure(options: &Options, plan: &Path, dir: &Path, batch: usize) -> Result<Measured> {
    let certs = certs::make(dir)?;
    let server = Server::start(plan, &certs, Some(batch))?;
    let samples = pictures(&options.samples)?;
    let images: Vec<PathBuf> = samples.iter().cycle().take(2 * batch).cloned().collect();
    let mut answers = Vec::with_capacity(images.len());
    let asked = (Some(batch), Some(options.relu), options.ot);
    let summary = client::infer(&server.addr, &certs, &images, asked, |a| {
        answers.push(a.clone());
        Ok(())
    })?;
    Ok(Measured { answers, summary, server_peak: server.peak_memory() })
}

fn compare(model: &CostModel<'_>, p: &KernelProfile, m: &Measured) -> Result<Vec<Row>> {
    let time = model.time(p, &Link::loopback(), p.threads)?;
    let memory = model.memory(SessionLimits::default().weight_cache, p.threads)?;
    let offline = |a: Option<&Answer>| a.map_or(f64::NAN, |a| a.offline_batch.seconds);
    let online = median(m.answers.iter().map(|a| a.online.seconds).collect());
    let seconds = |what, predicted, measured| Row { what, unit: "s", predicted, measured };
    let peak = |what, predicted: u64, measured: Option<u64>| Row {
        what,
        unit: "MB",
        predicted: predicted as f64 / 1e6,
        measured: measured.map_or(f64::NAN, |m| m as f64 / 1e6),
    };
    Ok(vec![
        seconds("set-up", time.session.seconds, m.summary.setup.seconds),
        seconds("first offline run", time.first_offline.seconds, offline(m.answers.first())),
        seconds("second offline run", time.offline.seconds, offline(m.answers.last())),
        seconds("an inference (median)", time.online.seconds, online),
        peak("client's peak memory", memory.client.peak(), m.summary.peak_memory),
        // The second batch is made when the first one's tickets are spent.
        peak("server's peak memory", memory.server.peak(), m.server_peak),
    ])
}
