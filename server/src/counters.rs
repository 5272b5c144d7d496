//! What happened since the start, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};
use tacita_cli::lossy;

use crate::doors::Occupied;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection was accepted.
    Connection,
    /// A TLS handshake failed or took too long.
    NoHandshake,
    /// A client was gone, silent or wrong before it had a session.
    NoSession,
    /// A connection without a session had to make room.
    Evicted,
    /// All sessions were taken.
    RefusedFull,
    /// A client had its share of the sessions.
    RefusedShare,
    /// The server was about to stop.
    RefusedStopping,
    /// There was no thread for a connection.
    RefusedNoThread,
    /// There was no descriptor for a connection.
    NoDescriptor,
    /// A session began.
    Session,
    /// A session ended on an error.
    FailedSession,
    /// A session was cut off in the middle of a request.
    CutSession,
    /// A line about a stranger was only counted.
    WithheldLine,
}

impl Event {
    const ALL: [(Self, &str); 13] = [
        (Self::Connection, "connections"),
        (Self::NoHandshake, "no_handshake"),
        (Self::NoSession, "no_session"),
        (Self::Evicted, "evicted"),
        (Self::RefusedFull, "refused_full"),
        (Self::RefusedShare, "refused_share"),
        (Self::RefusedStopping, "refused_stopping"),
        (Self::RefusedNoThread, "refused_no_thread"),
        (Self::NoDescriptor, "no_descriptor"),
        (Self::Session, "sessions"),
        (Self::FailedSession, "failed_sessions"),
        (Self::CutSession, "cut_sessions"),
        (Self::WithheldLine, "withheld_lines"),
    ];
}

/// A counter for each [`Event`].
#[derive(Default)]
pub struct Counters([AtomicU64; Event::ALL.len()]);

impl Counters {
    /// Counts one.
    pub fn count(&self, event: Event) {
        self.of(event).fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self, event: Event) -> u64 {
        self.of(event).load(Ordering::Relaxed)
    }

    fn of(&self, event: Event) -> &AtomicU64 {
        &self.0[event as usize]
    }

    /// All of them by name, what is open now, and output lines that were lost.
    pub fn report(&self, open: Occupied) -> Value {
        let counted = Event::ALL.map(|(event, name)| (name, self.get(event)));
        let lost = lossy::lost();
        let now = [
            ("open_handshakes", open.handshakes as u64),
            ("open_unpaid", open.unpaid as u64),
            ("open_sessions", open.sessions as u64),
            ("lost_log_lines", lost.log),
            ("lost_events", lost.out),
        ];
        let named = counted.into_iter().chain(now);
        Value::Object(named.map(|(name, n)| (name.to_owned(), n.into())).collect::<Map<_, _>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_its_counter() {
        for (i, (event, _)) in Event::ALL.into_iter().enumerate() {
            assert_eq!(event as usize, i);
        }
        let counters = Counters::default();
        counters.count(Event::Evicted);
        let open = Occupied { handshakes: 1, unpaid: 2, sessions: 3 };
        let report = counters.report(open);
        assert_eq!((&report["evicted"], &report["refused_full"]), (&1.into(), &0.into()));
        assert_eq!(report["open_unpaid"], 2);
    }
}
