use super::*;
use crate::compare::session::Session;

/// New shares of both parties for shares `x_c` and `x_s`.
fn run(x: &[i64], seed: u64) -> (Vec<u64>, Vec<u64>) {
    let mut session = Session::new(SecretRng::from_test_seed(seed)).unwrap();
    let (x_c, new) = (session.rng.u64s(x.len()), session.rng.u64s(x.len()));
    let x_s: Vec<u64> = x.iter().zip(&x_c).map(|(x, c)| (*x as u64).wrapping_sub(*c)).collect();
    let (mut received, mut sent, _) = session.label_ots(ots(x.len())).unwrap();
    let hash = session.hash.clone();
    let gates = Gates { hash: &hash, first: 7 };
    let (client, d) = request(&x_c, &new, received.take(ots(x.len())).unwrap()).unwrap();
    let keys = (sent.take(ots(x.len())).unwrap(), session.delta());
    let (server, tables) = garble(gates, keys, &d, &[3; 16]).unwrap();
    let labels = server.labels(&x_s).unwrap();
    let colours = client.evaluate(gates, &tables, &labels).unwrap();
    (new, server.decode(&colours).unwrap())
}

use tacita_protocol::rng::SecretRng;

fn check(x: &[i64], seed: u64) {
    let (new, server) = run(x, seed);
    for ((x, r), s) in x.iter().zip(&new).zip(&server) {
        assert_eq!(r.wrapping_add(*s) as i64, (*x).max(0), "ReLU of {x}");
    }
}

#[test]
fn edges_come_out_right() {
    let near = [0, 1, -1, 2, -2, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1, 1 << 62, -1 << 62];
    for seed in 0..4 {
        check(&near, seed);
    }
    check(&[-1], 9);
}

#[test]
fn random_values_over_several_chunks_come_out_right() {
    let x = SecretRng::from_test_seed(5).u64s(2 * CHUNK + 3);
    check(&x.into_iter().map(|x| x as i64).collect::<Vec<_>>(), 5);
}

/// The server's colours alone are masked: flipping one flips one bit of the result and no more.
#[test]
fn a_colour_is_a_bit_of_the_result() {
    let mut session = Session::new(SecretRng::from_test_seed(1)).unwrap();
    let (mut received, mut sent, _) = session.label_ots(ots(1)).unwrap();
    let hash = session.hash.clone();
    let gates = Gates { hash: &hash, first: 0 };
    let (client, d) = request(&[5], &[0], received.take(ots(1)).unwrap()).unwrap();
    let keys = (sent.take(ots(1)).unwrap(), session.delta());
    let (server, tables) = garble(gates, keys, &d, &[1; 16]).unwrap();
    let mut colours = client.evaluate(gates, &tables, &server.labels(&[1]).unwrap()).unwrap();
    assert_eq!(server.decode(&colours).unwrap(), [6]);
    colours[0] ^= 1;
    assert_eq!(server.decode(&colours).unwrap(), [7]);
}

#[test]
fn other_lengths_are_refused() {
    let mut session = Session::new(SecretRng::from_test_seed(1)).unwrap();
    let (mut received, ..) = session.label_ots(ots(2)).unwrap();
    assert!(request(&[1], &[2], received.take(ots(2)).unwrap()).is_err());
}
