//! Serves until asked to stop, then lets running requests finish.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tacita_cli::{hex, init_compute_pool, json_line, offline_compute, return_freed_memory};
use tacita_protocol::Result;
use tacita_protocol::session::{ServerContext, SessionLimits};
use tacita_protocol::wire::{AbortReason, Listener, StopWatch, io_runtime};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::accept::{Shared, accept_all};
use crate::args::Args;
use crate::counters::{Counters, Event};
use crate::doors::Doors;
use crate::limits::LimitArgs;
use crate::signals::{Signals, reload_certificates};
use crate::strangers::Strangers;
use crate::{descriptors, identity, plan_file};

/// Threads that move bytes and do TLS.
const IO_THREADS: usize = 2;
/// Between two returns of memory that is free: so long that taking it from the system again is no
/// part of the work.
const MEMORY_RETURNS: Duration = Duration::from_secs(30);
/// How long sessions that were cut off have to tell their clients so.
const FAREWELL: Duration = Duration::from_secs(3);

/// How a server that was asked to stop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All requests were finished.
    Done,
    /// Some were cut off.
    Early,
}

/// Runs the server.
///
/// # Errors
/// `Input` for an unusable plan, certificate or address.
pub fn run(args: &Args, on_clients: &LimitArgs) -> Result<Ended> {
    descriptors::raise_limit();
    let runtime = io_runtime(IO_THREADS)?;
    let (stop, stopping) = watch::channel(false);
    // From here on no signal kills, not while the plan is read either.
    let hangup = runtime.block_on(async { Signals::new().map(|signals| signals.watch(stop)) })?;
    let tls = identity::load(args)?;
    let plan = plan_file::load(&args.plan)?;
    let hash = hex(&plan.hash()?);
    let threads = args.threads.map(Into::into);
    init_compute_pool(threads)?;
    let context = ServerContext::with_compute(plan, limits(args), offline_compute(threads)?)?;
    context.prepare_weights()?;
    let shared = Arc::new(share((args, on_clients), context, stopping.clone()));
    let result = runtime.block_on(async {
        let timeouts = on_clients.timeouts();
        let listener = Listener::bind(&args.listen, tls, timeouts, stopping).await?;
        tokio::spawn(reload_certificates(hangup, args.clone(), listener.tls()));
        announce(&listener, &hash, args.json)?;
        let ended = serve(&shared, listener, Duration::from_secs(on_clients.grace)).await;
        farewell(&shared, ended)
    });
    // Farewells that nobody takes in are not waited for.
    runtime.shutdown_background();
    result
}

fn limits(args: &Args) -> SessionLimits {
    SessionLimits {
        max_tickets: args.max_tickets,
        weight_cache: args.weight_cache << 20,
        ot_stock: args.ot_stock << 20,
        batches: args.batches,
    }
}

fn share(
    (args, on_clients): (&Args, &LimitArgs),
    context: ServerContext,
    stopping: StopWatch,
) -> Shared {
    let counters = Arc::new(Counters::default());
    Shared {
        context,
        doors: Arc::new(Doors::new(on_clients.places(), Arc::clone(&counters))),
        counters,
        strangers: Strangers::new(on_clients.stranger_lines),
        stopping,
        json: args.json,
    }
}

fn announce(listener: &Listener, hash: &str, json: bool) -> Result<()> {
    let addr = listener.local_addr();
    tracing::info!(%addr, plan = hash, "listening");
    if json {
        json_line(&json!({"event": "listening", "addr": addr.to_string(), "plan": hash}))?;
    }
    Ok(())
}

async fn serve(shared: &Arc<Shared>, listener: Listener, grace: Duration) -> Ended {
    let mut stopping = shared.stopping.clone();
    tokio::select! {
        () = accept_all(shared, &listener) => {}
        () = shared.strangers.keep_count() => {}
        () = return_memory() => {}
        _ = stopping.wait_for(|s| *s) => {}
    }
    // From here on the system refuses connections.
    drop(listener);
    drain(shared, grace).await
}

/// Gives the memory that past sessions needed back, for ever: what a server holds follows its
/// sessions, and not the busiest moment since its start.
async fn return_memory() {
    loop {
        tokio::time::sleep(MEMORY_RETURNS).await;
        // It takes a while, in which connections are to be accepted.
        let _ = tokio::task::spawn_blocking(return_freed_memory).await;
    }
}

/// Waits until running requests are finished (all else ends by itself), then cuts them off.
async fn drain(shared: &Shared, grace: Duration) -> Ended {
    if timeout(grace, shared.doors.empty()).await.is_ok() {
        return Ended::Done;
    }
    shared.doors.cut_sessions(AbortReason::ShuttingDown);
    // Those that compute notice only later: they end with the process.
    let left = timeout(FAREWELL, shared.doors.empty()).await.is_err();
    match left || shared.counters.get(Event::CutSession) > 0 {
        true => Ended::Early,
        false => Ended::Done,
    }
}

/// Says what there was.
fn farewell(shared: &Shared, ended: Ended) -> Result<Ended> {
    shared.strangers.sum_up();
    let finished = ended == Ended::Done;
    let counters = shared.counters.report(shared.doors.occupied());
    let offline = offline_stretches(shared);
    tracing::info!(finished, %counters, %offline, "stopped");
    if shared.json {
        json_line(&json!({
            "event": "stopped", "finished": finished, "counters": counters,
            "offline_stretches": offline,
        }))?;
    }
    Ok(ended)
}

/// How long inferences had to wait at a time for offline work.
fn offline_stretches(shared: &Shared) -> Value {
    let stretches = shared.context.stretches();
    let mean = stretches.total.as_secs_f64() / stretches.count.max(1) as f64;
    let longest = stretches.longest.as_secs_f64();
    json!({"count": stretches.count, "mean_seconds": mean, "longest_seconds": longest})
}
