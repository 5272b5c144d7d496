//! Whole sessions in memory, one party of which is not what it should be.

use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use tacita_protocol::Result;
use tacita_protocol::gadget::ReluChoice;
use tacita_protocol::ot::{OtConfig, SilentSet};
use tacita_protocol::plan::ReluChoices;
use tacita_protocol::rng::SecretRng;
use tacita_protocol::session::{ClientOptions, ClientSession, ServerContext, SessionLimits};
use tacita_protocol::wire::{MemoryTransport, Transport, memory};

use crate::mutant::{MESSAGES, Mutant};
use crate::network::plan;

fn context() -> &'static ServerContext {
    static CONTEXT: LazyLock<ServerContext> = LazyLock::new(|| {
        let limits = SessionLimits { max_tickets: 4, ..SessionLimits::default() };
        ServerContext::new(plan().clone(), limits).expect("the plan can be served")
    });
    &CONTEXT
}

/// Everything a client does: a ticket whose ReLUs are garbled and one whose ReLUs are looked up, an
/// inference with each, a goodbye.
fn client<T: Transport>(transport: T, ots: OtConfig) -> Result<()> {
    let rng = SecretRng::from_test_seed(1);
    let options = ClientOptions { ots, ..ClientOptions::default() };
    let mut session = ClientSession::connect_with(transport, &options, rng)?;
    let image = vec![3; 16];
    let lookup = ReluChoices::uniform(session.plan(), ReluChoice::named("ot")?);
    let mut tickets = session.prepare(1)?;
    tickets.extend(session.prepare_with(1, &lookup)?);
    for ticket in tickets {
        session.infer(ticket, &image)?;
    }
    session.close().map(drop)
}

fn serve<T: Transport>(mut transport: T) {
    // Its errors are what a changed message should come to.
    let _ = context().serve_with(&mut transport, &|| false, SecretRng::from_test_seed(2));
}

/// How a session makes its correlated OTs. The first byte also says which message is changed: every
/// message is met in sessions of both kinds.
fn ots(input: &[u8]) -> OtConfig {
    match input.first() {
        Some(byte) if usize::from(*byte) / MESSAGES % 2 == 1 => OtConfig::silent(SilentSet::Small),
        _ => OtConfig::default(),
    }
}

/// A session in which the client's messages are changed as the input says.
pub fn attack_server(input: &[u8]) {
    let (near, far) = memory::pair();
    thread::scope(|scope| {
        scope.spawn(move || serve(far));
        let _ = client(Mutant::new(near, input), ots(input));
    });
}

/// A session in which the server's messages are changed as the input says.
pub fn attack_client(input: &[u8]) {
    let (near, far) = memory::pair();
    thread::scope(|scope| {
        scope.spawn(move || serve(Mutant::new(far, input)));
        let _ = client(near, ots(input));
    });
}

/// Frames that an input stands for, each 16 bits of length and that many bytes, header included.
/// A frame of length 0 stands for the honest one in its place.
pub fn frames(mut input: &[u8], honest: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some((&[low, high], rest)) = input.split_first_chunk() {
        let len = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
        let (frame, rest) = rest.split_at(len);
        input = rest;
        match honest.get(frames.len()) {
            Some(honest) if frame.is_empty() => frames.push(honest.clone()),
            _ => frames.push(frame.to_vec()),
        }
    }
    frames
}

/// What each party of an honest session sends: the client, then the server.
pub fn honest_frames() -> &'static [Vec<Vec<u8>>; 2] {
    static FRAMES: LazyLock<[Vec<Vec<u8>>; 2]> = LazyLock::new(|| {
        let ((near, from_client, to_client), (far, from_server, to_server)) = (end(), end());
        let forward = |from: Receiver<Vec<u8>>, to: SyncSender<Vec<u8>>| {
            move || from.iter().inspect(|f| drop(to.send(f.clone()))).collect::<Vec<_>>()
        };
        thread::scope(|scope| {
            scope.spawn(move || serve(far));
            let up = scope.spawn(forward(from_client, to_server));
            let down = scope.spawn(forward(from_server, to_client));
            client(near, OtConfig::default()).expect("an honest session works");
            [up, down].map(|frames| frames.join().expect("frames are copied"))
        })
    });
    &FRAMES
}

type End = (MemoryTransport, Receiver<Vec<u8>>, SyncSender<Vec<u8>>);

/// A transport, what it sends, and what it is to receive.
fn end() -> End {
    let ((out, sent), (to_receive, inbound)) = (sync_channel(8), sync_channel(8));
    (memory::over(out, inbound), sent, to_receive)
}

/// A server that receives these frames, and then that the client is gone.
pub fn feed_server(frames: Vec<Vec<u8>>) {
    feed(frames, serve);
}

/// A client that receives these frames, and then that the server is gone.
pub fn feed_client(frames: Vec<Vec<u8>>) {
    feed(frames, |transport| drop(client(transport, OtConfig::default())));
}

fn feed(frames: Vec<Vec<u8>>, party: impl FnOnce(MemoryTransport)) {
    let (transport, sent, to_receive) = end();
    thread::scope(|scope| {
        // What it sends is taken in and dropped.
        scope.spawn(move || sent.iter().for_each(drop));
        // It may end before it has received all.
        scope.spawn(move || frames.into_iter().try_for_each(|f| to_receive.send(f)));
        party(transport);
    });
}
