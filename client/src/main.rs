//! `tacita-client`: the image owner's side of private inference.

mod args;
mod ledger;
mod link;
mod map;
mod paths;
mod patience;
mod progress;
mod report;
mod run;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tacita_cli::Failure;

use crate::args::Args;
use crate::ledger::Ledger;

fn main() -> ExitCode {
    let args = Args::parse();
    let common = args.verb.common();
    tacita_cli::init_log(common.log, "info");
    tacita_cli::run(common.json, common.log, || run(&args))
}

/// Every failure says what became of tickets, and so does an end by a signal.
fn run(args: &Args) -> Result<(), Failure> {
    let ledger = Arc::new(Ledger::default());
    let common = args.verb.common();
    let watched = Arc::clone(&ledger);
    tacita_cli::end_on_signals(common.json, common.log, move |failure| watched.describe(failure))?;
    run::run(args, &ledger).map_err(|failure| ledger.describe(failure))
}
