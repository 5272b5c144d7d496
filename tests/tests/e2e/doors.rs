//! Strangers who hold connections do not keep clients out, however they do it.

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use tacita_protocol::Error;
use tacita_protocol::session::{ClientOptions, ClientSession};
use tacita_protocol::wire::{ALPN, Kind, Meter, Transport, frame};

use crate::support::{Client, Files, Peer, RawTls, Server, dial_from, network, ring};

/// Room for few, so that few strangers fill it.
const FEW: [&str; 4] = ["--max-unpaid", "8", "--unpaid-per-client", "4"];

fn hello() -> Vec<u8> {
    let versions =
        [tacita_protocol::session::PROTOCOL_VERSION, tacita_protocol::plan::PLAN_VERSION];
    let versions = versions.map(u32::to_le_bytes).concat();
    frame::encode(Kind::ClientHello, &[&b"TACITAIN"[..], &versions].concat())
}

/// Connections from twenty addresses that say nothing.
fn silent(server: &Server) -> Vec<TcpStream> {
    let addresses = (2..22).flat_map(|n| [[127, 0, 0, n]; 5]);
    addresses.map(|address| dial_from(address, server)).collect()
}

/// A client is served at once.
fn serves(files: &Files, server: &Server, options: &[&str]) {
    let client = Client::new(files, &server.addr, "infer").with(options);
    let events = client.path(&files.picture(0)).run().expect(&["image", "summary"]);
    network().assert_printed(0, &events[0]["logits"]);
    assert_eq!(server.session_end().error, None);
}

/// Asks the server to stop; its counters.
fn stop(mut server: Server) -> serde_json::Value {
    server.terminate();
    let counters = server.counters();
    assert_eq!(server.wait().code(), Some(0));
    counters
}

#[test]
fn silent_connections_make_room() {
    let files = Files::new();
    let server = Server::start(&files, &FEW);
    let held = silent(&server);
    serves(&files, &server, &[]);
    let counters = stop(server);
    // All but those that there is room for.
    assert!(counters["evicted"].as_u64().unwrap() >= held.len() as u64 - 8, "{counters}");
    assert_eq!((&counters["sessions"], &counters["open_sessions"]), (&1.into(), &0.into()));
}

#[test]
fn silent_connections_make_room_where_certificates_are_asked_for() {
    let files = Files::new();
    let server = Server::start(&files, &[&FEW[..], &["--client-ca", "client-ca.pem"]].concat());
    let held = silent(&server);
    serves(&files, &server, &["--cert", "client.pem", "--key", "client.key"]);
    let counters = stop(server);
    assert!(counters["evicted"].as_u64().unwrap() >= held.len() as u64 - 8, "{counters}");
}

/// A TLS connection that said hello and was answered.
fn greeted(files: &Files, tcp: TcpStream) -> RawTls {
    let mut raw = RawTls::over(tcp, files, ALPN);
    raw.send(&hello());
    raw.receive(5);
    raw
}

#[test]
fn hellos_hold_no_session() {
    let files = Files::new();
    let server = Server::start(&files, &["--max-sessions", "2", "--max-unpaid", "4"]);
    let held: Vec<RawTls> =
        (2..10).map(|n| greeted(&files, dial_from([127, 0, 0, n], &server))).collect();
    serves(&files, &server, &[]);
    let counters = stop(server);
    // The first four and one for the client.
    assert_eq!(counters["evicted"], 5, "{counters}");
    drop(held);
}

#[test]
fn one_address_displaces_only_itself() {
    let files = Files::new();
    let server = Server::start(&files, &FEW);
    let mut first = greeted(&files, dial_from([127, 0, 0, 2], &server));
    let many: Vec<RawTls> =
        (0..20).map(|_| greeted(&files, dial_from([127, 0, 0, 3], &server))).collect();
    for _ in 0..many.len() - 4 {
        assert!(server.logged("refused: closed to make room").contains("127.0.0.3"));
    }
    // Still there, though the oldest: it can go on to what is due next.
    first.send(&frame::encode(Kind::Goodbye, &[]));
    let error = server.session_end().error.unwrap();
    assert!(error.contains("Goodbye frame"), "{error}");
    drop(many);
}

#[test]
fn keys_that_drip_are_not_waited_for() {
    let files = Files::new();
    let server = Server::start(&files, &["--greeting-timeout", "2"]);
    let mut raw = greeted(&files, TcpStream::connect(&server.addr).unwrap());
    let drip = thread::spawn(move || {
        let keys = frame::encode(Kind::ClientKeys, &[0; 100_000]);
        keys.iter().any(|byte| {
            // The pace of the drip: nothing waits for it.
            thread::sleep(Duration::from_millis(20));
            !raw.try_send(&[*byte])
        })
    });
    let error = server.session_end().error.unwrap();
    assert!(error.contains("greeting took longer than 2 s"), "{error}");
    assert!(drip.join().unwrap(), "the server hung up");
    serves(&files, &server, &[]);
}

/// Waits before each message, though never for long.
struct Drip<T>(T);

impl<T: Transport> Transport for Drip<T> {
    fn send(&mut self, kind: Kind, payload: &[u8]) -> tacita_protocol::Result<()> {
        thread::sleep(Duration::from_millis(600));
        self.0.send(kind, payload)
    }

    fn recv(&mut self, kind: Kind, len: usize) -> tacita_protocol::Result<Vec<u8>> {
        self.0.recv(kind, len)
    }

    fn recv_any(&mut self, kinds: &[Kind], max: usize) -> tacita_protocol::Result<(Kind, Vec<u8>)> {
        self.0.recv_any(kinds, max)
    }

    fn meter(&self) -> &Meter {
        self.0.meter()
    }
}

#[test]
fn a_request_that_drips_is_not_waited_for() {
    let files = Files::new();
    let server = Server::start(&files, &["--timeout", "2", "--min-rate", "1000000"]);
    let mut peer = Peer::connect(&files, &server);
    let drip = Drip(&mut peer.transport);
    let mut session = ClientSession::connect(drip, &ClientOptions::default()).unwrap();
    let tickets = session.prepare(1);
    let dripped = tickets.and_then(|mut t| session.infer(t.remove(0), &ring(0)));
    assert!(matches!(dripped, Err(Error::PeerAborted { .. })), "{dripped:?}");
    let error = server.session_end().error.unwrap();
    assert!(error.contains("silent or too slow"), "{error}");
}
