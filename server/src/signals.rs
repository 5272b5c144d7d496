//! What signals do.
//!
//! SIGINT and SIGTERM ask the server to stop; a second one ends it at once. SIGHUP has it read its
//! certificates and keys again. SIGPIPE is ignored by the standard library.

use std::time::Duration;

use tacita_cli::{STOPPED_EARLY, lossy};
use tacita_protocol::wire::TlsSlot;
use tacita_protocol::{Error, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::args::Args;
use crate::identity;

/// How long a second signal waits for the log.
const FLUSH: Duration = Duration::from_millis(200);

/// The signals that are listened to, from when this is made.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// SIGHUP.
    pub hangup: Signal,
}

impl Signals {
    /// To be called within the runtime.
    ///
    /// # Errors
    /// `Local` if the system does not allow it.
    pub fn new() -> Result<Self> {
        let listen = |kind| {
            signal(kind).map_err(|e| Error::local(format!("cannot listen for signals: {e}")))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Starts to watch for the end; what is left is SIGHUP.
    pub fn watch(self, stop: watch::Sender<bool>) -> Signal {
        tokio::spawn(watch_for_the_end([self.interrupt, self.terminate], stop));
        self.hangup
    }
}

/// The first signal asks to stop, the second one ends the process.
async fn watch_for_the_end([mut interrupt, mut terminate]: [Signal; 2], stop: watch::Sender<bool>) {
    let mut next =
        async || tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () };
    next().await;
    tracing::info!("stopping: running requests are finished first; a second signal ends them");
    stop.send_replace(true);
    next().await;
    tracing::warn!("ended by a second signal");
    lossy::flush(FLUSH);
    std::process::exit(STOPPED_EARLY.into());
}

/// Reads the certificates again at each SIGHUP. Connections that are there keep the old ones, and
/// so do all if the new ones are of no use.
pub async fn reload_certificates(mut hangup: Signal, args: Args, slot: TlsSlot) {
    while hangup.recv().await.is_some() {
        match identity::load(&args) {
            Ok(tls) => {
                slot.replace(tls);
                tracing::info!("certificates and keys were read again; the plan was not");
            }
            Err(e) => tracing::error!("the old certificates stay: {e}"),
        }
    }
}
