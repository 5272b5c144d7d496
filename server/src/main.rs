//! `tacita-server`: the model owner's side of private inference.

mod accept;
mod args;
mod certs;
mod cli;
mod counters;
mod descriptors;
mod doors;
mod identity;
mod limits;
mod plan_file;
mod serve;
mod session;
mod signals;
mod strangers;

use std::process::ExitCode;

use clap::Parser;
use tacita_cli::{LogFormat, STOPPED_EARLY};
use tacita_protocol::{Error, Result};

use crate::cli::{Certs, Cli, Verb};
use crate::serve::Ended;

/// What is logged: nothing of what the TLS library has to say about strangers.
const LEVEL: &str = "info,rustls=error";

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (json, log) = cli.output();
    let mut early = false;
    let code = tacita_cli::run(json, log, || run(&cli).map(|ended| early = ended == Ended::Early));
    if early { STOPPED_EARLY.into() } else { code }
}

fn run(cli: &Cli) -> Result<Ended> {
    match (&cli.verb, &cli.serve) {
        (Some(Verb::Certs(Certs::Dev(dev))), _) => {
            tacita_cli::init_log(LogFormat::Text, LEVEL);
            certs::dev(dev).map(|()| Ended::Done)
        }
        (None, Some(args)) => {
            tacita_cli::init_lossy_log(args.log, LEVEL)?;
            session::hide_panic_messages();
            serve::run(args, &cli.limits)
        }
        (None, None) => Err(Error::input("nothing to do: see --help")),
    }
}
