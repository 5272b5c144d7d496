//! `tacita-client`: the image owner's side of private inference.

mod args;
mod link;
mod progress;
mod report;
mod run;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    let common = args.verb.common();
    tacita_cli::init_log(common.log, "info");
    tacita_cli::finish(run::run(&args), common.json, common.log)
}
