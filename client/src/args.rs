//! The command line.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Parser, Subcommand};
use tacita_cli::{EXIT_CODES, LogFormat, Ot, Relu};
use tacita_protocol::cost::Link;
use tacita_protocol::plan::MAX_BATCH;
use tacita_protocol::wire::Timeouts;

/// Has images classified, or maps of them made, by a server that learns nothing about them.
#[derive(Parser, Debug)]
#[command(name = "tacita-client", version, after_help = EXIT_CODES)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Classify images
    #[command(after_help = EXIT_CODES)]
    Infer(Infer),
    /// Make tickets ahead of time, then classify the images named on stdin, one a line
    #[command(after_help = EXIT_CODES)]
    Prepare(Prepare),
    /// Show the public plan of a server
    #[command(after_help = EXIT_CODES)]
    Info(Info),
}

impl Verb {
    /// Where answers go that are maps.
    pub fn map_out(&self) -> Option<&Path> {
        match self {
            Self::Infer(v) => v.map_out.as_deref(),
            Self::Prepare(v) => v.map_out.as_deref(),
            Self::Info(_) => None,
        }
    }

    /// The options that all verbs have.
    pub fn common(&self) -> &Common {
        match self {
            Self::Infer(v) => &v.common,
            Self::Prepare(v) => &v.common,
            Self::Info(v) => &v.common,
        }
    }
}

/// Options of `infer`.
#[derive(clap::Args, Debug)]
pub struct Infer {
    #[command(flatten)]
    pub common: Common,
    /// Images (PNG or JPEG); or arrays (.npy, of float32, float64 or uint8) in the network's own
    /// units and of its input's shape, as the model's graph takes them
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<PathBuf>,
    /// Where answers go that are maps: FILE.png (a mask: white where the network's value is over 0,
    /// or a grey value a class), FILE.npy (the values), or a folder for both of each image
    #[arg(long, value_name = "FILE|DIR")]
    pub map_out: Option<PathBuf>,
    /// Scale images to the network's input size (the aspect ratio is not kept)
    #[arg(long)]
    pub resize: bool,
    #[command(flatten)]
    pub making: Making,
}

/// Options of `prepare`.
#[derive(clap::Args, Debug)]
pub struct Prepare {
    #[command(flatten)]
    pub common: Common,
    /// Tickets to make
    #[arg(short = 'n', long = "tickets", value_name = "N",
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1 << 20))]
    pub tickets: usize,
    /// A folder for answers that are maps: of each image a mask (PNG) and the values (.npy)
    #[arg(long, value_name = "DIR")]
    pub map_out: Option<PathBuf>,
    /// Scale images to the network's input size (the aspect ratio is not kept)
    #[arg(long)]
    pub resize: bool,
    #[command(flatten)]
    pub making: Making,
}

/// How tickets are made.
#[derive(clap::Args, Debug)]
pub struct Making {
    /// Tickets made at a time, at most: the server announces which numbers it makes
    /// [default: what the plan says]
    #[arg(long, value_name = "N", value_parser = batch_parser())]
    pub batch: Option<usize>,
    /// What computes the ReLUs [default: what the plan says]
    #[arg(long, value_enum)]
    pub relu: Option<Relu>,
    /// How correlated OTs are made
    #[arg(long, value_enum, default_value_t)]
    pub ot: Ot,
}

/// Options of `info`.
#[derive(clap::Args, Debug)]
pub struct Info {
    #[command(flatten)]
    pub common: Common,
}

fn batch_parser() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=MAX_BATCH as u64)
}

/// Options of all verbs.
#[derive(clap::Args, Debug)]
pub struct Common {
    /// The server
    #[arg(long, value_name = "HOST:PORT")]
    pub server: String,
    /// The CA that signed the server's certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub ca: PathBuf,
    /// The name in the server's certificate [default: the host]
    #[arg(long, value_name = "NAME")]
    pub server_name: Option<String>,
    /// Our certificate chain, if the server asks for one (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Refuse a server with another plan than this (64 hexadecimal digits, see `info`)
    #[arg(long, value_name = "HASH", value_parser = parse_hash)]
    pub expect_plan: Option<PlanHashArg>,
    /// Give the server up if it owes a message for so long (it may be computing: be generous); also
    /// the limit, if under 10, for each of its addresses to answer
    #[arg(long, value_name = "SECS", default_value_t = 600,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
    /// While the server is busy, shutting down or not there, try again for so long; 0 tries once. No
    /// image is sent twice
    #[arg(long, value_name = "SECS", default_value_t = 30)]
    pub wait: u64,
    /// Compute threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Act as if the connection were this slow, both ways (for measurements): lan (1 Gbit/s, 1 ms),
    /// wan (100 Mbit/s, 40 ms), mobile (10 Mbit/s up, 30 down, 60 ms), RTT,RATE or RTT,UP,DOWN
    /// (such as 20ms,200Mbit) [default: as it is]
    #[arg(long, value_name = "NETWORK", value_parser = parse_link)]
    pub network: Option<Link>,
    /// Results on stdout as JSON, one object a line
    #[arg(long)]
    pub json: bool,
    /// Log format (stderr)
    #[arg(long, value_enum, default_value_t)]
    pub log: LogFormat,
}

impl Common {
    /// How long to wait for a server that is away.
    pub fn wait(&self) -> Duration {
        Duration::from_secs(self.wait)
    }

    /// The connection's time limits.
    pub fn timeouts(&self) -> Timeouts {
        let timeouts = Timeouts::with_patience(Duration::from_secs(self.timeout));
        Timeouts { handshake: timeouts.handshake.min(timeouts.read), ..timeouts }
    }
}

fn parse_link(text: &str) -> Result<Link, String> {
    text.parse().map_err(|e: tacita_protocol::Error| e.to_string())
}

/// A plan hash as clap keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanHashArg(pub [u8; 32]);

fn parse_hash(text: &str) -> Result<PlanHashArg, String> {
    let wrong = || "a plan hash has 64 hexadecimal digits".to_owned();
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong());
    }
    let mut hash = [0; 32];
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
        // `from_str_radix` alone would take a sign.
        let plain = digits.bytes().all(|d| d.is_ascii_hexdigit());
        *byte = u8::from_str_radix(digits, 16).ok().filter(|_| plain).ok_or_else(wrong)?;
    }
    Ok(PlanHashArg(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_round_trip() {
        let hash: [u8; 32] = std::array::from_fn(|i| (i * 9) as u8);
        assert_eq!(parse_hash(&tacita_cli::hex(&hash)), Ok(PlanHashArg(hash)));
        for bad in ["", "00", &"+1".repeat(32), &"zz".repeat(32), &"é".repeat(32)] {
            assert!(parse_hash(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_certificate_needs_its_key() {
        let words = ["tacita-client", "info", "--server", "h:1", "--ca", "ca.pem", "--cert", "c"];
        assert!(Args::try_parse_from(words).is_err());
    }
}
