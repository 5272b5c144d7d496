//! A server that is asked to stop finishes what it is at, tells its clients, and ends well.

use std::net::TcpStream;

use tacita_cli::STOPPED_EARLY;
use tacita_protocol::plan::PLAN_VERSION;
use tacita_protocol::session::{ClientOptions, ClientSession, PROTOCOL_VERSION};
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
    assert_eq!(code, Some(STOPPED_EARLY.into()));
    assert!(matches!(first, Err(Error::Network { .. })), "{first:?}");
}

#[test]
fn a_request_that_does_not_end_is_cut_off() {
    let files = Files::new();
    let mut server = Server::start(&files, &["--grace", "1"]);
    let mut peer = Peer::connect(&files, &server);
    let mut code = None;
    let first = infer_twice(&mut peer, || {
        server.terminate();
        let served = server.session_end();
        assert!(served.error.unwrap().contains(AbortReason::ShuttingDown.text()));
        assert_eq!(server.counters()["cut_sessions"], 1);
        code = server.wait().code();
    });
    assert_eq!(code, Some(STOPPED_EARLY.into()));
    let Err(Error::PeerAborted { reason }) = first else { panic!("{first:?}") };
    assert_eq!(reason, AbortReason::ShuttingDown.text());
}

#[test]
fn strangers_do_not_hold_it_up() {
    let files = Files::new();
    let mut server = Server::start(&files, &["--grace", "86400", "--greeting-timeout", "86400"]);
    let silent = TcpStream::connect(&server.addr).unwrap();
    let mut greeted = Peer::connect(&files, &server);
    let versions = [PROTOCOL_VERSION, PLAN_VERSION].map(u32::to_le_bytes).concat();
    let hello = [&b"TACITAIN"[..], &versions].concat();
    greeted.transport.send(Kind::ClientHello, &hello).unwrap();
    greeted.transport.recv_any(&[Kind::ServerHello], 1 << 18).unwrap();
    server.terminate();
    let counters = server.counters();
    assert_eq!(server.wait().code(), Some(0));
    assert_eq!(counters["refused_stopping"], 2, "{counters}");
    drop(silent);
}

/// A client that trusts this CA is served, and one that trusts that CA is not.
fn shows(files: &Files, server: &Server, (trusted, other): (&str, &str)) {
    let client = |ca| {
        let client = Client::trusting(files, &server.addr, "infer", ca).with(&["--json"]);
        client.path(&files.picture(0)).run()
    };
    client(trusted).expect(&["image", "summary"]);
    assert_eq!(server.session_end().error, None);
    client(other).refused(3, "the given CA did not sign it");
}

#[test]
fn a_hangup_has_it_read_its_certificates_again() {
    let files = Files::new();
    let mut server = Server::start(&files, &[]);
    shows(&files, &server, ("ca.pem", "other-ca.pem"));
    for (new, old) in [("other.pem", "server.pem"), ("other.key", "server.key")] {
        std::fs::copy(files.path(new), files.path(old)).unwrap();
    }
    server.signal("-HUP");
    server.logged("certificates and keys were read again");
    shows(&files, &server, ("other-ca.pem", "ca.pem"));
    files.put("server.key", b"no key");
    server.signal("-HUP");
    server.logged("the old certificates stay");
    server.signal("-PIPE");
    shows(&files, &server, ("other-ca.pem", "ca.pem"));
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
}
