//! Tests of the gates and of the carry circuit.

use proptest::prelude::*;

use super::*;
use crate::ot::{Block, Delta};
use crate::rng::SecretRng;

fn random_blocks(n: usize, rng: &mut SecretRng) -> Vec<Block> {
    (0..n).map(|_| Block::random(rng)).collect()
}

fn activate(zero: &[Block], bits: &[u8], delta: &Delta) -> Vec<Block> {
    let labels = zero.iter().zip(bits);
    labels.map(|(l, b)| *l ^ delta.block().and_bit(*b)).collect()
}

#[test]
fn and_gates_follow_the_truth_table_for_every_colour() {
    let mut rng = SecretRng::from_test_seed(1);
    let (delta, hash) = (Delta::random(&mut rng), GateHash::new(&rng.array()));
    for n in [0, 1, 63, 65, CHUNK] {
        let (a, b) = (random_blocks(n, &mut rng), random_blocks(n, &mut rng));
        let mut tables = vec![0; AND_BYTES * n];
        let mut zero = random_blocks(n, &mut rng);
        Garbler::new(&hash, &delta).and(9, &a, &b, &mut tables, &mut zero);
        for inputs in 0..4u8 {
            let (x, y) = (inputs & 1, inputs >> 1);
            let (la, lb) = (activate(&a, &vec![x; n], &delta), activate(&b, &vec![y; n], &delta));
            let mut got = random_blocks(n, &mut rng);
            Evaluator::new(&hash).and(9, &la, &lb, &tables, &mut got);
            let expected = activate(&zero, &vec![x & y; n], &delta);
            assert!(got.iter().zip(&expected).all(|(g, e)| g.0 == e.0));
        }
    }
}

#[test]
fn a_garbled_gate_depends_on_its_window() {
    let mut rng = SecretRng::from_test_seed(2);
    let (delta, hash) = (Delta::random(&mut rng), GateHash::new(&rng.array()));
    let (a, b) = (random_blocks(1, &mut rng), random_blocks(1, &mut rng));
    let table = |window| {
        let (mut tables, mut out) = (vec![0; AND_BYTES], [Block::default()]);
        Garbler::new(&hash, &delta).and(window, &a, &b, &mut tables, &mut out);
        tables
    };
    assert_eq!(table(1), table(1));
    assert_ne!(table(1), table(2));
}

/// The plain value of Y: bit m-1 of the sum, but for the top bit of `s`.
fn y_of(c: u64, s: u64, m: usize) -> u8 {
    let low = (1u64 << (m - 1)) - 1;
    let carry = ((c & low) + (s & low)) >> (m - 1);
    (((c >> (m - 1)) ^ carry) & 1) as u8
}

fn assert_carries(values: &[(u64, u64)], m: usize, seed: u64) {
    let mut rng = SecretRng::from_test_seed(seed);
    let (delta, hash) = (Delta::random(&mut rng), GateHash::new(&rng.array()));
    let n = values.len();
    let bits = |pick: fn(&(u64, u64)) -> u64, rows: usize| -> Vec<u8> {
        (0..rows).flat_map(|j| values.iter().map(move |v| ((pick(v) >> j) & 1) as u8)).collect()
    };
    let (c, s) = (random_blocks(n * m, &mut rng), random_blocks(n * (m - 1), &mut rng));
    let mut tables = vec![0; carry_tables_bytes(n, m)];
    let (mut zero, mut got) = (vec![Block::default(); n], vec![Block::default(); n]);
    Garbler::new(&hash, &delta).carry(3, &c, &s, &mut tables, &mut zero);
    let active_c = activate(&c, &bits(|v| v.0, m), &delta);
    let active_s = activate(&s, &bits(|v| v.1, m - 1), &delta);
    Evaluator::new(&hash).carry(3, &active_c, &active_s, &tables, &mut got);
    for (i, (c, s)) in values.iter().enumerate() {
        let expected = zero[i] ^ delta.block().and_bit(y_of(*c, *s, m));
        assert!(got[i].0 == expected.0, "{c} {s} at {m} bits");
    }
}

#[test]
fn carry_circuit_is_right_for_every_small_pair() {
    for m in 2..=4 {
        let pairs = 1u64 << (2 * m);
        let values: Vec<_> = (0..pairs).map(|v| (v & ((1 << m) - 1), v >> m)).collect();
        assert_carries(&values, m, m as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn carry_circuit_is_right(
        m in 2usize..=63,
        values in prop::collection::vec((any::<u64>(), any::<u64>()), 1..40),
        seed: u64,
    ) {
        assert_carries(&values, m, seed);
    }
}
