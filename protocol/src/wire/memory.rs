//! A connected pair of transports in memory, for tests and examples: the frames, limits and
//! counters of a real connection without sockets or a runtime.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::abort;
use super::frame;
use super::framed::{Event, Framed, Link, Wait};
use super::transport::Kind;
use crate::error::{Error, Result};

/// Frames that a direction holds before its sender has to wait, as on a real connection: two
/// parties that both send without receiving stand still here as they would there.
pub const QUEUED_FRAMES: usize = 4;

/// One end of an in-memory connection.
pub type MemoryTransport = Framed<MemoryLink>;

/// Carries frames over channels. Each item is one encoded frame.
pub struct MemoryLink {
    out: SyncSender<Vec<u8>>,
    inbound: Receiver<Vec<u8>>,
}

/// Two connected ends, for two threads.
pub fn pair() -> (MemoryTransport, MemoryTransport) {
    pair_holding(QUEUED_FRAMES)
}

/// Two connected ends that hold this many frames a direction (enough of them, and one thread can
/// play both parties in turn).
pub fn pair_holding(frames: usize) -> (MemoryTransport, MemoryTransport) {
    let (a_out, b_in) = sync_channel(frames);
    let (b_out, a_in) = sync_channel(frames);
    (over(a_out, a_in), over(b_out, b_in))
}

/// An end over the given channels of encoded frames: what a test that misbehaves on purpose uses.
pub fn over(out: SyncSender<Vec<u8>>, inbound: Receiver<Vec<u8>>) -> MemoryTransport {
    Framed::new(MemoryLink { out, inbound })
}

impl Link for MemoryLink {
    fn push(&mut self, frame: Vec<u8>) -> Result<()> {
        self.out.send(frame).map_err(|_| Error::network("the peer closed the connection"))
    }

    fn pull(&mut self, _wait: Wait) -> Result<Event> {
        let bytes =
            self.inbound.recv().map_err(|_| Error::network("the peer closed the connection"))?;
        frame::decode(bytes).map(Event::Frame)
    }

    fn last_words(&mut self) -> Option<Error> {
        // The push failed because the peer's end is gone: everything it sent is already here.
        let frames = std::iter::from_fn(|| self.inbound.try_recv().ok());
        frames
            .filter_map(|bytes| frame::decode(bytes).ok())
            .find(|f| f.kind == Kind::Abort)
            .map(|f| abort::received(&f.payload))
    }
}
