//! The command line: one verb a module.

mod args;
mod build;
mod built;
mod calibrate;
mod costly;
mod estimate;
mod explain;
mod inspect;
mod output;
mod report;
mod simulate;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tacita_compile::{Error, Network, Result, lower};
use tacita_image_input::read_limited;
use tacita_protocol::plan::{InputSpec, MAX_FILE_BYTES, Plan};
use tracing_subscriber::EnvFilter;

use args::{Args, LogFormat, Verb};

/// Runs the program.
pub fn main() -> ExitCode {
    let args = Args::parse();
    start_log(args.log);
    let log = match args.log {
        LogFormat::Text => tacita_cli::LogFormat::Text,
        LogFormat::Json => tacita_cli::LogFormat::Json,
    };
    let mut failed = None;
    let code = tacita_cli::run(false, log, || {
        tacita_cli::end_on_signals(false, log, |failure| failure)?;
        failed = run(&args).err();
        Ok::<_, tacita_cli::Failure>(())
    });
    let Some(e) = failed else { return code };
    tracing::error!("{e}");
    ExitCode::from(e.exit_code())
}

fn run(args: &Args) -> Result<()> {
    match &args.verb {
        Verb::Build(a) => build::run(a, args.json),
        Verb::Explain(a) => explain::run(a, args.json),
        Verb::Calibrate(a) => calibrate::run(a, args.json),
        Verb::Inspect(a) => inspect::run(a, args.json),
        Verb::Estimate(a) => estimate::run(a, args.json),
        Verb::Report(a) => report::run(a, args.json),
        Verb::Simulate(a) => simulate::run(a, args.json),
    }
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_env("TACITA_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.without_time().init(),
        LogFormat::Json => builder.json().init(),
    }
}

fn load_plan(path: &std::path::Path) -> Result<Plan> {
    let bytes = read_limited(path, MAX_FILE_BYTES as u64)?;
    Plan::from_bytes(&bytes).map_err(|e| {
        let e = Error::from(e);
        Error::input(format!("{}: {e}", path.display()))
    })
}

/// The float network of a plan: fed as the plan is, whatever its model says.
fn fed(
    model: tacita_onnx::ModelProto,
    plan: &tacita_protocol::plan::PublicPlan,
) -> Result<Network> {
    let mut network = tacita_compile::read_model(&model)?;
    let InputSpec { mean, std, .. } = plan.input.clone();
    (network.mean, network.std) = (Some(mean), Some(std));
    lower::lower(&mut network)?;
    Ok(network)
}

/// A progress bar on standard error, if that is a terminal.
fn progress(len: usize, what: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(len as u64), ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {eta}") {
        Ok(style) => bar.with_style(style).with_message(what),
        Err(_) => bar,
    }
}
