//! `tacita-server`: the model owner's side of private inference.

mod accept;
mod args;
mod counters;
mod descriptors;
mod doors;
mod limits;
mod plan_file;
mod serve;
mod session;
mod signals;
mod strangers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;
use tacita_cli::STOPPED_EARLY;
use tacita_protocol::{Error, Result};

use crate::args::Args;
use crate::serve::Ended;

fn main() -> ExitCode {
    let args = Args::parse();
    let ended = run(&args);
    let early = matches!(ended, Ok(Ended::Early));
    let code = tacita_cli::finish(ended.map(|_| ()), args.json, args.log);
    if early { STOPPED_EARLY.into() } else { code }
}

/// What is logged: nothing of what the TLS library has to say about strangers.
const LEVEL: &str = "info,rustls=error";

/// A bug is an error like any other: only its exit code and its place are told.
fn run(args: &Args) -> Result<Ended> {
    tacita_cli::init_lossy_log(args.log, LEVEL)?;
    session::hide_panic_messages();
    catch_unwind(AssertUnwindSafe(|| serve::run(args)))
        .unwrap_or_else(|_| Err(Error::local("the server ran into a bug")))
}
