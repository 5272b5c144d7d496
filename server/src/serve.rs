//! Accepts connections until asked to stop, then lets running requests finish.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tacita_cli::{hex, init_compute_pool, json_line};
use tacita_protocol::session::{ServerContext, SessionLimits};
use tacita_protocol::wire::{AbortReason, Incoming, Listener, StopWatch, TlsTransport, io_runtime};
use tacita_protocol::{Error, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::args::Args;
use crate::{identity, plan_file, session};

/// Handshakes under way at a time; further connections wait in the system's queue.
const MAX_HANDSHAKES: usize = 64;
/// Threads that move bytes and do TLS.
const IO_THREADS: usize = 2;
/// Exit code of a process that a second signal ends.
const KILLED: i32 = 130;

/// Runs the server.
///
/// # Errors
/// `Input` for an unusable plan, certificate or address.
pub fn run(args: &Args) -> Result<()> {
    let tls = identity::load(args)?;
    let plan = plan_file::load(&args.plan)?;
    let hash = hex(&plan.hash()?);
    init_compute_pool(args.threads.map(Into::into))?;
    let limits = SessionLimits {
        max_tickets: args.max_tickets,
        weight_cache: args.weight_cache << 20,
        ot_stock: args.ot_stock << 20,
    };
    let context = Arc::new(ServerContext::new(plan, limits)?);
    let runtime = io_runtime(IO_THREADS)?;
    let result = runtime.block_on(async {
        let (stop, stopping) = watch::channel(false);
        tokio::spawn(watch_signals(signals()?, stop));
        let listener = Listener::bind(&args.listen, tls, args.timeouts(), stopping.clone()).await?;
        announce(&listener, &hash, args.json)?;
        let house = House {
            context,
            sessions: Arc::new(Semaphore::new(args.max_sessions)),
            stopping,
            json: args.json,
        };
        house.serve(listener, args.max_sessions).await;
        Ok(())
    });
    // Farewells that nobody takes in are not waited for.
    runtime.shutdown_background();
    result
}

type Signals = [tokio::signal::unix::Signal; 2];

fn signals() -> Result<Signals> {
    let listen =
        |kind| signal(kind).map_err(|e| Error::local(format!("cannot listen for signals: {e}")));
    Ok([listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?])
}

/// The first signal asks to stop, the second one ends the process.
async fn watch_signals([mut interrupt, mut terminate]: Signals, stop: watch::Sender<bool>) {
    let mut next =
        async || tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () };
    next().await;
    tracing::info!("stopping: running requests are finished first; a second signal ends them");
    stop.send_replace(true);
    next().await;
    tracing::warn!("ended by a second signal");
    std::process::exit(KILLED);
}

fn announce(listener: &Listener, hash: &str, json: bool) -> Result<()> {
    let addr = listener.local_addr();
    tracing::info!(%addr, plan = hash, "listening");
    if json {
        json_line(&json!({"event": "listening", "addr": addr.to_string(), "plan": hash}))?;
    }
    Ok(())
}

/// What connections share.
#[derive(Clone)]
struct House {
    context: Arc<ServerContext>,
    sessions: Arc<Semaphore>,
    stopping: StopWatch,
    json: bool,
}

impl House {
    async fn serve(self, listener: Listener, max_sessions: usize) {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            () = self.accept_all(&listener) => {}
            _ = stopping.wait_for(|s| *s) => {}
        }
        // From here on the system refuses connections.
        drop(listener);
        let _ = self.sessions.acquire_many(max_sessions as u32).await;
        tracing::info!("stopped");
    }

    async fn accept_all(&self, listener: &Listener) {
        let handshakes = Arc::new(Semaphore::new(MAX_HANDSHAKES));
        let ids = AtomicU64::new(1);
        while let Ok(slot) = Arc::clone(&handshakes).acquire_owned().await {
            match listener.accept().await {
                Ok(incoming) => {
                    let id = ids.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(self.clone().welcome(incoming, id, slot));
                }
                Err(e) => {
                    tracing::warn!("{e}");
                    // Out of descriptors, most likely: do not spin until some are free.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn welcome(self, incoming: Incoming, id: u64, slot: OwnedSemaphorePermit) {
        let peer = incoming.peer();
        let transport = match incoming.handshake().await {
            Ok(transport) => transport,
            Err(e) => return tracing::info!(session = id, %peer, "no handshake: {e}"),
        };
        if *self.stopping.borrow() {
            return refuse(transport, id, AbortReason::ShuttingDown, slot);
        }
        match Arc::clone(&self.sessions).try_acquire_owned() {
            Ok(permit) => self.start(transport, id, permit),
            Err(_) => refuse(transport, id, AbortReason::Busy, slot),
        }
    }

    /// A thread of its own for the session: it blocks, and what it computes goes to the pool.
    fn start(self, transport: TlsTransport, id: u64, permit: OwnedSemaphorePermit) {
        let job =
            session::Job { id, context: self.context, stopping: self.stopping, json: self.json };
        let spawned = std::thread::Builder::new().name(format!("session-{id}")).spawn(move || {
            session::run(&job, transport);
            drop(permit);
        });
        if let Err(e) = spawned {
            tracing::error!(session = id, "no thread for the session: {e}");
        }
    }
}

/// Turns a client away with a word.
fn refuse(transport: TlsTransport, id: u64, reason: AbortReason, slot: OwnedSemaphorePermit) {
    tracing::info!(session = id, peer = %transport.peer(), "refused: {}", reason.text());
    tokio::task::spawn_blocking(move || {
        transport.abort(reason);
        drop(slot);
    });
}
