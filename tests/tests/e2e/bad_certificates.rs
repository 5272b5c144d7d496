//! Certificates that do not fit: a configuration error with words that say what to mend.

use std::io::Write;
use std::net::TcpStream;

use crate::support::{Client, Files, RawTls, Server, undisturbed};

#[test]
fn a_client_with_another_ca_does_not_trust_the_server() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    undisturbed(&files, &server, || {
        let client = Client::trusting(&files, &server.addr, "infer", "other-ca.pem");
        let ended = client.with(&["--json"]).path(&files.picture(0)).run();
        ended.refused(3, "the given CA did not sign it");
        server.logged("no handshake");
    });
}

#[test]
fn the_certificate_has_to_be_for_the_name() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    undisturbed(&files, &server, || {
        let named = ["--server-name", "elsewhere.example"];
        let client = Client::new(&files, &server.addr, "infer").with(&named);
        client.path(&files.picture(0)).run().refused(3, "certificate is refused");
        server.logged("no handshake");
        let named = ["--server-name", "localhost"];
        let client = Client::new(&files, &server.addr, "infer").with(&named);
        client.path(&files.picture(0)).run().expect(&["image", "summary"]);
        assert_eq!(server.session_end().error, None);
    });
}

#[test]
fn clients_show_a_certificate_where_one_is_asked_for() {
    let files = Files::new();
    let server = Server::start(&files, &["--client-ca", "client-ca.pem"]);
    let infer = |identity: &[&str]| {
        let client = Client::new(&files, &server.addr, "infer").with(identity);
        client.path(&files.picture(0)).run()
    };
    undisturbed(&files, &server, || {
        infer(&[]).refused(3, "the server wants a client certificate");
        server.logged("no handshake");
        let other = infer(&["--cert", "other.pem", "--key", "other.key"]);
        other.refused(3, "refuses the certificate");
        server.logged("no handshake");
        let right = infer(&["--cert", "client.pem", "--key", "client.key"]);
        right.expect(&["image", "summary"]);
        assert_eq!(server.session_end().error, None);
    });
    infer(&["--cert", "client.pem", "--key", "other.key"]).refused(3, "is not the private key of");
    infer(&["--cert", "client.pem", "--key", "client.pem"]).refused(3, "no private key");
}

#[test]
fn what_is_not_tacita_gets_no_session() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    undisturbed(&files, &server, || {
        let mut plain = TcpStream::connect(&server.addr).unwrap();
        plain.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        server.logged("no handshake");
        for alpn in [&b""[..], b"h2"] {
            let mut other = RawTls::connect(&files, &server, alpn);
            // The server may have hung up in the handshake already.
            let _ = other.try_send(b"hello");
            server.logged("no handshake");
            assert_eq!(other.last_words(), "");
        }
        // Connected and gone again without a byte.
        drop(TcpStream::connect(&server.addr).unwrap());
        server.logged("no handshake");
    });
}
