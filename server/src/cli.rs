//! The verbs of the command line; without one, it is to serve.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use tacita_cli::{EXIT_CODES, LogFormat};

use crate::args::Args;
use crate::limits::LimitArgs;

/// Serves private inference on a compiled network: clients learn the result and the public plan,
/// the server learns nothing about their images.
#[derive(Parser, Debug)]
#[command(
    name = "tacita-server",
    version,
    after_help = EXIT_CODES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct Cli {
    /// What to do instead of serving
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// How to serve
    #[command(flatten)]
    pub serve: Option<Args>,
    /// Limits on clients; beside the rest, since an optional group of options cannot have a part.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// What to do instead of serving.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Make certificates
    #[command(subcommand)]
    Certs(Certs),
}

/// Which certificates to make.
#[derive(Subcommand, Debug)]
pub enum Certs {
    /// For development: a CA, a server certificate for this machine and a client certificate, with
    /// their keys
    #[command(after_help = EXIT_CODES)]
    Dev(Dev),
}

/// Options of `certs dev`.
#[derive(clap::Args, Debug)]
pub struct Dev {
    /// The folder for them; nothing in it is overwritten
    pub dir: PathBuf,
    /// Another name or address of the server, besides localhost, 127.0.0.1 and ::1 (may be repeated)
    #[arg(long = "name", value_name = "NAME")]
    pub names: Vec<String>,
    /// Report on stdout as JSON
    #[arg(long)]
    pub json: bool,
}

impl Cli {
    /// Whether reports on stdout are JSON, and how logs look.
    pub fn output(&self) -> (bool, LogFormat) {
        match (&self.verb, &self.serve) {
            (Some(Verb::Certs(Certs::Dev(dev))), _) => (dev.json, LogFormat::Text),
            (None, Some(serve)) => (serve.json, serve.log),
            (None, None) => (false, LogFormat::Text),
        }
    }
}
