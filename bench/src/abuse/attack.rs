//! What strangers do to a server. Each attack runs until told to stop, at a rate that leaves the
//! machine to the server: what is tried is its judgement, not the network's breadth. Strangers
//! compute at the lowest priority, as on machines of their own: only the server's part of their
//! work is to be felt.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::ValueEnum;
use tacita_protocol::plan::PLAN_VERSION;
use tacita_protocol::session::{ClientOptions, ClientSession, PROTOCOL_VERSION};
use tacita_protocol::wire::{CHUNK_BYTES, Kind, Transport};
use tacita_protocol::{Error, Result};

use super::stranger::{Origin, Stranger};
use tacita_bench::certs::Certs;
use tacita_bench::process::{sibling, stand_aside};

/// Connections that an attack holds open.
const HELD: usize = 128;
/// Between two connections of one attack.
const PAUSE: Duration = Duration::from_millis(100);
/// Between two bytes of a drip.
const DRIP: Duration = Duration::from_secs(3);

/// One way to be a nuisance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Attack {
    /// TCP connections that say nothing
    SilentTcp,
    /// TLS connections that say nothing
    SilentTls,
    /// A hello of 21 bytes, then nothing
    HelloOnly,
    /// A message's bytes, one every three seconds
    Drip,
    /// Bytes that are no TLS, a line in the log each
    Garbage,
    /// A whole handshake, then a request for tickets whose uploads never come
    NoUploads,
    /// A whole handshake, then requests for odd numbers of tickets
    OddBatches,
    /// A client that makes as many tickets as it may, again and again, and spends none
    Hog,
}

/// What an attack came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Connections tried.
    pub tried: u64,
    /// Those that the server did not take or soon ended.
    pub turned_away: u64,
}

impl Attack {
    /// Carries on until `stop`.
    pub fn run(self, origin: &Origin, (addr, certs): (&str, &Certs), stop: &AtomicBool) -> Tally {
        stand_aside();
        let over = || stop.load(Ordering::Relaxed);
        let mut tally = Tally::default();
        match self {
            Self::SilentTcp => hold(over, &mut tally, || origin.tcp().map(Held::Tcp)),
            Self::SilentTls => hold(over, &mut tally, || origin.tls().map(Held::tls)),
            Self::HelloOnly => hold(over, &mut tally, || hello(origin).map(Held::tls)),
            Self::NoUploads => hold(over, &mut tally, || request(origin, 1).map(Held::tls)),
            Self::Drip => again(over, &mut tally, || drip(origin, &over)),
            Self::Garbage => again(over, &mut tally, || garbage(origin)),
            Self::OddBatches => {
                let mut odd = [3, 5, 7, 11, 13, 29, 61].into_iter().cycle();
                again(over, &mut tally, || {
                    request(origin, odd.next().unwrap_or(3))?.wait_for_end()
                });
            }
            Self::Hog => again(over, &mut tally, || hog(addr, certs, &over)),
        }
        tally
    }
}

/// A connection kept for its slot alone.
enum Held {
    Tcp(#[expect(dead_code, reason = "held open")] TcpStream),
    Tls(#[expect(dead_code, reason = "held open")] Box<Stranger>),
}

impl Held {
    fn tls(stranger: Stranger) -> Self {
        Self::Tls(Box::new(stranger))
    }
}

/// Opens connections and keeps the newest.
fn hold(over: impl Fn() -> bool, tally: &mut Tally, mut open: impl FnMut() -> Result<Held>) {
    let mut held = VecDeque::new();
    while !over() {
        tally.tried += 1;
        match open() {
            Ok(connection) => held.push_back(connection),
            Err(_) => tally.turned_away += 1,
        }
        if held.len() > HELD {
            held.pop_front();
        }
        std::thread::sleep(PAUSE);
    }
}

/// Does the same thing again and again.
fn again(over: impl Fn() -> bool, tally: &mut Tally, mut act: impl FnMut() -> Result<()>) {
    while !over() {
        tally.tried += 1;
        tally.turned_away += u64::from(act().is_err());
        std::thread::sleep(PAUSE);
    }
}

fn hello_bytes() -> Vec<u8> {
    let mut hello = b"TACITAIN".to_vec();
    hello.extend_from_slice(&PROTOCOL_VERSION.to_le_bytes());
    hello.extend_from_slice(&PLAN_VERSION.to_le_bytes());
    hello
}

/// The server has to answer with its hello.
fn hello(origin: &Origin) -> Result<Stranger> {
    let mut stranger = origin.tls()?;
    stranger.send(Kind::ClientHello, &hello_bytes())?;
    stranger.recv_any(&[Kind::ServerHello], CHUNK_BYTES)?;
    Ok(stranger)
}

/// The head of a long message, then a byte at a time until the server has had enough.
fn drip(origin: &Origin, over: &dyn Fn() -> bool) -> Result<()> {
    let mut stranger = hello(origin)?;
    stranger.raw(&[0, 0, 4, 0, Kind::ClientKeys as u8])?;
    while !over() {
        stranger.raw(&[7])?;
        std::thread::sleep(DRIP);
    }
    Ok(())
}

fn garbage(origin: &Origin) -> Result<()> {
    use std::io::Write;
    let mut tcp = origin.tcp()?;
    let sent = tcp.write_all(b"GET / HTTP/1.1\r\nHost: example\r\n\r\n");
    sent.map_err(|e| Error::network(e.to_string()))
}

/// An honest handshake and a request for tickets; nothing follows.
fn request(origin: &Origin, tickets: u32) -> Result<Stranger> {
    let mut stranger = origin.tls()?;
    let choices = {
        let session = ClientSession::connect(&mut stranger, &ClientOptions::default())?;
        session.plan().relu_choices.to_bytes()
    };
    let request = [&tickets.to_le_bytes()[..], &[7; 32], &choices].concat();
    stranger.send(Kind::OfflineRequest, &request)?;
    Ok(stranger)
}

/// A client of our own that hoards.
fn hog(addr: &str, certs: &Certs, over: &dyn Fn() -> bool) -> Result<()> {
    // It has the priority of the thread that starts it.
    let mut command = sibling("tacita-client")?;
    command.args(["prepare", "-n", "64", "--server", addr, "--server-name", "localhost"]);
    command.arg("--ca").arg(&certs.ca);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let failed = |e: std::io::Error| Error::local(format!("tacita-client: {e}"));
    let mut child = command.spawn().map_err(failed)?;
    loop {
        if over() {
            let _ = child.kill();
        }
        match child.try_wait().map_err(failed)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(Error::local(status.to_string())),
            None => std::thread::sleep(PAUSE),
        }
    }
}
