//! The gadgets compute what they should, refuse what they should, and send what they said.

use proptest::prelude::*;

use super::*;
use crate::Error;

fn bits(width: u8, dropped: u8) -> CompareBits {
    CompareBits::new(width, dropped).unwrap()
}

#[test]
fn edges_are_exact_whatever_the_shares() {
    for k in [2u8, 3, 8, 14, 40, 63] {
        let limit = (1i64 << (k - 1)) - 1;
        let x: Vec<i64> = [0, 1, -1, limit, -limit, limit / 2, -limit / 2]
            .into_iter()
            .flat_map(|x| [x; 8])
            .collect();
        let corners = [
            0,
            1,
            u64::MAX,
            1 << 63,
            (1 << 63) - 1,
            limit as u64,
            (limit as u64) + 1,
            0x5555_5555_5555_5555,
        ];
        let x_c: Vec<u64> = corners.into_iter().cycle().take(x.len()).collect();
        let got = relu_of(&run_on(&x, &x_c, bits(k, 0), u64::from(k)));
        for ((x, got), c) in x.iter().zip(got).zip(x_c) {
            assert_eq!(got, (*x).max(0), "max({x}, 0) at {k} bits, share {c}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn relu_is_exact(k in 2u8..=63, raw in prop::collection::vec(any::<i64>(), 1..600), seed: u64) {
        let x: Vec<i64> = raw.iter().map(|r| r % (1i64 << (k - 1))).collect();
        let got = relu_of(&run(&x, bits(k, 0), seed));
        for (x, got) in x.iter().zip(got) {
            prop_assert_eq!(got, (*x).max(0));
        }
    }

    #[test]
    fn any_shares_give_the_ideal_result(
        (k, d) in (2u8..=63).prop_flat_map(|k| (Just(k), 0..=k - 2)),
        shares in prop::collection::vec(any::<(i64, u64)>(), 1..300),
        seed: u64,
    ) {
        let (x, x_c): (Vec<i64>, Vec<u64>) = shares.into_iter().unzip();
        let got = relu_of(&run_on(&x, &x_c, bits(k, d), seed));
        prop_assert_eq!(got, masked_relu(&x, &x_c, bits(k, d)));
    }

    #[test]
    fn dropping_bits_mistakes_small_values_only(
        k in 3u8..=63, d in 1u8..=61, raw in prop::collection::vec(any::<i64>(), 1..300), seed: u64,
    ) {
        prop_assume!(d + 2 <= k);
        // Strictly within the margin, and as often near zero.
        let limit = (1i64 << (k - 1)) - (1i64 << d);
        let x: Vec<i64> = raw.iter().map(|r| if r & 1 == 0 { r % limit } else { r % (2i64 << d) % limit }).collect();
        let got = relu_of(&run(&x, bits(k, d), seed));
        for (x, got) in x.iter().zip(got) {
            let small = (0..1i64 << d).contains(x);
            prop_assert!(got == (*x).max(0) || (small && got == 0), "relu({x}) = {got}");
        }
    }
}

#[test]
fn one_sign_selects_several_values() {
    let mut dealer = Dealer::new(31);
    let bits = bits(14, 0);
    let n = 300;
    let x: Vec<i64> = (0..n as i64).map(|i| (i - 150) * 40).collect();
    let values = [dealer.rng.u64s(n), dealer.rng.u64s(n)];
    let x_c = dealer.rng.u64s(n);
    let pairs = x.iter().zip(&x_c);
    let x_s: Vec<u64> = pairs.map(|(x, c)| (*x as u64).wrapping_sub(*c)).collect();

    let (t, m, k) = cots(cot_count(n, bits), &dealer.server, &mut dealer.rng);
    let [wc, ws] = dealer.windows(sign_windows(n, bits));
    let view = CotView { bits: &t, blocks: &m };
    let (client, d) = ClientSignRequest::new(&dealer.hash, wc, bits, view, &x_c).unwrap();
    let (server, tables) =
        ServerSign::garble(&dealer.hash, ws, (n, bits), (&k, &dealer.server), &d, &mut dealer.rng)
            .unwrap();
    let (labels, zero) = server.online(&x_s).unwrap();
    let active = client.tables(tables).unwrap().online(&labels).unwrap();

    for value in values {
        let value_c = dealer.rng.u64s(n);
        let value_s: Vec<u64> = (0..n).map(|i| value[i].wrapping_sub(value_c[i])).collect();
        let (sender, receiver) = dealer.random_ots(n);
        let [wc, ws] = dealer.windows(select_windows(n));
        let (client, e) = ClientSelect::request(&dealer.hash, wc, sender, &value_c).unwrap();
        let server = ServerSelect::new(&dealer.hash, ws, receiver, &e).unwrap();
        let (message, rho) = server.online(&zero, &value_s).unwrap();
        assert_eq!(message.len(), select_online_down_bytes(n));
        let v = client.online(&active, &message).unwrap();
        for i in 0..n {
            let expected = if x[i] >= 0 { value[i] } else { 0 };
            assert_eq!(v[i].wrapping_sub(rho[i]), expected, "x = {}", x[i]);
        }
    }
}

#[test]
fn byte_counts_are_exact_and_within_the_specification() {
    for (k, d) in [(2, 0), (8, 0), (14, 0), (14, 3), (63, 0)] {
        let bits = bits(k, d);
        let m = bits.compared();
        for n in [1, 255, 256, 257, 1000] {
            let got = run(&vec![0; n], bits, 5);
            assert_eq!(got.up.len(), offline_up_bytes(n, bits));
            assert_eq!(got.tables.len(), offline_down_bytes(n, bits));
            assert_eq!(got.online.len(), online_down_bytes(n, bits));
            assert_eq!(online_down_bytes(n, bits), n * (16 * (m - 1) + 8) + n.div_ceil(8));
            assert!(offline_down_bytes(n, bits) <= n * (32 * (m - 1) + 1));
            assert!(8 * offline_up_bytes(n, bits) <= n * m + 72 * n);
            assert!(online_down_bytes(n, bits) <= n * (16 * (m - 1) + 9));
        }
    }
    assert_eq!(offline_down_bytes(1, bits(14, 0)), 416);
}

#[test]
fn results_do_not_depend_on_the_thread_count() {
    let x: Vec<i64> = (0..3000).map(|i| i - 1500).collect();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let got = pool.unwrap().install(|| run(&x, bits(14, 0), 8));
        (got.up, got.tables, got.online, got.v)
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn malformed_messages_are_refused() {
    let refused = |got: bool| assert!(got);
    let (bits, n) = (bits(3, 0), 5);
    let mut dealer = Dealer::new(77);
    let (_, _, [up, tables]) = dealer.offline(bits, &[1; 5]);
    let mut padded = up.clone();
    padded[1] |= 0x80;
    for bad in [&up[1..], &[&up[..], &[0]].concat(), &padded, &[]] {
        let deal = dealer.deal(n, bits);
        let [_, windows] = deal.windows;
        let got = server_offline(
            &dealer.hash,
            windows,
            bits,
            (&deal.k, &dealer.server),
            deal.receiver,
            bad,
            &mut dealer.rng,
        );
        refused(matches!(got, Err(Error::PeerMisbehaved { .. })));
    }
    for bad in [tables[1..].to_vec(), [&tables[..], &[0]].concat()] {
        let deal = dealer.deal(n, bits);
        let [windows, _] = deal.windows;
        let view = CotView { bits: &deal.t, blocks: &deal.m };
        let (client, _) =
            client_offline_request(&dealer.hash, windows, bits, view, deal.sender, &[1; 5])
                .unwrap();
        refused(matches!(client.tables(bad), Err(Error::PeerMisbehaved { .. })));
    }
    for damage in 0..3 {
        let (client, server, _) = dealer.offline(bits, &[1; 5]);
        let (mut online, _) = server.online(&[2; 5]).unwrap();
        match damage {
            0 => online.push(0),
            1 => online.truncate(online.len() - 1),
            _ => *online.last_mut().unwrap() |= 0x20,
        }
        refused(matches!(client.online(&online), Err(Error::PeerMisbehaved { .. })));
    }
}

#[test]
fn a_caller_with_wrong_counts_is_told() {
    let bits = bits(3, 0);
    let mut dealer = Dealer::new(78);
    let (_, server, _) = dealer.offline(bits, &[1; 5]);
    assert!(matches!(server.online(&[0; 4]), Err(Error::Input { .. })));
    let deal = dealer.deal(5, bits);
    let view = CotView { bits: &deal.t, blocks: &deal.m };
    let [windows, _] = deal.windows;
    let got = client_offline_request(&dealer.hash, windows, bits, view, deal.sender, &[1; 4]);
    assert!(matches!(got, Err(Error::Input { .. })));
}

#[test]
fn compare_bits_are_validated_also_when_decoded() {
    for (k, d) in [(0, 0), (1, 0), (64, 0), (5, 4), (3, 9)] {
        assert!(CompareBits::new(k, d).is_err(), "{k} {d}");
        let config = bincode::config::standard();
        let got: Result<(CompareBits, usize), _> =
            bincode::serde::decode_from_slice(&[k, d], config);
        assert!(got.is_err());
        let bytes = bincode::serde::encode_to_vec(bits(14, 2), config).unwrap();
        let (back, _): (CompareBits, _) =
            bincode::serde::decode_from_slice(&bytes, config).unwrap();
        assert_eq!(back, bits(14, 2));
    }
    assert_eq!(bits(14, 3).compared(), 11);
}

#[test]
fn wire_trace() {
    let x: Vec<i64> = (0..700).map(|i| i * 11 - 3800).collect();
    let got = run(&x, bits(14, 0), 2026);
    assert_eq!(
        trace(&[&got.up, &got.tables]),
        "e83a8d6e3e154d1f1f350eb8fea357af9ab1b24d407f45f54db8000acd6d3cb8"
    );
    assert_eq!(
        trace(&[&got.online]),
        "538dfb2858b197bec58274a0b1d06e45cf36d1c10e14084522acd948417f2436"
    );
}
