//! The in-memory pair.

use std::sync::mpsc::sync_channel;

use super::*;
use crate::wire::memory::{over, pair, pair_holding};
use crate::wire::{AbortReason, MemoryTransport};

/// An end whose peer sent exactly these buffers and left.
fn after(buffers: Vec<Vec<u8>>) -> MemoryTransport {
    let (to, inbound) = sync_channel(buffers.len());
    let (out, _) = sync_channel(1);
    buffers.into_iter().for_each(|b| to.send(b).unwrap());
    over(out, inbound)
}

#[test]
fn both_ends_count_every_byte() {
    let (mut client, mut server) = pair();
    let server = std::thread::spawn(move || {
        echo_server(&mut server).unwrap();
        server
    });
    echo_client(&mut client).unwrap();
    check_echo_meters(client.meter(), server.join().unwrap().meter());
}

#[test]
fn traces_match_and_depend_on_every_byte() {
    let run = |last: u8| {
        let (mut client, mut server) = pair_holding(8);
        client.record();
        server.record();
        client.send(Kind::Upload, &[1, 2, last]).unwrap();
        server.recv(Kind::Upload, 3).unwrap();
        let (c, s) = (client.trace().unwrap(), server.trace().unwrap());
        assert_eq!((c.sent, c.received), (s.received, s.sent));
        c.sent
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}

#[test]
fn nothing_is_recorded_unless_asked() {
    assert!(pair().0.trace().is_none());
}

#[test]
fn wrong_frames_are_refused() {
    for (what, bytes) in wrong_frames() {
        assert!(is_misbehaviour(after(vec![bytes]).recv(Kind::Labels, AWAITED)), "{what}");
    }
    let whole = encode(Kind::Labels, &message(9));
    assert!(is_misbehaviour(after(vec![whole[..8].to_vec()]).recv(Kind::Labels, 9)));
    assert!(is_misbehaviour(after(vec![vec![1, 2]]).recv(Kind::Labels, 9)));
}

#[test]
fn a_chunk_is_not_taken_twice() {
    let chunk = encode(Kind::Labels, &message(CHUNK_BYTES));
    let twice = after(vec![chunk.clone(), chunk]).recv(Kind::Labels, AWAITED);
    assert!(is_misbehaviour(twice));
}

#[test]
fn requests_are_bounded_and_of_the_awaited_kinds() {
    let kinds = [Kind::OnlineRequest, Kind::Goodbye];
    let request = |kind, len| after(vec![encode(kind, &message(len))]).recv_any(&kinds, 16);
    assert_eq!(request(Kind::OnlineRequest, 16).unwrap().0, Kind::OnlineRequest);
    assert!(is_misbehaviour(request(Kind::OnlineRequest, 17)));
    assert!(is_misbehaviour(request(Kind::Labels, 16)));
}

#[test]
fn a_lost_peer_is_a_network_error() {
    let (mut client, server) = pair();
    drop(server);
    assert!(is_network(client.recv(Kind::Labels, 1)));
    assert!(is_network(client.send(Kind::Activations, &[1])));
    let half = encode(Kind::Labels, &message(CHUNK_BYTES));
    assert!(is_network(after(vec![half]).recv(Kind::Labels, AWAITED)));
}

#[test]
fn an_abort_reaches_receivers_and_senders_once() {
    let (mut client, mut server) = pair();
    server.send(Kind::Abort, AbortReason::Busy.text().as_bytes()).unwrap();
    server.send(Kind::Abort, b"again").unwrap();
    assert_eq!(abort_text(client.recv(Kind::Labels, 1)), AbortReason::Busy.text());
    drop(server);
    assert!(is_network(client.recv(Kind::Labels, 1)));

    let (mut client, mut server) = pair();
    server.send(Kind::Labels, &[1]).unwrap();
    server.send(Kind::Abort, AbortReason::ShuttingDown.text().as_bytes()).unwrap();
    drop(server);
    assert_eq!(abort_text(client.send(Kind::Activations, &[1])), AbortReason::ShuttingDown.text());
}

#[test]
fn long_aborts_are_cut() {
    let (mut client, mut server) = pair();
    server.send(Kind::Abort, &[b'x'; 5000]).unwrap();
    assert_eq!(abort_text(client.recv(Kind::Labels, 1)).len(), crate::wire::MAX_ABORT_BYTES);
}
