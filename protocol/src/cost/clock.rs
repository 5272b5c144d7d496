//! Two parties' clocks: who computes, who waits, what is on the line.
//!
//! Each party has one thread that computes (with help of its pool), sends and receives in program
//! order. A message occupies its direction of the line for its bytes, arrives half a round trip
//! later, and is read once its receiver asks for it. A sender goes on while its message travels,
//! as far as buffers reach: queued frames and the socket. A receiver that computes leaves the
//! message in its own buffers, and beyond those on the line.
//!
//! On one machine both parties use the same cores, and so does TLS: nothing overlaps.

use super::link::Link;
use super::profile::WireKernels;
use crate::wire::memory::QUEUED_FRAMES;
use crate::wire::{CHUNK_BYTES, framed_bytes};

/// Bytes that a direction holds at each end: the queue, a frame in work, and the socket's buffer.
const BUFFER: f64 = ((QUEUED_FRAMES + 1) * CHUNK_BYTES + (1 << 20)) as f64;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Party {
    Client,
    Server,
}

impl Party {
    fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// A pair of values, one a party (or one a direction, named by its sender).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pair<T> {
    pub(super) client: T,
    pub(super) server: T,
}

impl<T> Pair<T> {
    pub(super) fn of(&mut self, party: Party) -> &mut T {
        match party {
            Party::Client => &mut self.client,
            Party::Server => &mut self.server,
        }
    }
}

/// What a layer, or a whole phase, keeps busy: seconds of computing and of each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Work {
    pub(super) computing: Pair<f64>,
    pub(super) sending: Pair<f64>,
}

/// A message under way: when its last byte is there.
#[derive(Clone, Copy, Debug)]
#[must_use = "a message that nobody receives"]
pub(super) struct Arrival(f64);

/// Seconds that a byte takes up and down: those of the line, but a fast line still waits for TLS,
/// at which both ends work at the same time.
pub(super) fn byte_seconds(link: &Link, wire: &WireKernels, cores: usize) -> [f64; 2] {
    let at_a_time = if link.one_machine { cores.clamp(1, 2) } else { 2 };
    link.seconds_a_byte().map(|line| line.max(wire.byte / at_a_time as f64))
}

/// The state of a simulated phase.
pub(super) struct Clock {
    latency: f64,
    byte: Pair<f64>,
    one_machine: bool,
    now: Pair<f64>,
    line: Pair<f64>,
    machine: f64,
    /// Layer that the work is booked on.
    layer: Option<usize>,
    pub(super) layers: Vec<Work>,
    pub(super) total: Work,
    /// Bytes sent by each party, framed.
    pub(super) bytes: Pair<u64>,
}

impl Clock {
    pub(super) fn new(link: &Link, wire: &WireKernels, cores: usize, layers: usize) -> Self {
        let [client, server] = byte_seconds(link, wire, cores);
        let byte = Pair { client, server };
        Self {
            latency: link.rtt / 2.0 + wire.message,
            byte,
            one_machine: link.one_machine,
            now: Pair::default(),
            line: Pair::default(),
            machine: 0.0,
            layer: None,
            layers: vec![Work::default(); layers],
            total: Work::default(),
            bytes: Pair::default(),
        }
    }

    /// What follows belongs to this layer; `None`: to none.
    pub(super) fn layer(&mut self, layer: Option<usize>) {
        self.layer = layer;
    }

    fn book(&mut self, book: impl Fn(&mut Work)) {
        book(&mut self.total);
        if let Some(work) = self.layer.and_then(|l| self.layers.get_mut(l)) {
            book(work);
        }
    }

    /// A party computes.
    pub(super) fn compute(&mut self, party: Party, seconds: f64) {
        let start = self.now.of(party).max(if self.one_machine { self.machine } else { 0.0 });
        let end = start + seconds;
        *self.now.of(party) = end;
        self.machine = end;
        self.book(|w| *w.computing.of(party) += seconds);
    }

    /// A party sends a message of `payload` bytes.
    pub(super) fn send(&mut self, from: Party, payload: usize) -> Arrival {
        let bytes = framed_bytes(payload);
        *self.bytes.of(from) += bytes;
        let byte = *self.byte.of(from);
        let seconds = bytes as f64 * byte;
        self.book(|w| *w.sending.of(from) += seconds);
        let now = *self.now.of(from);
        if self.one_machine {
            self.machine = self.machine.max(now) + seconds;
            return Arrival(self.machine + self.latency);
        }
        let mut sent = now.max(*self.line.of(from)) + seconds;
        let beyond = bytes as f64 - 2.0 * BUFFER;
        if beyond > 0.0 {
            // The last bytes leave once the receiver has begun to empty its buffers.
            sent = sent.max(*self.now.of(from.peer()) + beyond * byte);
        }
        *self.line.of(from) = sent;
        *self.now.of(from) = now.max(sent - BUFFER * byte);
        Arrival(sent + self.latency)
    }

    /// A party takes a message in.
    pub(super) fn receive(&mut self, party: Party, Arrival(there): Arrival) {
        let now = self.now.of(party);
        *now = now.max(there);
    }

    /// Seconds until a party was done.
    pub(super) fn done(&mut self, party: Party) -> f64 {
        *self.now.of(party)
    }
}
