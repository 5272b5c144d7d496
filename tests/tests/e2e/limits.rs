//! Sessions that hold a server up: there is an end to how long and how many.

use tacita_protocol::Error;
use tacita_protocol::wire::{AbortReason, Kind, Transport};

use crate::support::{Client, Files, Peer, Server, Witness, network, undisturbed};

/// Asserts that a new client is served.
fn still_serves(files: &Files, server: &Server) {
    let client = Client::new(files, &server.addr, "infer").path(&files.picture(0));
    let events = client.run().expect(&["image", "summary"]);
    network().assert_printed(0, &events[0]["logits"]);
    assert_eq!(server.session_end().error, None);
}

/// What the server told a client at last.
fn told(peer: &mut Peer) -> String {
    match peer.transport.recv(Kind::Logits, 1) {
        Err(Error::PeerAborted { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn silent_clients_are_dropped() {
    let files = Files::new();
    let server = Server::start(&files, &["--timeout", "2", "--greeting-timeout", "2"]);
    // Nothing after the TLS handshake; nothing after the hello; nothing where an image is due.
    for messages in [0, 1, 2] {
        let mut peer = Peer::connect(&files, &server);
        if messages == 1 {
            let mut hello = b"TACITAIN".to_vec();
            hello.extend_from_slice(&tacita_protocol::session::PROTOCOL_VERSION.to_le_bytes());
            hello.extend_from_slice(&tacita_protocol::plan::PLAN_VERSION.to_le_bytes());
            peer.transport.send(Kind::ClientHello, &hello).unwrap();
            peer.transport.recv_any(&[Kind::ServerHello], 1 << 18).unwrap();
            peer.transport.recv_any(&[Kind::PublicPlan], 1 << 18).unwrap();
        }
        if messages == 2 {
            peer.session().prepare(1).unwrap();
            peer.transport.send(Kind::OnlineRequest, &0u64.to_le_bytes()).unwrap();
        }
        let served = server.session_end();
        let error = served.error.unwrap();
        let words =
            if messages == 2 { "silent or too slow" } else { "greeting took longer than 2 s" };
        assert!(error.contains(words), "{error}");
        assert_eq!(told(&mut peer), AbortReason::Connection.text());
    }
    still_serves(&files, &server);
}

#[test]
fn idle_clients_are_sent_away() {
    let files = Files::new();
    let server = Server::start(&files, &["--idle-timeout", "2"]);
    let mut peer = Peer::connect(&files, &server);
    peer.session().prepare(1).unwrap();
    let served = server.session_end();
    // The client did nothing wrong.
    assert_eq!((served.tickets, served.inferences, served.error), (Some(1), Some(0), None));
    assert_eq!(told(&mut peer), AbortReason::Idle.text());
    still_serves(&files, &server);
}

#[test]
fn further_clients_are_told_that_the_server_is_busy() {
    let files = Files::new();
    let server = Server::start(&files, &["--max-sessions", "1"]);
    let mut witness = Witness::new(&files, &server, 2);
    witness.check();
    let client = Client::new(&files, &server.addr, "infer").path(&files.picture(0));
    client.run().refused(6, "busy: no free session, try again later");
    server.logged("refused: busy");
    witness.check();
    witness.leave(&server);
    // The place is free only a moment after that session's end was reported.
    loop {
        let client = Client::new(&files, &server.addr, "infer").path(&files.picture(0));
        let ended = client.run();
        if ended.code != Some(6) {
            ended.expect(&["image", "summary"]);
            break;
        }
    }
}

#[test]
fn a_client_keeps_to_the_servers_ticket_limit() {
    let files = Files::new();
    // Less than the plan's batch of two.
    let server = Server::start(&files, &["--max-tickets", "1"]);
    let infer = |options: &[&str]| {
        let client = Client::new(&files, &server.addr, "infer").with(options);
        client.path(&files.picture(0)).path(&files.picture(1)).run()
    };
    for options in [&[][..], &["--batch", "2"]] {
        let events = infer(options).expect(&["image", "image", "summary"]);
        assert_eq!(events[1]["offline_batch"]["tickets"], 1);
        assert_eq!(events[2]["tickets"], 2);
        assert_eq!(server.session_end().error, None);
    }
    let client = Client::new(&files, &server.addr, "prepare").with(&["-n", "2"]);
    client.run().refused(3, "at most 1 ticket for a session");
    assert!(server.session_end().error.is_some());
}

#[test]
fn without_a_weight_cache_answers_are_the_same() {
    let files = Files::new();
    let server = Server::start(&files, &["--weight-cache", "0"]);
    undisturbed(&files, &server, || still_serves(&files, &server));
}
