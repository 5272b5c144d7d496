//! Counts bytes (above TLS, framing included) and round trips per phase.

/// Phases of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Handshake, keys, base OTs.
    Session = 0,
    /// Making tickets.
    Offline = 1,
    /// Spending them.
    Online = 2,
}

/// Counters of one phase, from this end's view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhaseTraffic {
    /// Bytes sent.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
    /// Times that a receive followed a send. At the client this is the number of round trips.
    pub rounds: u64,
}

/// Bytes and round trips of one phase as the client sees them, predicted or measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes from the client to the server, above TLS, framing included.
    pub up: u64,
    /// Bytes from the server to the client.
    pub down: u64,
    /// Round trips.
    pub rounds: u64,
}

impl From<PhaseTraffic> for Traffic {
    /// Reads a client's counters.
    fn from(t: PhaseTraffic) -> Self {
        Self { up: t.sent, down: t.received, rounds: t.rounds }
    }
}

/// Counters of a connection.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    phases: [PhaseTraffic; 3],
    just_sent: bool,
}

impl Meter {
    /// Counters of a phase.
    pub fn phase(&self, phase: Phase) -> PhaseTraffic {
        let [session, offline, online] = self.phases;
        match phase {
            Phase::Session => session,
            Phase::Offline => offline,
            Phase::Online => online,
        }
    }
    /// Counts a sent frame.
    pub fn sent(&mut self, phase: Phase, bytes: u64) {
        self.phase_mut(phase).sent += bytes;
        self.just_sent = true;
    }
    /// Counts a received frame.
    pub fn received(&mut self, phase: Phase, bytes: u64) {
        let turn = std::mem::take(&mut self.just_sent);
        let counters = self.phase_mut(phase);
        counters.received += bytes;
        counters.rounds += u64::from(turn);
    }
    fn phase_mut(&mut self, phase: Phase) -> &mut PhaseTraffic {
        let [session, offline, online] = &mut self.phases;
        match phase {
            Phase::Session => session,
            Phase::Offline => offline,
            Phase::Online => online,
        }
    }
}
