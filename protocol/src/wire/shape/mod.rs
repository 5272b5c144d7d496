//! A socket made to act like a slow line: for measurements without such a line at hand.
//!
//! A stand-in for the network, below TLS and at one end only: bytes that are written wait their
//! turn, take their time on the line, and reach the real socket half a round trip later; bytes
//! from the real socket do the same on their way to the reader. What is not modelled: loss, TCP's
//! slow start, and acknowledgements, which take line time from the other direction.

mod alarm;
mod pump;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::task::JoinHandle;

use alarm::{Alarm, Clock};
use pump::{CHUNK, Lane, pump};

/// Bytes that each direction takes in beyond those that fit on the line, as a socket's buffers do.
const BUFFER: usize = 1 << 20;

/// A line to act like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// From one end to the other: half a round trip.
    pub one_way: Duration,
    /// Seconds that a byte of TCP takes from us to the peer.
    pub up: f64,
    /// From the peer to us.
    pub down: f64,
}

impl Line {
    /// The wait before a connection is there: TCP's greeting, to the peer and back.
    pub(super) fn greeting(&self) -> Duration {
        2 * self.one_way
    }

    fn lane(&self, seconds_a_byte: f64) -> Lane {
        let on_the_line = self.one_way.as_secs_f64() / seconds_a_byte;
        // A rate beyond all measure leaves the semaphore's own limit.
        let room = (on_the_line as usize).saturating_add(BUFFER).min(Lane::MOST_ROOM);
        Lane { delay: self.one_way, seconds_a_byte, room }
    }
}

/// A stream that acts like one over a [`Line`]. Its tasks run on the current runtime.
pub(super) struct Shaped {
    up: DuplexStream,
    down: DuplexStream,
    // `None` once it ended and said how.
    sender: Option<JoinHandle<Result<()>>>,
    receiver: Option<JoinHandle<Result<()>>>,
}

impl Shaped {
    /// Puts a line before `socket`.
    ///
    /// # Errors
    /// If the system has no timer left.
    pub(super) fn new<S>(socket: S, line: Line) -> Result<Self>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        Ok(Self::with_alarms(socket, line, [Clock::new()?, Clock::new()?]))
    }

    fn with_alarms<S, A>(socket: S, line: Line, [for_up, for_down]: [A; 2]) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
        A: Alarm,
    {
        let (from_socket, to_socket) = tokio::io::split(socket);
        let ((up, to_send), (received, down)) = (duplex(CHUNK), duplex(CHUNK));
        let sender = tokio::spawn(pump(to_send, to_socket, line.lane(line.up), for_up));
        let receiver = tokio::spawn(pump(from_socket, received, line.lane(line.down), for_down));
        Self { up, down, sender: Some(sender), receiver: Some(receiver) }
    }
}

impl Drop for Shaped {
    /// What was written still arrives; nobody waits for what the peer sends.
    fn drop(&mut self) {
        if let Some(task) = &self.receiver {
            task.abort();
        }
    }
}

/// How a pump ended: known once.
fn ended(task: &mut Option<JoinHandle<Result<()>>>, cx: &mut Context<'_>) -> Poll<Result<()>> {
    let Some(running) = task else { return Poll::Ready(Ok(())) };
    let end = ready!(Pin::new(running).poll(cx));
    *task = None;
    Poll::Ready(end.unwrap_or_else(|e| Err(e.into())))
}

impl AsyncRead for Shaped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buf.remaining();
        ready!(Pin::new(&mut self.down).poll_read(cx, buf))?;
        match buf.remaining() == before && before > 0 {
            // The end: with an error if the socket had one.
            true => ended(&mut self.receiver, cx),
            false => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Shaped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.up).poll_write(cx, buf)
    }

    /// Nothing to wait for: like a socket, this sends on its own.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.up).poll_flush(cx)
    }

    /// Ends when everything written has reached the real socket and that is shut down.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(Pin::new(&mut self.up).poll_shutdown(cx))?;
        ended(&mut self.sender, cx)
    }
}
