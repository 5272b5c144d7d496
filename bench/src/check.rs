//! `tacet-bench check-estimate`: predicted against measured seconds and memory, on loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::Args;
use serde_json::json;
use tacet_cli::speed;
use tacet_cli::{json_line, line};
use tacet_protocol::cost::{CostModel, KernelProfile, Link};
use tacet_protocol::plan::Plan;
use tacet_protocol::session::SessionLimits;
use tacet_protocol::{Error, Result};

use crate::client::{self, Answer, Summary, pictures};
use crate::networks::RESNET18;
use crate::process::run as run_command;
use crate::server::Server;
use crate::table::{markdown, median};
use crate::{certs, stage};

/// Share of its ReLUs that ResNet18 keeps: about 50,000.
const RESNET18_KEEP: f64 = 50.0 / 557.0;

/// Options of `check-estimate`.
#[derive(Args)]
pub struct Options {
    /// The model
    #[arg(long, default_value = "models/cifar10-thin.onnx")]
    model: PathBuf,
    /// Take a ResNet18 with 50,000 ReLUs and random weights instead
    #[arg(long, conflicts_with = "model")]
    resnet18: bool,
    /// Folder of pictures to classify
    #[arg(long, default_value = "samples")]
    samples: PathBuf,
    /// Tickets made at a time; by default what the compiler chose
    #[arg(long)]
    batch: Option<usize>,
    /// Speed of this machine; by default what `tacet-bench profile` wrote last
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
    let plan = plan(options, &path)?;
    let batch = options.batch.unwrap_or(plan.public.batch).max(1);
    let profile = profile(options)?;
    let measured = measure(options, &path, dir.path(), batch)?;
    let rows = compare(&plan, batch, &profile, &measured)?;
    if options.json {
        return rows.iter().try_for_each(|r| {
            json_line(&json!({
                "network": plan.public.name, "batch": batch, "figure": r.what, "unit": r.unit,
                "predicted": r.predicted, "measured": r.measured,
            }))
        });
    }
    line(&format!("{}, {batch} tickets a run, loopback:\n", plan.public.name))?;
    let cells = rows.iter().map(|r| {
        let percent = 100.0 * (r.predicted / r.measured - 1.0);
        let number = |x: f64| format!("{x:.3} {}", r.unit);
        vec![r.what.into(), number(r.predicted), number(r.measured), format!("{percent:+.0} %")]
    });
    markdown(&["", "predicted", "measured", "off by"], &cells.collect::<Vec<_>>())
}

fn plan(options: &Options, path: &Path) -> Result<Plan> {
    if options.resnet18 {
        let plan = RESNET18.plan(RESNET18_KEEP)?;
        fs::write(path, plan.to_bytes()?)
            .map_err(|e| Error::local(format!("{}: {e}", path.display())))?;
        return Ok(plan);
    }
    let mut command = stage::compiler(&options.model, path, None)?;
    command.stdout(Stdio::null());
    run_command(command, "tacet-compile")?;
    let bytes = fs::read(path).map_err(|e| Error::local(format!("{}: {e}", path.display())))?;
    Plan::from_bytes(&bytes)
}

fn profile(options: &Options) -> Result<KernelProfile> {
    let path = match &options.profile {
        Some(path) => Ok(path.clone()),
        None => speed::default_path(),
    };
    path.and_then(|p| speed::load(&p))
        .map_err(|e| Error::input(format!("{e}: run `tacet-bench profile` first")))
}

/// Two batches of inferences in one session.
fn measure(options: &Options, plan: &Path, dir: &Path, batch: usize) -> Result<Measured> {
    let certs = certs::make(dir)?;
    let server = Server::start(plan, &certs)?;
    let samples = pictures(&options.samples)?;
    let images: Vec<PathBuf> = samples.iter().cycle().take(2 * batch).cloned().collect();
    let mut answers = Vec::with_capacity(images.len());
    let summary = client::infer(&server.addr, &certs, &images, Some(batch), |a| {
        answers.push(a.clone());
        Ok(())
    })?;
    Ok(Measured { answers, summary, server_peak: server.peak_memory() })
}

fn compare(plan: &Plan, batch: usize, p: &KernelProfile, m: &Measured) -> Result<Vec<Row>> {
    let model = CostModel::new(&plan.public, batch)?;
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
