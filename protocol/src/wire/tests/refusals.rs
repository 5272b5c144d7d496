//! Connections that must not come about, and what is said about them.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use super::authority::{Authority, Net, patient};
use super::*;
use crate::wire::{ClientTls, Identity, Pem, ServerTls, Target, Timeouts, TlsTransport, connect};

fn input_error<T>(result: Result<T>) -> String {
    match result {
        Err(Error::Input { what }) => what,
        Err(e) => panic!("not an input error: {e}"),
        Ok(_) => panic!("not an error"),
    }
}

#[test]
fn a_server_of_another_authority_is_refused() {
    let mut net = Net::new(Authority::new().server(), patient());
    let (client, server) = net.meet(&Authority::new().client(), patient());
    assert!(input_error(client).contains("CA"));
    assert!(server.is_err());
}

#[test]
fn a_server_of_another_name_is_refused() {
    let authority = Authority::new();
    let tls = ServerTls::new(&authority.identity("elsewhere.example"), None).unwrap();
    let (client, _) = Net::new(tls, patient()).meet(&authority.client(), patient());
    assert!(input_error(client).contains("elsewhere.example"));
}

/// Meets a server that asks for client certificates.
fn meet_asking(ours: &Authority, client: &ClientTls) -> (Net, Result<TlsTransport>, bool) {
    let tls = ServerTls::new(&ours.identity("localhost"), Some(&ours.ca())).unwrap();
    let mut net = Net::new(tls, patient());
    let (client, server) = net.meet(client, patient());
    (net, client, server.is_ok())
}

#[test]
fn a_client_certificate_is_required_where_asked_for() {
    let ours = Authority::new();
    let (_net, client, accepted) = meet_asking(&ours, &ours.client());
    assert!(!accepted);
    // In TLS 1.3 the client's handshake is over before the server looked.
    let refused = client.and_then(|mut c| c.recv(Kind::ServerHello, 1));
    assert!(input_error(refused).contains("--cert"));
}

#[test]
fn a_strangers_client_certificate_is_refused() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let stranger = ClientTls::new(&ours.ca(), Some(&theirs.client_identity("someone"))).unwrap();
    let (_net, client, accepted) = meet_asking(&ours, &stranger);
    assert!(!accepted);
    let refused = client.and_then(|mut c| c.recv(Kind::ServerHello, 1));
    assert!(input_error(refused).contains("refuses"));
}

#[test]
fn a_known_client_certificate_is_accepted() {
    let ours = Authority::new();
    let known = ClientTls::new(&ours.ca(), Some(&ours.client_identity("someone"))).unwrap();
    let (_net, client, accepted) = meet_asking(&ours, &known);
    assert!(accepted && client.is_ok());
}

#[test]
fn a_tls_server_of_another_protocol_is_incompatible() {
    let authority = Authority::new();
    for alpn in [vec![], vec![b"h2".to_vec()]] {
        let mut config = ServerConfig::clone(&authority.server().0);
        config.alpn_protocols = alpn;
        let mut net = Net::new(ServerTls(Arc::new(config)), patient());
        let (client, server) = net.meet(&authority.client(), patient());
        assert!(matches!(client, Err(Error::PeerIncompatible { .. })));
        assert!(server.is_err());
    }
}

/// What a client makes of a server that answers with these bytes and nothing else.
fn meet_stranger(answer: &'static [u8], timeouts: Timeouts) -> Error {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().unwrap();
        tcp.write_all(answer).unwrap();
        tcp
    });
    let runtime = crate::wire::io_runtime(1).unwrap();
    let target = Target::new(&address, None).unwrap();
    let refused = connect(runtime.handle(), &target, &Authority::new().client(), timeouts);
    drop(server.join());
    refused.err().unwrap()
}

#[test]
fn a_server_without_tls_is_incompatible() {
    let e = meet_stranger(b"HTTP/1.1 400 Bad Request\r\n\r\n", patient());
    assert!(matches!(e, Error::PeerIncompatible { .. }), "{e}");
}

#[test]
fn a_server_that_does_not_shake_hands_is_given_up() {
    let short = Timeouts { handshake: Duration::from_millis(20), ..patient() };
    let e = meet_stranger(b"", short);
    assert!(matches!(e, Error::Network { .. }), "{e}");
}

#[test]
fn nobody_listening_is_a_network_error() {
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let runtime = crate::wire::io_runtime(1).unwrap();
    let target = Target::new(&address, None).unwrap();
    let client = connect(runtime.handle(), &target, &Authority::new().client(), patient());
    assert!(matches!(client, Err(Error::Refused { .. })));
}

#[test]
fn a_name_that_is_nobodys_is_said_to_be() {
    let runtime = crate::wire::io_runtime(1).unwrap();
    let target = Target::new("nobody.invalid:1", None).unwrap();
    let client = connect(runtime.handle(), &target, &Authority::new().client(), patient());
    let Err(Error::Network { what }) = client else { panic!() };
    assert!(what.contains("no address of `nobody.invalid`"), "{what}");
}

#[test]
fn unusable_pem_files_are_named() {
    let a = Authority::new();
    let good = a.identity("localhost");
    let key_of_another =
        Identity { cert: a.identity("localhost").cert, key: a.identity("localhost").key };
    let mismatch = input_error(ServerTls::new(&key_of_another, None).map(|_| ()));
    assert!(mismatch.contains("`key.pem` is not the private key of `cert.pem`"), "{mismatch}");

    let empty = Identity { cert: Pem::new("void.pem", ""), key: good.key };
    assert!(input_error(ServerTls::new(&empty, None).map(|_| ())).contains("void.pem"));
    let no_key = Identity { cert: good.cert, key: Pem::new("void.pem", "no key") };
    assert!(input_error(ServerTls::new(&no_key, None).map(|_| ())).contains("private key"));

    let swapped = Identity { cert: a.identity("localhost").key, key: a.identity("localhost").cert };
    let swapped = input_error(ServerTls::new(&swapped, None).map(|_| ()));
    assert!(swapped.contains("exchanged"), "{swapped}");

    let garbled = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    for text in [garbled, "", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let bad = ClientTls::new(&Pem::new("bad.pem", text), None).map(|_| ());
        assert!(input_error(bad).contains("bad.pem"), "{text}");
    }
}

#[test]
fn unreadable_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.pem");
    assert!(input_error(Pem::read(&missing).map(|_| ())).contains("missing.pem"));
}

#[test]
fn addresses_are_checked() {
    for bad in ["localhost", ":443", "host:port", "host:70000", ""] {
        input_error(Target::new(bad, None));
    }
    for good in ["localhost:443", "127.0.0.1:1", "[::1]:443"] {
        Target::new(good, None).unwrap();
    }
    input_error(Target::new("localhost:1", Some("no name")));
}
