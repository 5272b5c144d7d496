//! A TLS connection as a blocking transport.
//!
//! A session runs on a thread of its own and computes there; two tasks of a tokio runtime move
//! its frames ([`super::tasks`]). Bounded channels in between make a slow party slow the other
//! down instead of filling its memory.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::abort::{self, AbortReason};
use super::counting::RawTraffic;
use super::frame::Frame;
use super::framed::{Event, Framed, Link, Wait};
use super::memory::QUEUED_FRAMES;
use super::runtime::{StopWatch, Timeouts};
use super::tasks::{LINGER, read_frames, write_frames};
use super::transport::{Kind, Transport};
use crate::error::{Error, Result};

/// A transport over TLS. Its methods block: call them outside the runtime's own threads.
pub type TlsTransport = Framed<TlsLink>;

/// Carries frames over a TLS connection.
pub struct TlsLink {
    runtime: Handle,
    timeouts: Timeouts,
    stop: Option<StopWatch>,
    peer: SocketAddr,
    raw: Arc<RawTraffic>,
    out: Sender<Vec<u8>>,
    inbound: Receiver<Result<Frame>>,
    writer: Option<JoinHandle<Result<()>>>,
    reader: JoinHandle<()>,
    greeted: bool,
}

/// What a new transport is made from.
pub(super) struct Parts<S> {
    pub(super) stream: S,
    pub(super) raw: Arc<RawTraffic>,
    pub(super) peer: SocketAddr,
    pub(super) timeouts: Timeouts,
    pub(super) stop: Option<StopWatch>,
}

/// Starts the tasks of a connection. To be called within the runtime.
pub(super) fn start<S>(parts: Parts<S>) -> TlsTransport
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let Parts { stream, raw, peer, timeouts, stop } = parts;
    let (read_half, write_half) = tokio::io::split(stream);
    let (out, to_write) = mpsc::channel(QUEUED_FRAMES);
    let (from_reader, inbound) = mpsc::channel(QUEUED_FRAMES);
    let writer = tokio::spawn(write_frames(write_half, to_write, timeouts.write));
    let reader = tokio::spawn(read_frames(read_half, from_reader));
    Framed::new(TlsLink {
        runtime: Handle::current(),
        timeouts,
        stop,
        peer,
        raw,
        out,
        inbound,
        writer: Some(writer),
        reader,
        greeted: false,
    })
}

impl Link for TlsLink {
    fn push(&mut self, frame: Vec<u8>) -> Result<()> {
        match self.out.try_send(frame) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(self.writer_error()),
            Err(TrySendError::Full(frame)) => {
                // The writer fails after its own limit; this one is for `abort`, which shortens it.
                let send = async { timeout(self.timeouts.write, self.out.send(frame)).await };
                match self.runtime.block_on(send) {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(_)) => Err(self.writer_error()),
                    Err(_) => Err(Error::network("sending: the peer takes nothing in")),
                }
            }
        }
    }

    fn pull(&mut self, wait: Wait) -> Result<Event> {
        if let Ok(frame) = self.inbound.try_recv() {
            self.greeted = true;
            return frame.map(Event::Frame);
        }
        let event = match wait {
            Wait::Reply if self.greeted || self.stop.is_none() => self.wait_for_reply(),
            Wait::Reply => self.wait_for_greeting(),
            Wait::Request => self.wait_for_request(),
        };
        self.greeted = true;
        event
    }

    fn last_words(&mut self) -> Option<Error> {
        let inbound = &mut self.inbound;
        let search = async {
            loop {
                match inbound.recv().await? {
                    Ok(f) if f.kind == Kind::Abort => return Some(abort::received(&f.payload)),
                    Ok(_) => {}
                    Err(e) => return Some(e),
                }
            }
        };
        self.runtime.block_on(async { timeout(LINGER, search).await }).ok().flatten()
    }
}

impl TlsLink {
    fn wait_for_reply(&mut self) -> Result<Event> {
        let (inbound, limit) = (&mut self.inbound, self.timeouts.read);
        match self.runtime.block_on(async { timeout(limit, inbound.recv()).await }) {
            Ok(frame) => received(frame),
            Err(_) => Err(silent(limit)),
        }
    }

    /// A client's first message is due at once: one that only connects must not hold a session
    /// for long, nor up a server that is to stop.
    fn wait_for_greeting(&mut self) -> Result<Event> {
        let limit = self.timeouts.handshake.min(self.timeouts.read);
        let (inbound, stop) = (&mut self.inbound, &mut self.stop);
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                frame = inbound.recv() => received(frame),
                () = stopped(stop) => Ok(Event::Interrupted(AbortReason::ShuttingDown)),
                () = sleep(limit) => Err(silent(limit)),
            }
        })
    }

    fn wait_for_request(&mut self) -> Result<Event> {
        let (inbound, stop) = (&mut self.inbound, &mut self.stop);
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                frame = inbound.recv() => received(frame),
                () = stopped(stop) => Ok(Event::Interrupted(AbortReason::ShuttingDown)),
                () = sleep(self.timeouts.idle) => Ok(Event::Interrupted(AbortReason::Idle)),
            }
        })
    }

    fn stopping(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| *stop.borrow())
    }

    /// Why the writer ended before its time.
    fn writer_error(&mut self) -> Error {
        let ended = self.writer.take().map(|w| self.runtime.block_on(w));
        match ended {
            Some(Ok(Err(e))) => e,
            _ => Error::network("the connection is over"),
        }
    }

    fn close(self, limit: Duration) -> Result<()> {
        let Self { runtime, out, inbound, writer, reader, .. } = self;
        // Without senders the writer empties its queue and says goodbye; without a receiver the
        // reader swallows the rest.
        drop((out, inbound));
        let Some(mut writer) = writer else { return Ok(()) };
        runtime.block_on(async {
            let written = timeout(limit, &mut writer).await;
            writer.abort();
            let _ = timeout(LINGER, reader).await;
            match written {
                Ok(Ok(result)) => result,
                _ => Err(Error::network("closing: the peer takes nothing in")),
            }
        })
    }
}

fn silent(limit: Duration) -> Error {
    Error::network(format!("the peer was silent for {} s", limit.as_secs_f64()))
}

/// Resolves when the stop signal comes; never without one.
async fn stopped(stop: &mut Option<StopWatch>) {
    let signal = match stop {
        Some(stop) => stop.wait_for(|s| *s).await.is_ok(),
        None => false,
    };
    if !signal {
        pending().await
    }
}

/// The reader's words; it only ends without any if its runtime does.
fn received(frame: Option<Result<Frame>>) -> Result<Event> {
    let frame = frame.unwrap_or_else(|| Err(Error::network("the connection is over")));
    frame.map(Event::Frame)
}

impl Framed<TlsLink> {
    /// The peer's address.
    pub fn peer(&self) -> SocketAddr {
        self.link.peer
    }

    /// Bytes on the socket. What exceeds the meter's is the overhead of TLS.
    pub fn raw(&self) -> Arc<RawTraffic> {
        Arc::clone(&self.link.raw)
    }

    /// Sends what is queued, says goodbye to TLS, and waits until the peer hung up too or a
    /// moment passed.
    ///
    /// # Errors
    /// `Network` if queued bytes could not be sent.
    pub fn close(self) -> Result<()> {
        let limit = self.link.timeouts.write;
        self.link.close(limit)
    }

    /// Tells the peer why we stop, without insisting, and closes.
    pub fn abort(mut self, reason: AbortReason) {
        self.link.timeouts.write = self.link.timeouts.write.min(LINGER);
        // The peer may be the reason that this fails: there is nobody left to tell.
        let _ = self.send(Kind::Abort, reason.text().as_bytes());
        let _ = self.link.close(LINGER);
    }

    /// Closes after a session: with an abort if it failed, or if we left before the client did.
    ///
    /// # Errors
    /// As [`Self::close`], and the session's own error.
    pub fn end<R>(self, outcome: Result<R>) -> Result<R> {
        let failure = outcome.as_ref().err();
        let reason = self
            .interrupted()
            .or_else(|| failure.and_then(AbortReason::for_error))
            .or_else(|| self.link.stopping().then_some(AbortReason::ShuttingDown));
        match reason {
            Some(reason) => self.abort(reason),
            None => self.close().or_else(|e| if outcome.is_ok() { Err(e) } else { Ok(()) })?,
        }
        outcome
    }
}
