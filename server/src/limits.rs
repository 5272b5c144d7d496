//! Limits on clients, as options.

use std::num::NonZeroU64;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use tacita_protocol::wire::Timeouts;

/// Longest time that can be asked for, in seconds: a year.
const LONGEST: u64 = 365 * 24 * 3600;

fn count(most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=most)
}

fn seconds(least: u64) -> RangedU64ValueParser<u64> {
    RangedU64ValueParser::new().range(least..=LONGEST)
}

/// What clients may take. A client is the certificate that it shows under --client-ca, otherwise
/// its address (an IPv6 network of 64 bits counts as one).
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Sessions at a time; further clients are told that the server is busy. A connection takes a
    /// session's place only once its client has sent its keys
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = count(4096))]
    pub max_sessions: usize,
    /// Sessions of one client at a time [default: half of --max-sessions]
    #[arg(long, value_name = "N", value_parser = count(4096))]
    pub sessions_per_client: Option<usize>,
    /// Connections without a session: so many in their TLS handshake, and as many after it. When
    /// there are more, the oldest one is closed
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = count(1 << 16))]
    pub max_unpaid: usize,
    /// Of these, connections of one client; when there are more, its oldest one is closed
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = count(1 << 16))]
    pub unpaid_per_client: usize,
    /// Close a connection whose client has not sent its keys so long after connecting
    #[arg(long, value_name = "SECS", default_value_t = 20, value_parser = seconds(1))]
    pub greeting_timeout: u64,
    /// Give a client up that owes a message for so long (it may be computing: be generous)
    #[arg(long, value_name = "SECS", default_value_t = 300, value_parser = seconds(1))]
    pub timeout: u64,
    /// Bytes that a client has to send during a request, and to take in, on average, in KiB a
    /// second: time below that comes off --timeout, once for the whole request; 0 for no minimum
    #[arg(long, value_name = "KIB", default_value_t = 16,
          value_parser = RangedU64ValueParser::<u64>::new().range(0..=1 << 20))]
    pub min_rate: u64,
    /// Send a client away that asks for nothing for so long
    #[arg(long, value_name = "SECS", default_value_t = 900, value_parser = seconds(1))]
    pub idle_timeout: u64,
    /// When asked to stop (SIGTERM, SIGINT), finish running requests for at most so long
    #[arg(long, value_name = "SECS", default_value_t = 30, value_parser = seconds(0))]
    pub grace: u64,
    /// Lines in ten seconds about connections that come to nothing, in the log and on stdout;
    /// further ones are only counted
    #[arg(long, value_name = "N", default_value_t = 20,
          value_parser = RangedU64ValueParser::<u64>::new().range(0..=1_000_000))]
    pub stranger_lines: u64,
}

impl LimitArgs {
    /// The connections' time limits.
    pub fn timeouts(&self) -> Timeouts {
        let patience = Duration::from_secs(self.timeout);
        Timeouts {
            handshake: Duration::from_secs(self.greeting_timeout),
            read: patience,
            write: patience,
            min_rate: NonZeroU64::new(self.min_rate << 10),
            idle: Duration::from_secs(self.idle_timeout),
        }
    }

    /// How many connections of which kind there may be.
    pub fn places(&self) -> crate::doors::Places {
        crate::doors::Places {
            unpaid: self.max_unpaid,
            unpaid_per_client: self.unpaid_per_client,
            sessions: self.max_sessions,
            sessions_per_client: self
                .sessions_per_client
                .unwrap_or_else(|| self.max_sessions.div_ceil(2)),
        }
    }
}
