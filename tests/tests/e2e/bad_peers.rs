//! Clients that break the protocol: the server ends their session with an error that says how,
//! tells them no more than that they broke it, and goes on serving others.

use tacita_protocol::plan::PLAN_VERSION;
use tacita_protocol::session::PROTOCOL_VERSION;
use tacita_protocol::wire::{ALPN, CHUNK_BYTES, Kind, Transport, frame};
use tacita_protocol::{Error, Result};

use crate::support::{
    Action, Files, Peer, RawTls, Server, Tap, honest_session, network, ring, undisturbed,
};

/// Plays a client's part on a fresh connection; the server's account of it has to have these
/// words, and the client is told these.
fn misbehave(
    files: &Files,
    server: &Server,
    (account, told): (&str, &str),
    play: impl FnOnce(&mut Peer) -> Result<()>,
) {
    let mut peer = Peer::connect(files, server);
    let Err(error) = play(&mut peer) else { panic!("{account}: the client got away with it") };
    let Error::PeerAborted { reason } = &error else { panic!("{account}: {error}") };
    assert!(reason.contains(told), "{reason}");
    peer.hang_up();
    let served = server.session_end();
    assert!(served.error.as_ref().unwrap().contains(account), "{account}: {served:?}");
}

const BROKE: &str = "the other side broke the protocol";

fn hello(protocol: u32, plan: u32) -> Vec<u8> {
    [&b"TACITAIN"[..], &protocol.to_le_bytes(), &plan.to_le_bytes()].concat()
}

/// Sends a hello, and reads the server's until its last word.
fn say_hello(peer: &mut Peer, hello: &[u8]) -> Result<()> {
    let t = &mut peer.transport;
    t.send(Kind::ClientHello, hello)?;
    loop {
        t.recv_any(&[Kind::ServerHello, Kind::PublicPlan], CHUNK_BYTES)?;
    }
}

#[test]
fn another_version_is_told_so() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    undisturbed(&files, &server, || {
        let words = ("use matching releases", "incompatible version or plan");
        for (protocol, plan) in
            [(PROTOCOL_VERSION + 1, PLAN_VERSION), (PROTOCOL_VERSION, PLAN_VERSION + 1), (0, 0)]
        {
            let hello = hello(protocol, plan);
            misbehave(&files, &server, words, |peer| say_hello(peer, &hello));
        }
        let mut hello = hello(PROTOCOL_VERSION, PLAN_VERSION);
        hello[0] ^= 1;
        let words = ("does not speak the Tacita protocol", BROKE);
        misbehave(&files, &server, words, |peer| say_hello(peer, &hello));
    });
}

#[test]
fn a_spent_ticket_cannot_be_spent_again() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    undisturbed(&files, &server, || {
        for (id, account) in [
            (0u64, "ticket 0 was already spent"),
            (2, "ticket 2 was never made"),
            (u64::MAX, "was never made"),
        ] {
            misbehave(&files, &server, (account, BROKE), |peer| {
                let mut session = peer.session();
                let ticket = session.prepare(2)?.remove(0);
                session.infer(ticket, &ring(0))?;
                let t = &mut peer.transport;
                t.send(Kind::OnlineRequest, &id.to_le_bytes())?;
                t.recv_any(&[Kind::Labels, Kind::Logits], CHUNK_BYTES).map(drop)
            });
        }
    });
}

#[test]
fn a_ticket_whose_run_broke_off_is_spent() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    undisturbed(&files, &server, || {
        // The image never comes: another request does in its place, and ends the session.
        misbehave(&files, &server, ("OnlineRequest frame", BROKE), |peer| {
            peer.session().prepare(1)?;
            let t = &mut peer.transport;
            t.send(Kind::OnlineRequest, &0u64.to_le_bytes())?;
            t.send(Kind::OnlineRequest, &0u64.to_le_bytes())?;
            t.recv_any(&[Kind::Labels], CHUNK_BYTES).map(drop)
        });
    });
}

#[test]
fn more_tickets_than_allowed_are_refused() {
    let files = Files::new();
    let server = Server::start(&files, &["--max-tickets", "3", "--batches", "1,2,3"]);
    let relus = network().plan.public.relu_choices.to_bytes();
    undisturbed(&files, &server, || {
        for (held, asked, account) in [
            (1, 3, "asked for 3 tickets where 1,2,3 are made at a time and 2 more are allowed"),
            (3, 1, "1,2,3 are made at a time and 0 more are allowed"),
            (1, 0, "asked for 0 tickets"),
            (1, 4, "asked for 4 tickets where 1,2,3 are made"),
            (1, u32::MAX, "2 more are allowed"),
        ] {
            misbehave(&files, &server, (account, BROKE), |peer| {
                peer.session().prepare(held)?;
                let request = [&asked.to_le_bytes()[..], &[7; 32], &relus].concat();
                peer.transport.send(Kind::OfflineRequest, &request)?;
                peer.transport.recv_any(&[Kind::Response], CHUNK_BYTES).map(drop)
            });
        }
    });
}

#[test]
fn choices_of_backends_that_are_not_the_plans_are_refused() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let relus = network().plan.public.relu_choices.to_bytes();
    let short = relus[1..].to_vec();
    let mut beyond = relus.clone();
    *beyond.last_mut().unwrap() |= 0x80;
    undisturbed(&files, &server, || {
        for (choices, account) in
            [(short, "an offline request of"), (beyond, "no ReLU backend has the number")]
        {
            misbehave(&files, &server, (account, BROKE), |peer| {
                drop(peer.session());
                let request = [&1u32.to_le_bytes()[..], &[7; 32], &choices].concat();
                peer.transport.send(Kind::OfflineRequest, &request)?;
                peer.transport.recv_any(&[Kind::Response], CHUNK_BYTES).map(drop)
            });
        }
    });
}

#[test]
fn frames_out_of_bounds_are_refused() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let header = |len: u32, kind: u8| [&len.to_le_bytes()[..], &[kind]].concat();
    let hello = Kind::ClientHello as u8;
    undisturbed(&files, &server, || {
        for (bytes, account) in [
            (header(CHUNK_BYTES as u32 + 1, hello), "at most 262144 are allowed"),
            (header(u32::MAX, hello), "at most 262144 are allowed"),
            (header(1025, Kind::Abort as u8), "at most 1024 are allowed"),
            (header(0, 0), "unknown kind 0"),
            (header(16, 99), "unknown kind 99"),
            (frame::encode(Kind::Goodbye, &[]), "Goodbye frame"),
            (frame::encode(Kind::ClientHello, &[0; 17]), "ClientHello frame of 17 bytes"),
        ] {
            let mut raw = RawTls::connect(&files, &server, ALPN);
            raw.send(&bytes);
            let words = raw.last_words();
            assert!(words.contains(BROKE), "{account}: {words}");
            let error = server.session_end().error.unwrap();
            assert!(error.contains(account), "{account}: {error}");
        }
    });
}

#[test]
fn a_frame_that_never_ends_is_a_broken_connection() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let whole = frame::encode(Kind::ClientHello, &hello(PROTOCOL_VERSION, PLAN_VERSION));
    undisturbed(&files, &server, || {
        for len in 0..whole.len() {
            let mut raw = RawTls::connect(&files, &server, ALPN);
            raw.send(&whole[..len]);
            drop(raw);
            let error = server.session_end().error.unwrap();
            assert!(error.contains("network: "), "{len}: {error}");
        }
    });
}

/// Every message of a client, offline and online, too short, too long, or after one that is not
/// due.
#[test]
fn wrong_lengths_and_orders_are_refused() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let sent = sent_messages(&files, &server);
    let last = *sent.last().unwrap();
    undisturbed(&files, &server, || {
        for action in [Action::Shorter, Action::Longer, Action::Reorder] {
            for at in &sent {
                // A goodbye cannot be shorter.
                if action == Action::Shorter && *at == last {
                    continue;
                }
                let mut peer = Peer::connect(&files, &server);
                let result = honest_session(Tap::new(&mut peer.transport, action, *at), 0);
                peer.hang_up();
                let error = server.session_end().error.unwrap();
                assert!(error.starts_with("peer misbehaved: "), "{action:?} {at}: {error}");
                // The goodbye has no answer that could tell the client.
                let told = matches!(&result, Err(Error::PeerAborted { reason }) if reason == BROKE);
                assert!(told || *at == last, "{action:?} {at}: {result:?}");
            }
        }
    });
}

/// Numbers of the messages that an honest client sends.
fn sent_messages(files: &Files, server: &Server) -> Vec<usize> {
    let mut peer = Peer::connect(files, server);
    let mut tap = Tap::new(&mut peer.transport, Action::Nothing, 0);
    honest_session(&mut tap, 0).unwrap();
    let sent = tap.sent();
    peer.hang_up();
    assert_eq!(server.session_end().error, None);
    sent
}
