//! What connections run on and how long they wait.

use std::num::NonZeroU64;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::error::{Error, Result};

/// How long a connection waits before it is given up.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// At a client, for the connection and the TLS handshake. At a server, from accepting a
    /// connection until it is let in ([`Control::admit`](super::Control::admit)) or makes its
    /// first request.
    pub handshake: Duration,
    /// For a frame that the peer owes us. The peer may be computing: allow for it.
    pub read: Duration,
    /// For one frame to leave.
    pub write: Duration,
    /// Bytes a second that a peer has to send during a request, and to take in, on average: what
    /// it stays below that comes off `read` and `write`, so that no peer spends those anew for
    /// each frame. `read` is whole again at each request. Without it there is no such limit.
    pub min_rate: Option<NonZeroU64>,
    /// For the next request of a client.
    pub idle: Duration,
}

impl Timeouts {
    /// Limits of `patience` for the peer's messages, the rest as by default.
    pub fn with_patience(patience: Duration) -> Self {
        Self { read: patience, write: patience, ..Self::default() }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            read: Duration::from_secs(300),
            write: Duration::from_secs(300),
            min_rate: None,
            idle: Duration::from_secs(900),
        }
    }
}

/// Turns true when the process is asked to stop: waits for requests then end at once.
pub type StopWatch = watch::Receiver<bool>;

/// A runtime for connections, with this many threads. Sessions do not compute on them.
///
/// # Errors
/// `Local` if the system has no threads left.
pub fn io_runtime(threads: usize) -> Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .thread_name("tacita-io")
        .enable_all()
        .build()
        .map_err(|e| Error::local(format!("cannot start the I/O threads: {e}")))
}
