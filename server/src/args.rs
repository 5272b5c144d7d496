//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use tacita_cli::LogFormat;
use tacita_protocol::wire::Timeouts;

/// How to serve.
#[derive(clap::Args, Debug)]
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
    /// Compute threads, shared by all sessions [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Sessions at a time; further clients are told that the server is busy
    #[arg(long, value_name = "N", default_value_t = 8,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=4096))]
    pub max_sessions: usize,
    /// Unspent tickets that a session may hold
    #[arg(long, value_name = "N", default_value_t = 64,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1 << 20))]
    pub max_tickets: usize,
    /// Memory for transformed weights, in MiB: what does not fit is transformed anew for each
    /// batch of tickets
    #[arg(long, value_name = "MIB", default_value_t = 1024,
          value_parser = RangedU64ValueParser::<usize>::new().range(0..=1 << 20))]
    pub weight_cache: usize,
    /// Memory for a session's stock of correlated OTs, in MiB, if its client chooses silent OT: 160
    /// is enough for medium sets both ways; clients keep to what the server announces
    #[arg(long, value_name = "MIB", default_value_t = 160,
          value_parser = RangedU64ValueParser::<usize>::new().range(0..=1 << 20))]
    pub ot_stock: usize,
    /// Give a client up that owes a message for so long (it may be computing: be generous)
    #[arg(long, value_name = "SECS", default_value_t = 300,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
    /// Send a client away that asks for nothing for so long
    #[arg(long, value_name = "SECS", default_value_t = 900,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub idle_timeout: u64,
    /// Log format (stderr)
    #[arg(long, value_enum, default_value_t)]
    pub log: LogFormat,
    /// Report events on stdout, one JSON object a line
    #[arg(long)]
    pub json: bool,
}

impl Args {
    /// The connections' time limits.
    pub fn timeouts(&self) -> Timeouts {
        Timeouts {
            idle: Duration::from_secs(self.idle_timeout),
            ..Timeouts::with_patience(Duration::from_secs(self.timeout))
        }
    }
}
