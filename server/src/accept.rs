//! Accepts connections and takes them as far as a session of their own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use tacita_cli::printable;
use tacita_protocol::session::ServerContext;
use tacita_protocol::wire::{AbortReason, Incoming, Listener, StopWatch, TlsTransport};
use tacita_protocol::{Error, Result};

use crate::counters::{Counters, Event};
use crate::descriptors::Reserve;
use crate::doors::{Doors, Pass, Refusal};
use crate::session;
use crate::strangers::Strangers;

/// What connections share.
pub struct Shared {
    /// The plan, prepared.
    pub context: ServerContext,
    /// Who is in.
    pub doors: Arc<Doors>,
    /// What happened.
    pub counters: Arc<Counters>,
    /// How much is said of strangers.
    pub strangers: Strangers,
    /// Turns true when the server is to stop.
    pub stopping: StopWatch,
    /// Whether to report on stdout.
    pub json: bool,
}

impl Shared {
    /// Counts a connection that comes to nothing; whether to say so.
    pub fn may_tell(&self, event: Event) -> bool {
        self.counters.count(event);
        self.strangers.may_tell(&self.counters)
    }

    /// Counts and logs a connection that gets no session.
    pub fn refused(&self, id: u64, peer: SocketAddr, refusal: Refusal) {
        if self.may_tell(refusal.event()) {
            tracing::info!(session = id, %peer, "refused: {refusal}");
        }
    }
}

/// Accepts connections for ever.
pub async fn accept_all(shared: &Arc<Shared>, listener: &Listener) {
    let mut reserve = Reserve::new();
    loop {
        match listener.accept().await {
            Ok(incoming) => {
                shared.counters.count(Event::Connection);
                let pass = shared.doors.enter(incoming.peer().ip(), &incoming.control());
                tokio::spawn(welcome(Arc::clone(shared), incoming, pass));
            }
            Err(e @ Error::Local { .. }) => {
                if shared.may_tell(Event::NoDescriptor) {
                    tracing::warn!("{e}");
                }
                reserve.make_room(&shared.doors, listener).await;
            }
            Err(e) => {
                if shared.may_tell(Event::NoHandshake) {
                    tracing::info!("{e}");
                }
            }
        }
    }
}

async fn welcome(shared: Arc<Shared>, incoming: Incoming, mut pass: Pass) {
    let (id, peer) = (pass.id, incoming.peer());
    let transport = match incoming.handshake().await {
        Ok(transport) => transport,
        Err(e) => return turned_away(&shared, &pass, peer, &e),
    };
    match pass.greeted(transport.fingerprint()) {
        Ok(()) => start(shared, transport, pass),
        Err(refusal) => {
            shared.refused(id, peer, refusal);
            transport.dismiss(Some(refusal.reason()));
        }
    }
}

fn turned_away(shared: &Shared, pass: &Pass, peer: SocketAddr, e: &Error) {
    let refusal = pass.cut_off();
    let refusal =
        refusal.or(shared.stopping.borrow().then_some(Refusal::Cut(AbortReason::ShuttingDown)));
    if let Some(refusal) = refusal {
        return shared.refused(pass.id, peer, refusal);
    }
    if shared.may_tell(Event::NoHandshake) {
        tracing::info!(session = pass.id, %peer, "no handshake: {}", printable(&e.to_string()));
    }
}

/// A thread of its own for the session: it blocks, and what it computes goes to the pool.
fn start(shared: Arc<Shared>, transport: TlsTransport, pass: Pass) {
    // What a thread takes along is lost if it cannot start: it is handed over afterwards.
    let (hand, taken) = channel::<(TlsTransport, Pass)>();
    let (id, peer) = (pass.id, transport.peer());
    let thread_shared = Arc::clone(&shared);
    let run = move || {
        if let Ok((transport, pass)) = taken.recv() {
            session::run(&thread_shared, &pass, transport);
        }
    };
    match spawn(id, run) {
        // It waits for nothing else.
        Ok(()) => drop(hand.send((transport, pass))),
        Err(e) => {
            if shared.may_tell(Event::RefusedNoThread) {
                tracing::error!(session = id, %peer, "refused: {e}");
            }
            transport.dismiss(Some(AbortReason::Busy));
        }
    }
}

fn spawn(id: u64, run: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new()
        .name(format!("session-{id}"))
        .spawn(run)
        .map(drop)
        .map_err(|e| Error::local(format!("no thread for the session: {e}")))
}
