//! Tests of the lookup backend: values, distributions, peer faults, whole sessions.

mod distribution;
mod faults;
mod session;
mod values;

use super::*;
use crate::gadget::CompareBits;
use crate::gadget::testing::{Dealer, cots};
use crate::ot::CotView;
use crate::rng::SecretRng;

fn split(width: u8, dropped: u8, low: usize) -> Split {
    Split::new(CompareBits::new(width, dropped).unwrap(), low).unwrap()
}

/// Both parties' pads of the OTs in which the client sends.
fn pads(dealer: &mut Dealer, n: usize, split: Split) -> (ClientPads, ServerPads) {
    let (t, m, k) = cots(selection_ots(n, split), &dealer.client, &mut dealer.rng);
    let [a, b] = dealer.windows(selection_windows(n, split));
    let view = CotView { bits: &t, blocks: &m };
    (
        ClientPads::new(&dealer.hash, a, (n, split), &k, &dealer.client).unwrap(),
        ServerPads::new(&dealer.hash, b, (n, split), view).unwrap(),
    )
}

/// The offline phase for client shares `x_c`, with the request.
fn offline(
    dealer: &mut Dealer,
    split: Split,
    x_c: &[u64],
) -> (ClientLookup, ServerLookup, Vec<u8>) {
    let (client, server) = pads(dealer, x_c.len(), split);
    let (t, m, k) = cots(label_ots(x_c.len()), &dealer.server, &mut dealer.rng);
    let [a, b] = dealer.windows(label_windows(x_c.len()));
    let view = CotView { bits: &t, blocks: &m };
    let (client, request) = client.request(&dealer.hash, a, view, x_c).unwrap();
    let server = server.accept(&dealer.hash, b, (&k, &dealer.server), &request).unwrap();
    (client, server, request)
}

/// Everything a run puts on the wire or hands out.
struct Run {
    request: Vec<u8>,
    digits: Vec<u8>,
    tables: Vec<u8>,
    rows: Vec<u8>,
    answer: Vec<u8>,
    /// The server's share of the result; the client's is `reshare`.
    share: Vec<u64>,
}

fn server_shares(x: &[i64], x_c: &[u64]) -> Vec<u64> {
    x.iter().zip(x_c).map(|(x, c)| (*x as u64).wrapping_sub(*c)).collect()
}

fn run(x: &[i64], x_c: &[u64], reshare: &[u64], split: Split, seed: u64) -> Run {
    let mut dealer = Dealer::new(seed);
    let (client, server, request) = offline(&mut dealer, split, x_c);
    let (server, digits) = server.digits(&server_shares(x, x_c)).unwrap();
    let (client, tables) = client.tables(&digits).unwrap();
    let (server, rows) = server.rows(&tables).unwrap();
    let answer = client.answer(&rows, reshare).unwrap();
    let share = server.finish(&answer).unwrap();
    Run { request, digits, tables, rows, answer, share }
}

/// The result of a run with random new shares.
fn relu(x: &[i64], x_c: &[u64], split: Split, seed: u64) -> Vec<i64> {
    let reshare = SecretRng::from_test_seed(seed ^ 0xbeef).u64s(x.len());
    let share = run(x, x_c, &reshare, split, seed).share;
    share.iter().zip(reshare).map(|(s, r)| s.wrapping_add(r) as i64).collect()
}
