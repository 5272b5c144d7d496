//! Connections: TLS over loopback, and what a session needs to start.

use std::thread;
use std::time::Instant;

use tacita_architectures::Options;
use tacita_bench::certs::{self, Certs};
use tacita_bench::meter::{Meter, timed};
use tacita_bench::networks::{Keep, Network};
use tacita_protocol::cost::profile::WireKernels;
use tacita_protocol::session::{ClientOptions, ClientSession, ServerContext, SessionLimits};
use tacita_protocol::wire::{
    ClientTls, Identity, Kind, Listener, Pem, ServerTls, Target, Timeouts, Transport, connect,
    io_runtime, memory,
};
use tacita_protocol::{Error, Result};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Bytes of a long message.
const LONG: usize = 8 << 20;
/// Messages there and back in one measurement.
const PINGS: usize = 200;

/// Measures them between two threads of this process.
pub fn measure(meter: &Meter) -> Result<WireKernels> {
    let dir = tempfile::tempdir().map_err(|e| Error::local(format!("no temp folder: {e}")))?;
    let certs = certs::make(dir.path())?;
    // As many threads move bytes as at a client and at a server.
    let ends = [io_runtime(1)?, io_runtime(2)?];
    let (_stop, stopping) = watch::channel(false);
    let tls = ServerTls::new(&Identity::read(&certs.cert, &certs.key)?, None)?;
    let [near, far] = &ends;
    let timeouts = Timeouts::default();
    let listener = far.block_on(Listener::bind("127.0.0.1:0", tls, timeouts, stopping))?;
    let result = thread::scope(|scope| {
        let echo = scope.spawn(|| serve(far, &listener));
        let measured = dial_and_measure(meter, near, &listener, &certs);
        let served = echo.join().map_err(|_| Error::local("the echo thread failed"))?;
        measured.and_then(|m| served.map(|()| m))
    });
    let (byte, message, connect) = result?;
    for end in ends {
        end.shutdown_background();
    }
    Ok(WireKernels { byte, message, connect, session: session(meter)? })
}

/// Answers connections until one says goodbye at once: short messages are sent back, long ones
/// acknowledged.
fn serve(runtime: &Runtime, listener: &Listener) -> Result<()> {
    loop {
        let mut t = runtime.block_on(async { listener.accept().await?.handshake().await })?;
        let mut heard = 0;
        loop {
            let (kind, payload) =
                t.recv_any(&[Kind::Tables, Kind::Activations, Kind::Goodbye], LONG)?;
            match kind {
                Kind::Goodbye if payload.is_empty() && heard == 0 => return t.close(),
                Kind::Goodbye => break t.close()?,
                Kind::Activations => t.send(Kind::Labels, &payload)?,
                _ => {
                    // The first chunk; the rest follows.
                    t.recv(Kind::Tables, LONG - payload.len())?;
                    t.send(Kind::Labels, &[0; 8])?;
                }
            }
            heard += 1;
        }
    }
}

/// Seconds of a byte, of a small message and of a connection.
fn dial_and_measure(
    meter: &Meter,
    runtime: &Runtime,
    listener: &Listener,
    certs: &Certs,
) -> Result<(f64, f64, f64)> {
    let target = Target::new(&listener.local_addr().to_string(), Some("localhost"))?;
    let tls = ClientTls::new(&Pem::read(&certs.ca)?, None)?;
    let dial = || connect(runtime.handle(), &target, &tls, Timeouts::default());
    let connecting = meter.median(|| {
        let (mut t, seconds) = timed(|| {
            let mut t = dial()?;
            ping(&mut t, &[0; 8])?;
            Ok(t)
        })?;
        t.send(Kind::Goodbye, &[])?;
        t.close()?;
        Ok(seconds)
    })?;
    let mut t = dial()?;
    let message = meter.median(|| {
        let started = Instant::now();
        (0..PINGS).try_for_each(|_| ping(&mut t, &[0; 8]))?;
        Ok(started.elapsed().as_secs_f64() / (2 * PINGS) as f64)
    })?;
    let long = vec![7; LONG];
    let cpu = meter.median(|| {
        let ((), seconds) = timed(|| {
            t.send(Kind::Tables, &long)?;
            t.recv(Kind::Labels, 8).map(|_| ())
        })?;
        Ok(seconds)
    })?;
    t.send(Kind::Goodbye, &[])?;
    t.close()?;
    let mut last = dial()?;
    last.send(Kind::Goodbye, &[])?;
    last.close()?;
    Ok((cpu / LONG as f64, message, connecting))
}

fn ping(t: &mut impl Transport, payload: &[u8]) -> Result<()> {
    t.send(Kind::Activations, payload)?;
    t.recv(Kind::Labels, payload.len()).map(|_| ())
}

/// Keys and base OTs of both parties, without a network between them.
fn session(meter: &Meter) -> Result<f64> {
    let (base_width, depths) = (Some(4), Some(vec![1; 3]));
    let tiny = Options { base_width, depths, ..Options::named("resnet20") };
    let plan = Network::described(&tiny, 10)?.plan(Keep::Share(0.1))?;
    let context = ServerContext::new(plan, SessionLimits::default())?;
    meter.median(|| {
        let (near, mut far) = memory::pair();
        thread::scope(|scope| {
            let server = scope.spawn(|| context.serve(&mut far, &|| false));
            let (session, seconds) =
                timed(|| ClientSession::connect(near, &ClientOptions::default()))?;
            session.close()?;
            match server.join() {
                Ok(served) => served.map(|_| seconds),
                Err(_) => Err(Error::local("the session's thread failed")),
            }
        })
    })
}
