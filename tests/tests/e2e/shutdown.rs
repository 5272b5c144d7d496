//! A server that is asked to stop finishes what it is at, tells its clients, and ends well.

use tacita_protocol::session::{ClientOptions, ClientSession};
use tacita_protocol::wire::{AbortReason, Kind, Meter, Transport};
use tacita_protocol::{Error, Result};

use crate::support::{Client, Files, Peer, Server, network, ring};

#[test]
fn idle_clients_do_not_hold_it_up() {
    let files = Files::new();
    let mut server = Server::start(&files, &[]);
    let mut client = Client::new(&files, &server.addr, "prepare").with(&["-n", "2"]).start();
    client.feed(&files.picture(0));
    assert_eq!(client.event()["event"], "image");
    server.terminate();
    let served = server.session_end();
    assert_eq!((served.tickets, served.inferences, served.error), (Some(2), Some(1), None));
    assert_eq!(server.wait().code(), Some(0));
    client.feed(&files.picture(1));
    client.end().refused(6, AbortReason::ShuttingDown.text());
    let late = Client::new(&files, &server.addr, "infer").path(&files.picture(0)).run();
    late.refused(6, "cannot connect");
}

/// Runs `pause` once, before the first activations leave: in the middle of an inference.
struct Gate<T, F> {
    inner: T,
    pause: Option<F>,
}

impl<T: Transport, F: FnOnce()> Transport for Gate<T, F> {
    fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        if kind == Kind::Activations
            && let Some(pause) = self.pause.take()
        {
            pause();
        }
        self.inner.send(kind, payload)
    }

    fn recv(&mut self, kind: Kind, len: usize) -> Result<Vec<u8>> {
        self.inner.recv(kind, len)
    }

    fn recv_any(&mut self, kinds: &[Kind], max: usize) -> Result<(Kind, Vec<u8>)> {
        self.inner.recv_any(kinds, max)
    }

    fn meter(&self) -> &Meter {
        self.inner.meter()
    }
}

/// Makes two tickets and spends one, with a pause in the middle; then spends the other.
fn infer_twice(peer: &mut Peer, pause: impl FnOnce()) -> Result<()> {
    let gate = Gate { inner: &mut peer.transport, pause: Some(pause) };
    let mut session = ClientSession::connect(gate, &ClientOptions::default())?;
    let mut tickets = session.prepare(2)?;
    let logits = session.infer(tickets.remove(0), &ring(0))?;
    network().assert_logits(0, &logits);
    session.infer(tickets.remove(0), &ring(1)).map(drop)
}

#[test]
fn a_running_inference_is_finished() {
    let files = Files::new();
    let mut server = Server::start(&files, &[]);
    let mut peer = Peer::connect(&files, &server);
    let second = infer_twice(&mut peer, || {
        server.terminate();
        server.logged("stopping");
    });
    let Err(Error::PeerAborted { reason }) = second else { panic!("{second:?}") };
    assert_eq!(reason, AbortReason::ShuttingDown.text());
    let served = server.session_end();
    assert_eq!((served.tickets, served.inferences, served.error), (Some(2), Some(1), None));
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let files = Files::new();
    let mut server = Server::start(&files, &[]);
    let mut peer = Peer::connect(&files, &server);
    let mut code = None;
    let first = infer_twice(&mut peer, || {
        server.terminate();
        server.logged("stopping");
        server.terminate();
        code = server.wait().code();
    });
    assert_eq!(code, Some(130));
    assert!(matches!(first, Err(Error::Network { .. })), "{first:?}");
}
