//! `tacita-compile report`.

use serde::Serialize;
use tacita_compile::report_page::{Contents, Errors, render};
use tacita_compile::{Calibration, Error, Result, load};
use tacita_protocol::cost::predict;
use tacita_protocol::plan::Plan;

use super::args::Report;
use super::output::{print, print_json, rewrite};
use super::{fed, load_plan};

/// The page that was written.
#[derive(Serialize)]
struct Outcome {
    output: String,
    bytes: usize,
    measured: bool,
}

pub fn run(args: &Report, json: bool) -> Result<()> {
    let plan = load_plan(&args.plan)?;
    let batch = args.batch.unwrap_or(plan.public.batch);
    let prediction = predict(&plan.public, batch)?;
    let errors = errors(args, &plan)?;
    let command = command();
    let contents = Contents {
        plan: &plan,
        prediction: &prediction,
        errors: errors.as_ref(),
        command: &command,
    };
    let page = render(&contents)?;
    rewrite(&args.output, page.as_bytes())?;
    let output = args.output.display().to_string();
    let outcome = Outcome { output, bytes: page.len(), measured: errors.is_some() };
    if json {
        return print_json(&outcome);
    }
    print(&format!("wrote {} ({} bytes)\n", outcome.output, outcome.bytes))
}

/// Float against fixed point, where the model and images are given.
fn errors(args: &Report, plan: &Plan) -> Result<Option<Errors>> {
    let (Some(model), Some(path)) = (&args.model, &args.data) else { return Ok(None) };
    let network = fed(load(model)?, &plan.public)?;
    let images = Calibration::from_path(path, network.input, args.n, args.resize)?;
    let about = |e| match e {
        Error::Input { what } => Error::input(format!("{}: {what}", model.display())),
        e => e,
    };
    Errors::measure(network, plan, &images).map(Some).map_err(about)
}

/// The command as typed, without the folder of the program.
fn command() -> String {
    let args = std::env::args().skip(1);
    std::iter::once("tacita-compile".to_owned()).chain(args).collect::<Vec<_>>().join(" ")
}
