//! `tacita-server`: the model owner's side of private inference.

mod args;
mod identity;
mod plan_file;
mod serve;
mod session;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    tacita_cli::init_log(args.log, "info");
    session::hide_panic_messages();
    tacita_cli::finish(serve::run(&args), args.json, args.log)
}
