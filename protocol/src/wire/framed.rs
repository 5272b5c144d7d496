//! The transport over anything that carries frames: cutting, checking, metering, recording.
//!
//! In-memory and TLS connections differ only in their [`Link`], so both count the same bytes.

use sha2::{Digest, Sha256};

use super::abort::{self, AbortReason};
use super::frame::{self, Frame};
use super::meter::Meter;
use super::transport::{CHUNK_BYTES, FRAME_HEADER_BYTES, Kind, MAX_ABORT_BYTES, Transport};
use crate::error::{Error, Result};

/// What we wait for, which decides how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The peer owes us a message: a frame of at most so many bytes.
    Reply(usize),
    /// Between requests: the peer may take its time, and we may be stopped.
    Request,
}

/// What came of waiting.
pub enum Event {
    /// A frame.
    Frame(Frame),
    /// We gave up waiting.
    Interrupted(AbortReason),
}

/// Carries single frames. Implemented inside this crate only.
pub trait Link {
    /// Queues an encoded frame.
    fn push(&mut self, frame: Vec<u8>) -> Result<()>;
    /// The next frame.
    fn pull(&mut self, wait: Wait) -> Result<Event>;
    /// After a failed push: why the peer left, if it said so.
    fn last_words(&mut self) -> Option<Error>;
}

/// SHA-256 of all frames each way, headers included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireTrace {
    /// Of what this end sent.
    pub sent: [u8; 32],
    /// Of what this end received.
    pub received: [u8; 32],
}

#[derive(Clone, Default)]
struct Recorder {
    sent: Sha256,
    received: Sha256,
}

/// A [`Transport`] over a link.
pub struct Framed<L> {
    pub(super) link: L,
    meter: Meter,
    recorder: Option<Recorder>,
    abort_sent: bool,
    over: bool,
    interrupted: Option<AbortReason>,
}

impl<L: Link> Framed<L> {
    pub(super) fn new(link: L) -> Self {
        Self {
            link,
            meter: Meter::default(),
            recorder: None,
            abort_sent: false,
            over: false,
            interrupted: None,
        }
    }

    /// Starts to hash what crosses the wire, for wire-trace tests.
    pub fn record(&mut self) {
        self.recorder = Some(Recorder::default());
    }

    /// Hashes of everything since [`Self::record`]; `None` if nothing is recorded.
    pub fn trace(&self) -> Option<WireTrace> {
        let Recorder { sent, received } = self.recorder.clone()?;
        Some(WireTrace { sent: sent.finalize().into(), received: received.finalize().into() })
    }

    /// Why a wait ended without a message though the connection is sound. If it was one for a
    /// request, [`Transport::recv_any`] answered [`Kind::Goodbye`] in the peer's stead.
    pub fn interrupted(&self) -> Option<AbortReason> {
        self.interrupted
    }

    fn send_frame(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        let bytes = frame::encode(kind, payload);
        let len = bytes.len() as u64;
        if let Some(recorder) = &mut self.recorder {
            recorder.sent.update(&bytes);
        }
        // Counted only once it is queued, so that both ends agree after a failure.
        self.link.push(bytes).map_err(|e| self.link.last_words().unwrap_or(e))?;
        self.meter.sent(kind.phase(), len);
        Ok(())
    }

    fn send_abort(&mut self, payload: &[u8]) -> Result<()> {
        if std::mem::replace(&mut self.abort_sent, true) {
            return Ok(());
        }
        self.send_frame(Kind::Abort, payload.get(..MAX_ABORT_BYTES).unwrap_or(payload))
    }

    /// The next frame if `fits` it. After anything else nothing is received any more: the peer
    /// left or can no longer be understood.
    fn next(&mut self, wait: Wait, fits: impl Fn(&Frame) -> Result<()>) -> Result<Event> {
        if std::mem::replace(&mut self.over, true) {
            return Err(Error::network("the connection is over"));
        }
        let event = self.link.pull(wait)?;
        if let Event::Frame(f) = &event {
            self.count(f);
            if f.kind == Kind::Abort {
                return Err(abort::received(&f.payload));
            }
            fits(f)?;
            self.over = false;
        }
        Ok(event)
    }

    fn count(&mut self, f: &Frame) {
        let header = frame::Header { kind: f.kind, len: f.payload.len() };
        self.meter.received(f.kind.phase(), (FRAME_HEADER_BYTES + header.len) as u64);
        if let Some(recorder) = &mut self.recorder {
            recorder.received.update(frame::encode_header(header));
            recorder.received.update(&f.payload);
        }
    }

    /// The next chunk of a message, of exactly this kind and length.
    fn chunk(&mut self, kind: Kind, len: usize) -> Result<Vec<u8>> {
        let event = self.next(Wait::Reply(len), |f| {
            let got = f.payload.len();
            check(f.kind == kind && got == len, || {
                format!("a {:?} frame of {got} bytes where {kind:?} of {len} was due", f.kind)
            })
        })?;
        match event {
            Event::Frame(f) => Ok(f.payload),
            Event::Interrupted(reason) => {
                self.interrupted = Some(reason);
                Err(Error::local(format!("ended while a message was due: {}", reason.text())))
            }
        }
    }
}

fn check(fits: bool, what: impl FnOnce() -> String) -> Result<()> {
    if fits { Ok(()) } else { Err(Error::misbehaved(what())) }
}

impl<L: Link> Transport for Framed<L> {
    fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        if kind == Kind::Abort {
            return self.send_abort(payload);
        }
        if payload.is_empty() {
            return self.send_frame(kind, payload);
        }
        payload.chunks(CHUNK_BYTES).try_for_each(|chunk| self.send_frame(kind, chunk))
    }

    fn recv(&mut self, kind: Kind, len: usize) -> Result<Vec<u8>> {
        if len <= CHUNK_BYTES {
            return self.chunk(kind, len);
        }
        let mut message = Vec::new();
        message
            .try_reserve_exact(len)
            .map_err(|_| Error::local(format!("no memory for a message of {len} bytes")))?;
        while message.len() < len {
            let due = (len - message.len()).min(CHUNK_BYTES);
            message.extend_from_slice(&self.chunk(kind, due)?);
        }
        Ok(message)
    }

    fn recv_any(&mut self, kinds: &[Kind], max: usize) -> Result<(Kind, Vec<u8>)> {
        // Whoever is ready for a goodbye waits between requests.
        let wait = if kinds.contains(&Kind::Goodbye) { Wait::Request } else { Wait::Reply(max) };
        let event = self.next(wait, |f| {
            let got = f.payload.len();
            check(kinds.contains(&f.kind) && got <= max, || {
                format!("a {:?} frame of {got} bytes where {kinds:?} to {max} was due", f.kind)
            })
        })?;
        match event {
            Event::Frame(f) => Ok((f.kind, f.payload)),
            Event::Interrupted(reason) => {
                self.interrupted = Some(reason);
                Ok((Kind::Goodbye, Vec::new()))
            }
        }
    }

    fn meter(&self) -> &Meter {
        &self.meter
    }
}

impl<T: Transport + ?Sized> Transport for &mut T {
    fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        (**self).send(kind, payload)
    }
    fn recv(&mut self, kind: Kind, len: usize) -> Result<Vec<u8>> {
        (**self).recv(kind, len)
    }
    fn recv_any(&mut self, kinds: &[Kind], max: usize) -> Result<(Kind, Vec<u8>)> {
        (**self).recv_any(kinds, max)
    }
    fn meter(&self) -> &Meter {
        (**self).meter()
    }
}
