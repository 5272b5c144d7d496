//! What each party sees is uniform, whatever the values: checked by chi-square tests at fixed
//! seeds.

use super::*;
use crate::gadget::testing::assert_uniform;

const POSITIONS: usize = 20_000;
const SHARE: u64 = 0x0123_4567_89ab_cdef;

/// Constant values and shares: all randomness must come from the protocol.
fn constant_run(x: i64, low: usize, seed: u64) -> Run {
    let (x, x_c) = (vec![x; POSITIONS], vec![SHARE; POSITIONS]);
    run(&x, &x_c, &vec![0; POSITIONS], split(14, 0, low), seed)
}

#[test]
fn what_the_server_receives_is_uniform() {
    for (x, low) in [(-5, 7), (5, 7), (0, 6), (8000, 5)] {
        let got = constant_run(x, low, 3);
        assert_uniform("request", &got.request);
        assert_uniform("tables", &got.tables);
        assert_uniform("answer", &got.answer);
    }
}

#[test]
fn what_the_client_receives_is_uniform() {
    for (x, low) in [(-8000, 7), (-1, 7), (0, 6), (8000, 5)] {
        let got = constant_run(x, low, 4);
        let (rows, opened) = got.rows.split_at(8 * POSITIONS);
        assert_uniform("digits", &got.digits);
        assert_uniform("rows", rows);
        assert_uniform("opened bits", opened);
    }
}

/// Chi-square of counts against the uniform distribution, as a number of standard deviations.
fn deviation(counts: &[u32]) -> f64 {
    let cells = counts.len() as f64;
    let expected = f64::from(counts.iter().sum::<u32>()) / cells;
    let chi: f64 = counts.iter().map(|c| (f64::from(*c) - expected).powi(2) / expected).sum();
    (chi - (cells - 1.0)) / (2.0 * (cells - 1.0)).sqrt()
}

/// The states of both parties after the tables, for constant values.
fn after_tables(x: i64, seed: u64) -> (ClientTables, ServerDigits, Vec<u8>) {
    let mut dealer = Dealer::new(seed);
    let (client, server, _) = offline(&mut dealer, split(14, 0, 7), &[SHARE; POSITIONS]);
    let x_s = server_shares(&[x; POSITIONS], &[SHARE; POSITIONS]);
    let (server, digits) = server.digits(&x_s).unwrap();
    let (client, tables) = client.tables(&digits).unwrap();
    (client, server, tables)
}

/// What the server reads in the tables tells nothing, not even with all bits that it holds of the
/// ANDs.
#[test]
fn entries_that_the_server_reads_are_independent_of_its_bits() {
    for x in [-7, 7, 0] {
        let (_, server, tables) = after_tables(x, 5);
        let mut reader = stream::BitReader::new(&tables);
        let mut counts = [0; 64];
        for i in 0..POSITIONS {
            let bits = [server.read(i, &mut reader), server.lookup.ands[i]].concat();
            counts[bits.iter().fold(0, |cell, bit| 2 * cell + usize::from(*bit))] += 1;
        }
        let d = deviation(&counts);
        assert!(d.abs() < 6.0, "{x}: {d} standard deviations");
    }
}

/// What the server opens tells nothing, not even with all bits that the client holds; and what
/// the client selects is uniform.
#[test]
fn opened_bits_are_independent_of_the_client_s_bits() {
    for x in [-7, 7, 0] {
        let (client, server, tables) = after_tables(x, 6);
        let (_, message) = server.rows(&tables).unwrap();
        let (rows, opened) = message.split_at(8 * POSITIONS);
        let (rows, mut opened) = (crate::bytes::u64s_from(rows), stream::BitReader::new(opened));
        let mut counts = [0; 128];
        let mut selected = Vec::new();
        for (i, row) in rows.into_iter().enumerate() {
            let number = 2 * opened.take(1) + opened.take(1);
            let cell = 16 * (2 * number + opened.take(1)) + u64::from(client.masks[i].0);
            counts[cell as usize] += 1;
            let both = client.reshared(i, number as usize, row, 0);
            selected.extend(both.iter().flat_map(|v| v.to_le_bytes()));
        }
        let d = deviation(&counts);
        assert!(d.abs() < 6.0, "{x}: {d} standard deviations");
        assert_uniform("selected values", &selected);
    }
}
