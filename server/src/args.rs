//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use tacita_cli::LogFormat;
use tacita_protocol::session::BatchSizes;

/// How to serve.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// The compiled network, made by `tacita-compile`
    #[arg(long, value_name = "FILE")]
    pub plan: PathBuf,
    /// Where to listen; port 0 picks a free port
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: String,
    /// The server's certificate chain (PEM)
    #[arg(long, value_name = "FILE")]
    pub cert: PathBuf,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Serve only clients whose certificate this CA signed (PEM)
    #[arg(long, value_name = "FILE")]
    pub client_ca: Option<PathBuf>,
    /// Compute threads, shared by all sessions: so many for inferences, and as many of lower priority
    /// for tickets [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Unspent tickets that a session may hold
    #[arg(long, value_name = "N", default_value_t = 64,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1 << 20))]
    pub max_tickets: usize,
    /// How many tickets clients may make at a time: at most 8 numbers, ascending from 1 [default:
    /// the powers of two up to the plan's batch, and that]
    #[arg(long, value_name = "N,N", value_parser = batches)]
    pub batches: Option<BatchSizes>,
    /// Memory for transformed weights, in MiB, those in use included: what does not fit is
    /// transformed anew for each batch of tickets
    #[arg(long, value_name = "MIB", default_value_t = 1024,
          value_parser = RangedU64ValueParser::<usize>::new().range(0..=1 << 20))]
    pub weight_cache: usize,
    /// Memory for a session's stock of correlated OTs, in MiB, if its client chooses silent OT: 160
    /// is enough for medium sets both ways; clients keep to what the server announces
    #[arg(long, value_name = "MIB", default_value_t = 160,
          value_parser = RangedU64ValueParser::<usize>::new().range(0..=1 << 20))]
    pub ot_stock: usize,
    /// Log format (stderr)
    #[arg(long, value_enum, default_value_t)]
    pub log: LogFormat,
    /// Report events on stdout, one JSON object a line
    #[arg(long)]
    pub json: bool,
}

fn batches(text: &str) -> Result<BatchSizes, String> {
    text.parse().map_err(|e: tacita_protocol::Error| e.to_string())
}
