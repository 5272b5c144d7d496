//! One client's session, on its own thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use tacita_cli::{json_line, printable, traffic};
use tacita_protocol::session::{ServerContext, SessionReport};
use tacita_protocol::wire::{Meter, Phase, RawTraffic, StopWatch, TlsTransport, Transport};
use tacita_protocol::{Error, Result};

/// What a session needs besides its connection.
pub struct Job {
    /// Names the session in the log.
    pub id: u64,
    /// The plan, prepared.
    pub context: Arc<ServerContext>,
    /// Turns true when the server is to stop.
    pub stopping: StopWatch,
    /// Whether to report on stdout.
    pub json: bool,
}

/// A panic's message may quote the data that caused it: only its place is logged.
pub fn hide_panic_messages() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "internal error (a bug)");
    }));
}

/// Serves one client to the end and logs what came of it.
pub fn run(job: &Job, mut transport: TlsTransport) {
    let started = Instant::now();
    tracing::info!(session = job.id, peer = %transport.peer(), "session opened");
    let outcome = serve(job, &mut transport);
    let (meter, raw) = (transport.meter().clone(), transport.raw());
    let outcome = transport.end(outcome);
    let summary =
        Summary { id: job.id, seconds: started.elapsed().as_secs_f64(), outcome, meter, raw };
    summary.log();
    if job.json {
        // The log has it too: a closed stdout must not end the server.
        let _ = json_line(&summary.json());
    }
}

fn serve(job: &Job, transport: &mut TlsTransport) -> Result<SessionReport> {
    let stop = || *job.stopping.borrow();
    // A bug that one session runs into must not take the others down. What the session borrowed
    // is dropped or read-only, so nothing broken survives it.
    catch_unwind(AssertUnwindSafe(|| job.context.serve(transport, &stop)))
        .unwrap_or_else(|_| Err(Error::local("the session ran into a bug")))
}

/// What a session did: numbers, never contents.
struct Summary {
    id: u64,
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

    fn log(&self) {
        let report = self.outcome.as_ref().copied().unwrap_or_default();
        let [setup, offline, online] =
            [Phase::Session, Phase::Offline, Phase::Online].map(|p| self.meter.phase(p));
        let (tls_sent, tls_received) = self.overhead();
        let error = self.outcome.as_ref().err().map(|e| printable(&e.to_string()));
        tracing::info!(
            session = self.id,
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
