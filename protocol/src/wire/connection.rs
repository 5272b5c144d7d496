//! A TLS connection as a blocking transport.
//!
//! A session runs on a thread of its own and computes there; two tasks of a tokio runtime move
//! its frames ([`super::tasks`]). Bounded channels in between make a slow party slow the other
//! down instead of filling its memory.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::abort::{self, AbortReason};
use super::control::{Control, ServerSide, cut_off, stopped};
use super::counting::RawTraffic;
use super::frame::{self, Frame};
use super::framed::{Event, Framed, Link, Wait};
use super::memory::QUEUED_FRAMES;
use super::patience::Patience;
use super::runtime::Timeouts;
use super::tasks::{LINGER, read_frames, write_frames};
use super::transport::{CHUNK_BYTES, Kind, Transport};
use crate::error::{Error, Result};

/// A transport over TLS. Its methods block: call them outside the runtime's own threads.
pub type TlsTransport = Framed<TlsLink>;

/// Carries frames over a TLS connection.
pub struct TlsLink {
    runtime: Handle,
    timeouts: Timeouts,
    patience: Patience,
    server: Option<ServerSide>,
    peer: SocketAddr,
    raw: Arc<RawTraffic>,
    out: Sender<Vec<u8>>,
    inbound: Receiver<Result<Frame>>,
    writer: Option<JoinHandle<Result<()>>>,
    reader: JoinHandle<()>,
}

/// What a new transport is made from.
pub(super) struct Parts<S> {
    pub(super) stream: S,
    pub(super) raw: Arc<RawTraffic>,
    pub(super) peer: SocketAddr,
    pub(super) timeouts: Timeouts,
    pub(super) server: Option<ServerSide>,
}

/// Starts the tasks of a connection. To be called within the runtime.
pub(super) fn start<S>(parts: Parts<S>) -> TlsTransport
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let Parts { stream, raw, peer, timeouts, server } = parts;
    let (read_half, write_half) = tokio::io::split(stream);
    let (out, to_write) = mpsc::channel(QUEUED_FRAMES);
    let (from_reader, inbound) = mpsc::channel(QUEUED_FRAMES);
    let sending = Patience::new(timeouts.write, timeouts.min_rate);
    let writer = tokio::spawn(write_frames(write_half, to_write, sending));
    let reader = tokio::spawn(read_frames(read_half, from_reader));
    let receiving = Patience::new(timeouts.read, timeouts.min_rate);
    Framed::new(TlsLink {
        runtime: Handle::current(),
        timeouts,
        patience: receiving.starting_with(timeouts.handshake),
        server,
        peer,
        raw,
        out,
        inbound,
        writer: Some(writer),
        reader,
    })
}

impl Link for TlsLink {
    fn push(&mut self, frame: Vec<u8>) -> Result<()> {
        if let Some(reason) = self.cut_reason() {
            return Err(Error::local(reason.text()));
        }
        match self.out.try_send(frame) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(self.writer_error()),
            Err(TrySendError::Full(frame)) => self.push_slowly(frame),
        }
    }

    fn pull(&mut self, wait: Wait) -> Result<Event> {
        if let Some(reason) = self.cut_reason() {
            return Ok(Event::Interrupted(reason));
        }
        let event = match self.inbound.try_recv() {
            Ok(frame) => frame.map(Event::Frame),
            Err(_) => self.wait(wait),
        };
        if let (Wait::Request, Some(server)) = (wait, &mut self.server) {
            server.asked = true;
            self.patience.renew();
        }
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
    fn control(&self) -> Option<&Control> {
        self.server.as_ref().map(|server| &server.control)
    }

    fn cut_reason(&self) -> Option<AbortReason> {
        self.control().and_then(Control::cut_reason)
    }

    fn push_slowly(&mut self, frame: Vec<u8>) -> Result<()> {
        // The writer fails after its own limit; this one is for `abort`, which shortens it.
        let limit = Patience::new(self.timeouts.write, self.timeouts.min_rate).limit(CHUNK_BYTES);
        let (out, control) = (&self.out, self.control().cloned());
        let sent = self.runtime.block_on(async {
            tokio::select! {
                biased;
                sent = out.send(frame) => sent.map_err(|_| None),
                reason = cut_off(control) => Err(Some(Error::local(reason.text()))),
                () = sleep(limit) => {
                    Err(Some(Error::network("sending: the peer takes nothing in, or too little")))
                }
            }
        });
        sent.map_err(|e| e.unwrap_or_else(|| self.writer_error()))
    }

    fn wait(&mut self, wait: Wait) -> Result<Event> {
        let since = Instant::now();
        let limit = self.limit(wait);
        let asked = self.server.as_ref().is_some_and(|server| server.asked);
        let control = self.control().cloned();
        let (inbound, server) = (&mut self.inbound, &mut self.server);
        let stop = async {
            // A request under way is finished first, unless it is cut off.
            match wait {
                Wait::Reply(_) if asked => cut_off(control).await,
                _ => stopped(server).await,
            }
        };
        let event = self.runtime.block_on(async {
            tokio::select! {
                biased;
                frame = inbound.recv() => Some(received(frame)),
                reason = stop => Some(Ok(Event::Interrupted(reason))),
                () = sleep(limit) => None,
            }
        });
        match (event, wait) {
            (Some(event), Wait::Reply(bytes)) => {
                self.patience.spend(since.elapsed(), bytes);
                event
            }
            (Some(event), Wait::Request) => event,
            (None, Wait::Request) => Ok(Event::Interrupted(AbortReason::Idle)),
            (None, Wait::Reply(_)) => Err(self.late(limit)),
        }
    }

    /// How long to wait.
    fn limit(&self, wait: Wait) -> Duration {
        let Wait::Reply(bytes) = wait else { return self.timeouts.idle };
        let limit = self.patience.limit(bytes);
        self.greeting().map_or(limit, |due| due.duration_since(Instant::now()).min(limit))
    }

    /// When a client's greeting is due, while it is under way: one that only connects must not
    /// hold a place for long.
    fn greeting(&self) -> Option<Instant> {
        self.server.as_ref().filter(|s| !s.asked).and_then(|s| s.control.greeting())
    }

    fn late(&self, limit: Duration) -> Error {
        let seconds = limit.as_secs_f64();
        if self.greeting().is_some_and(|due| due <= Instant::now()) {
            let all = self.timeouts.handshake.as_secs_f64();
            return Error::network(format!("the client's greeting took longer than {all} s"));
        }
        if self.patience.has_rate() {
            return Error::network(format!("the peer was silent or too slow, for {seconds:.1} s"));
        }
        Error::network(format!("the peer was silent for {seconds} s"))
    }

    fn stopping(&self) -> bool {
        self.server.as_ref().is_some_and(|server| *server.stop.borrow())
    }

    /// Why the writer ended before its time.
    fn writer_error(&mut self) -> Error {
        let ended = self.writer.take().map(|w| self.runtime.block_on(w));
        match ended {
            Some(Ok(Err(e))) => e,
            _ => Error::network("the connection is over"),
        }
    }

    /// Says goodbye, then waits until the peer hung up too or a moment passed.
    fn close(self, limit: Duration) -> (Handle, impl Future<Output = Result<()>> + Send) {
        let Self { runtime, out, inbound, writer, reader, .. } = self;
        // Without senders the writer empties its queue and says goodbye; without a receiver the
        // reader swallows the rest.
        drop((out, inbound));
        let end = async move {
            let Some(mut writer) = writer else { return Ok(()) };
            let written = timeout(limit, &mut writer).await;
            writer.abort();
            let _ = timeout(LINGER, reader).await;
            match written {
                Ok(Ok(result)) => result,
                _ => Err(Error::network("closing: the peer takes nothing in")),
            }
        };
        (runtime, end)
    }

    fn close_now(self, limit: Duration) -> Result<()> {
        let (runtime, end) = self.close(limit);
        runtime.block_on(end)
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

    /// SHA-256 of the certificate that the client showed, if it was asked for one.
    pub fn fingerprint(&self) -> Option<[u8; 32]> {
        self.link.server.as_ref().and_then(|server| server.fingerprint)
    }

    /// Sends what is queued, says goodbye to TLS, and waits until the peer hung up too or a
    /// moment passed.
    ///
    /// # Errors
    /// `Network` if queued bytes could not be sent.
    pub fn close(self) -> Result<()> {
        let limit = self.link.timeouts.write;
        self.link.close_now(limit)
    }

    /// Tells the peer why we stop, without insisting, and closes.
    pub fn abort(mut self, reason: AbortReason) {
        self.link.timeouts.write = self.link.timeouts.write.min(LINGER);
        // Who is cut off is told so.
        self.link.server = None;
        // The peer may be the reason that this fails: there is nobody left to tell.
        let _ = self.send(Kind::Abort, reason.text().as_bytes());
        let _ = self.link.close_now(LINGER);
    }

    /// As [`Self::abort`], without waiting: what is left to do the runtime does. Without a reason
    /// nothing is told.
    pub fn dismiss(self, reason: Option<AbortReason>) {
        if let Some(reason) = reason {
            // A full queue means that the peer reads nothing: it would not read this either.
            let _ = self.link.out.try_send(frame::encode(Kind::Abort, reason.text().as_bytes()));
        }
        let (runtime, end) = self.link.close(LINGER);
        runtime.spawn(end);
    }

    /// Closes after a session: with an abort if it failed, or if we left before the client did.
    ///
    /// # Errors
    /// As [`Self::close`], and the session's own error.
    pub fn end<R>(self, outcome: Result<R>) -> Result<R> {
        match self.last_word(&outcome) {
            Some(reason) => self.abort(reason),
            None => self.close().or_else(|e| if outcome.is_ok() { Err(e) } else { Ok(()) })?,
        }
        outcome
    }

    /// As [`Self::end`], without waiting for the peer: for sessions that came to nothing, which
    /// must not hold a thread. `reason` is told instead of the session's own.
    pub fn end_at_once<R>(self, outcome: Result<R>, reason: Option<AbortReason>) -> Result<R> {
        let reason = reason.or_else(|| self.last_word(&outcome));
        self.dismiss(reason);
        outcome
    }

    /// Why we close, if it is not the natural end.
    fn last_word<R>(&self, outcome: &Result<R>) -> Option<AbortReason> {
        let failure = outcome.as_ref().err();
        self.interrupted()
            .or_else(|| self.link.cut_reason())
            .or_else(|| failure.and_then(AbortReason::for_error))
            .or_else(|| self.link.stopping().then_some(AbortReason::ShuttingDown))
    }
}
