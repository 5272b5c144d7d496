//! `tacita-server`: the model owner's side of private inference.

mod args;
mod certs;
mod cli;
mod identity;
mod plan_file;
mod serve;
mod session;

use std::process::ExitCode;

use clap::Parser;
use tacita_protocol::{Error, Result};

use crate::cli::{Certs, Cli, Verb};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (json, log) = cli.output();
    tacita_cli::init_log(log, "info");
    tacita_cli::run(json, log, || run(&cli))
}

fn run(cli: &Cli) -> Result<()> {
    match (&cli.verb, &cli.serve) {
        (Some(Verb::Certs(Certs::Dev(dev))), _) => certs::dev(dev),
        (None, Some(args)) => {
            session::hide_panic_messages();
            serve::run(args)
        }
        (None, None) => Err(Error::input("nothing to do: see --help")),
    }
}
