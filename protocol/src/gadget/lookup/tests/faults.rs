//! Malformed messages and wrong counts are refused at every step.

use super::*;
use crate::Error;
use crate::error::Result;

const N: usize = 5;

fn refused<T>(got: Result<T>) {
    assert!(matches!(got, Err(Error::PeerMisbehaved { .. })));
}

fn told<T>(got: Result<T>) {
    assert!(matches!(got, Err(Error::Input { .. })));
}

/// A message cut, lengthened, emptied and, if its last byte has unused bits, with one set.
fn damaged(message: &[u8], padded: bool) -> Vec<Vec<u8>> {
    let mut all = vec![message[1..].to_vec(), [message, &[0]].concat(), Vec::new()];
    if padded {
        let mut bad = message.to_vec();
        *bad.last_mut().unwrap() |= 0x80;
        all.push(bad);
    }
    all
}

fn started(dealer: &mut Dealer) -> (ClientLookup, ServerDigits, Vec<u8>) {
    let (client, server, _) = offline(dealer, split(4, 0, 1), &[1; N]);
    let (server, digits) = server.digits(&[2; N]).unwrap();
    (client, server, digits)
}

#[test]
fn malformed_requests_are_refused() {
    let mut dealer = Dealer::new(70);
    let (_, _, request) = offline(&mut dealer, split(4, 0, 1), &[1; N]);
    for bad in damaged(&request, true) {
        let (_, server) = pads(&mut dealer, N, split(4, 0, 1));
        let (_, _, k) = cots(label_ots(N), &dealer.server, &mut dealer.rng);
        let [windows, _] = dealer.windows(label_windows(N));
        refused(server.accept(&dealer.hash, windows, (&k, &dealer.server), &bad));
    }
}

#[test]
fn malformed_online_messages_are_refused() {
    let mut dealer = Dealer::new(71);
    let (client, server, digits) = started(&mut dealer);
    let (client, tables) = client.tables(&digits).unwrap();
    let (_, rows) = server.rows(&tables).unwrap();
    let answer = client.answer(&rows, &[0; N]).unwrap();
    for bad in damaged(&digits, true) {
        refused(started(&mut dealer).0.tables(&bad));
    }
    for bad in damaged(&tables, true) {
        refused(started(&mut dealer).1.rows(&bad));
    }
    for bad in damaged(&rows, true) {
        let (client, _, digits) = started(&mut dealer);
        refused(client.tables(&digits).unwrap().0.answer(&bad, &[0; N]));
    }
    for bad in damaged(&answer, false) {
        let (client, server, digits) = started(&mut dealer);
        let (_, tables) = client.tables(&digits).unwrap();
        refused(server.rows(&tables).unwrap().0.finish(&bad));
    }
}

#[test]
fn a_caller_with_wrong_counts_is_told() {
    let mut dealer = Dealer::new(72);
    let split = split(4, 0, 1);
    let (_, server, _) = offline(&mut dealer, split, &[1; N]);
    told(server.digits(&[0; N - 1]));
    let (client, server, digits) = started(&mut dealer);
    let (client, tables) = client.tables(&digits).unwrap();
    let (_, rows) = server.rows(&tables).unwrap();
    told(client.answer(&rows, &[0; N + 1]));
    let (client, _) = pads(&mut dealer, N, split);
    let (t, m, _) = cots(label_ots(N), &dealer.server, &mut dealer.rng);
    let view = CotView { bits: &t, blocks: &m };
    let [windows, _] = dealer.windows(label_windows(N));
    told(client.request(&dealer.hash, windows, view, &[0; N - 1]));
    let (client, _) = pads(&mut dealer, N, split);
    let [windows, _] = dealer.windows(label_windows(N) + 1);
    told(client.request(&dealer.hash, windows, view, &[0; N]));
}

#[test]
fn pads_of_wrong_counts_are_told() {
    let mut dealer = Dealer::new(73);
    let split = split(4, 0, 1);
    let (t, m, k) = cots(selection_ots(N, split), &dealer.client, &mut dealer.rng);
    let windows = selection_windows(N, split);
    for (n, count) in [(N - 1, windows), (N, windows + 1)] {
        let [a, b] = dealer.windows(count);
        let view = CotView { bits: &t, blocks: &m };
        told(ClientPads::new(&dealer.hash, a, (n, split), &k, &dealer.client));
        told(ServerPads::new(&dealer.hash, b, (n, split), view));
    }
}
