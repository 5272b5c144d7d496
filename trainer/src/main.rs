//! `tacet-train`: see `tacet-train --help`.

use clap::Parser;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;
use tacet_train::checkpoint::load;
use tacet_train::cli::{AllocateArgs, Cli, DataArgs, EvalArgs, LogForm, RunArgs, Verb};
use tacet_train::data::{Dataset, Holdout, LoadOptions, describe as describe_data};
use tacet_train::eval::accuracy;
use tacet_train::run::{LayerCount, Report, layer_counts, masks, run, shares};
use tacet_train::shape::{Layer, layers};
use tacet_train::{Error, Result};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = log(cli.log).and_then(|()| match &cli.verb {
        Verb::Run(args) => train(args),
        Verb::Eval(args) => evaluate(args),
        Verb::Allocate(args) => share_out(args),
    });
    match done.map(|(text, value)| if cli.json { value.to_string() } else { text }) {
        Ok(text) => {
            // A closed pipe is the reader's choice, not a failure.
            let _ = writeln!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let code = error.exit_code();
            let text = if cli.json {
                json!({"error": error.to_string(), "exit_code": code}).to_string()
            } else {
                format!("tacet-train: {error}")
            };
            let _ = writeln!(std::io::stderr(), "{text}");
            ExitCode::from(code)
        }
    }
}

fn log(form: LogForm) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = match form {
        LogForm::Text => log.with_target(false).try_init(),
        LogForm::Json => log.json().try_init(),
    };
    set.map_err(|_| Error::Log)
}

fn use_threads(data: &DataArgs) {
    if let Ok(threads @ 1..) = i32::try_from(data.threads) {
        tch::set_num_threads(threads);
    }
}

/// The command as typed, for the notes in the file; without the folder of the program.
fn command() -> String {
    let args = std::env::args().skip(1);
    std::iter::once("tacet-train".to_owned()).chain(args).collect::<Vec<_>>().join(" ")
}

fn train(args: &RunArgs) -> Result<(String, Value)> {
    use_threads(&args.data);
    let settings = args.settings();
    let validation = Holdout::Count(settings.validation);
    let (limit, seed) = (settings.limit, settings.seed);
    let options = LoadOptions { validation, limit, seed, ..LoadOptions::default() };
    let data = Dataset::load(&args.data.data, &options)?;
    tracing::info!("{}", describe_data(&data));
    let report = run(settings, &data, &args.work(), &args.out, args.resume, &command())?;
    let text = describe(&report, args);
    Ok((text, serde_json::to_value(&report).unwrap_or_default()))
}

fn describe(report: &Report, args: &RunArgs) -> String {
    let percent = |x: f64| 100.0 * x;
    format!(
        "{}\ntest accuracy  teacher {:.2} %, after search {:.2} %, fine-tuned {:.2} %, \
         written {:.2} %\n\
         masks  {}\nwrote  {} ({} bytes)",
        table(&report.layers),
        percent(report.teacher.test),
        percent(report.search.test),
        percent(report.finetune.test),
        percent(report.network.test),
        report.mask_hash,
        args.out.display(),
        report.bytes
    )
}

fn evaluate(args: &EvalArgs) -> Result<(String, Value)> {
    use_threads(&args.data);
    let net = load(&args.checkpoint)?;
    let options = LoadOptions { limit: args.data.limit, ..LoadOptions::default() };
    let test = Dataset::load(&args.data.data, &options)?.test;
    let accuracy = accuracy(&net, &test)?;
    let masks = masks(&net)?;
    let relus: usize = masks.counts().iter().sum();
    let (text, hash) = (100.0 * accuracy, masks.hash(&net.layers));
    let text = format!("{text:.2} % of {} test images, {relus} ReLUs, masks {hash}", test.len());
    let value =
        json!({"accuracy": accuracy, "images": test.len(), "relus": relus, "mask_hash": hash});
    Ok((text, value))
}

fn share_out(args: &AllocateArgs) -> Result<(String, Value)> {
    let layers: Vec<Layer> = layers(args.budget.width.clamp(1, 256));
    let shares = shares(&layers, args.budget.relus, &args.budget.culled())?;
    let counts = layer_counts(&layers, &shares);
    Ok((table(&counts), json!({"relus": args.budget.relus, "layers": counts})))
}

fn table(counts: &[LayerCount]) -> String {
    let line = |name: &str, relus: usize, units: usize| {
        let share = 100.0 * relus as f64 / units.max(1) as f64;
        format!("{name:<8}{relus:>8} of {units:>8}{share:>8.2} %")
    };
    let mut lines: Vec<String> = counts.iter().map(|c| line(&c.layer, c.relus, c.units)).collect();
    let sum = |f: fn(&LayerCount) -> usize| counts.iter().map(f).sum();
    lines.push(line("total", sum(|c| c.relus), sum(|c| c.units)));
    lines.join("\n")
}
