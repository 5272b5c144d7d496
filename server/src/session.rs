//! One client's session, on its own thread.

use std::cell::Cell;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use tacita_cli::{json_line, printable, traffic};
use tacita_protocol::session::SessionReport;
use tacita_protocol::wire::{AbortReason, Meter, Phase, RawTraffic, TlsTransport, Transport};
use tacita_protocol::{Error, Result};

use crate::accept::Shared;
use crate::counters::Event;
use crate::doors::{Pass, Refusal};

/// A panic's message may quote the data that caused it: only its place is logged.
pub fn hide_panic_messages() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "internal error (a bug)");
    }));
}

/// Serves one client to the end and logs what came of it.
pub fn run(shared: &Shared, pass: &Pass, mut transport: TlsTransport) {
    let started = Instant::now();
    let peer = transport.peer();
    let door = Door { shared, pass, outcome: Cell::new(Outcome::Unpaid), peer };
    let outcome = serve(&door, &mut transport);
    let (meter, raw) = (transport.meter().clone(), transport.raw());
    let paid = door.outcome.get();
    let outcome = match paid {
        Outcome::Session { .. } => transport.end(outcome),
        // The system needs the thread again at once; only while stopping it may wait for a
        // farewell to arrive.
        Outcome::Unpaid if *shared.stopping.borrow() => transport.end(outcome),
        Outcome::Unpaid => transport.end_at_once(outcome, None),
        Outcome::Refused(refusal) => transport.end_at_once(outcome, Some(refusal.reason())),
    };
    let seconds = started.elapsed().as_secs_f64();
    let summary = Summary { id: pass.id, peer, seconds, outcome, meter, raw };
    door.tell(&summary);
}

/// What became of a connection so far.
#[derive(Clone, Copy)]
enum Outcome {
    Unpaid,
    Refused(Refusal),
    Session { told: bool },
}

/// Where a connection becomes a session, or does not.
struct Door<'a> {
    shared: &'a Shared,
    pass: &'a Pass,
    outcome: Cell<Outcome>,
    peer: SocketAddr,
}

impl Door<'_> {
    /// The client has paid.
    fn paid(&self) -> Result<()> {
        if let Err(refusal) = self.pass.paid() {
            self.outcome.set(Outcome::Refused(refusal));
            return Err(Error::local(refusal.to_string()));
        }
        let told = self.shared.strangers.may_tell(&self.shared.counters);
        if told {
            let (peer, client) = (self.peer, self.pass.client());
            tracing::info!(session = self.pass.id, %peer, %client, "session opened");
        }
        self.outcome.set(Outcome::Session { told });
        Ok(())
    }

    /// Counts and tells what came of it; of strangers not more than is allowed.
    fn tell(&self, summary: &Summary) {
        let tell = match self.outcome.get() {
            Outcome::Session { told } => self.count(summary) || told,
            Outcome::Refused(refusal) => {
                return self.shared.refused(self.pass.id, self.peer, refusal);
            }
            Outcome::Unpaid => match self.turned_away() {
                Some(refusal) => return self.shared.refused(self.pass.id, self.peer, refusal),
                None => self.shared.may_tell(Event::NoSession),
            },
        };
        if tell {
            summary.tell(self.shared.json);
        }
    }

    /// Counts a session; whether something came of it.
    fn count(&self, summary: &Summary) -> bool {
        let counters = &self.shared.counters;
        let failed = summary.outcome.is_err();
        if failed {
            counters.count(Event::FailedSession);
        }
        if failed && self.pass.cut_off().is_some() {
            counters.count(Event::CutSession);
        }
        summary.meter.phase(Phase::Offline).received > 0
    }

    /// Why a client that had not paid was sent away, if it is not its own doing.
    fn turned_away(&self) -> Option<Refusal> {
        let stopping = *self.shared.stopping.borrow();
        let shutdown = Refusal::Cut(AbortReason::ShuttingDown);
        self.pass.cut_off().or(stopping.then_some(shutdown))
    }
}

fn serve(door: &Door<'_>, transport: &mut TlsTransport) -> Result<SessionReport> {
    let shared = door.shared;
    let stop = || *shared.stopping.borrow();
    let paid = || door.paid();
    // A bug that one session runs into must not take the others down. What the session borrowed
    // is dropped or read-only, so nothing broken survives it.
    catch_unwind(AssertUnwindSafe(|| shared.context.serve_paid(transport, &stop, &paid)))
        .unwrap_or_else(|_| Err(Error::local("the session ran into a bug")))
}

/// What a session did: numbers, never contents.
struct Summary {
    id: u64,
    peer: SocketAddr,
    seconds: f64,
    outcome: Result<SessionReport>,
    meter: Meter,
    raw: Arc<RawTraffic>,
}

impl Summary {
    /// Bytes that TLS added, sent and received.
    fn overhead(&self) -> (u64, u64) {
        let phases = [Phase::Session, Phase::Offline, Phase::Online].map(|p| self.meter.phase(p));
        let sent: u64 = phases.iter().map(|p| p.sent).sum();
        let received: u64 = phases.iter().map(|p| p.received).sum();
        // Frames that were queued when a connection broke are counted but never left.
        (self.raw.sent().saturating_sub(sent), self.raw.received().saturating_sub(received))
    }

    fn tell(&self, json: bool) {
        self.log();
        if json {
            // The log has it too: a closed stdout must not end the server.
            let _ = json_line(&self.json());
        }
    }

    fn log(&self) {
        let report = self.outcome.as_ref().copied().unwrap_or_default();
        let [setup, offline, online] =
            [Phase::Session, Phase::Offline, Phase::Online].map(|p| self.meter.phase(p));
        let (tls_sent, tls_received) = self.overhead();
        let error = self.outcome.as_ref().err().map(|e| printable(&e.to_string()));
        tracing::info!(
            session = self.id,
            peer = %self.peer,
            seconds = format_args!("{:.3}", self.seconds),
            tickets = report.tickets,
            inferences = report.inferences,
            setup_sent = setup.sent,
            setup_received = setup.received,
            offline_sent = offline.sent,
            offline_received = offline.received,
            online_sent = online.sent,
            online_received = online.received,
            tls_sent,
            tls_received,
            error,
            "session closed"
        );
    }

    fn json(&self) -> serde_json::Value {
        let report = self.outcome.as_ref().ok();
        let (tls_sent, tls_received) = self.overhead();
        json!({
            "event": "session",
            "session": self.id,
            "seconds": self.seconds,
            "tickets": report.map(|r| r.tickets),
            "inferences": report.map(|r| r.inferences),
            "setup": traffic(self.meter.phase(Phase::Session)),
            "offline": traffic(self.meter.phase(Phase::Offline)),
            "online": traffic(self.meter.phase(Phase::Online)),
            "tls": {"sent": tls_sent, "received": tls_received},
            "error": self.outcome.as_ref().err().map(ToString::to_string),
        })
    }
}
