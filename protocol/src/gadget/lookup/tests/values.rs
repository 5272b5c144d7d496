//! The lookup computes what integers and the garbled backend say, and sends what it said.

use proptest::prelude::*;

use super::*;
use crate::gadget::testing::{masked_relu, trace};

fn splits(k: u8, d: u8) -> Vec<Split> {
    Split::all(CompareBits::new(k, d).unwrap()).collect()
}

#[test]
fn every_width_and_split_is_exact_at_the_edges() {
    for k in 2u8..=20 {
        let limit = (1i64 << (k - 1)) - 1;
        let values = [0, 1, -1, limit, -limit, limit / 2, -limit / 2, limit / 3];
        // Of 0 and -1, one is at the threshold of the comparison and the other beyond it, whatever
        // the share.
        let random = SecretRng::from_test_seed(k.into()).u64s(16);
        let x: Vec<i64> = values.into_iter().flat_map(|x| [x; 9 + 16]).collect();
        let corners = [
            0,
            1,
            u64::MAX,
            1 << 63,
            (1 << 63) - 1,
            limit as u64,
            limit as u64 + 1,
            (limit as u64).wrapping_neg(),
            0x5555_5555_5555_5555,
        ];
        let x_c: Vec<u64> = corners.into_iter().chain(random).cycle().take(x.len()).collect();
        let splits = splits(k, 0);
        let m = usize::from(k) - 1;
        assert_eq!(splits.len(), m.min(21 - m));
        for split in splits {
            let got = relu(&x, &x_c, split, u64::from(k));
            for ((x, got), c) in x.iter().zip(got).zip(&x_c) {
                assert_eq!(got, (*x).max(0), "max({x}, 0), {split:?}, share {c}");
            }
        }
    }
}

/// Every pair of comparands, also those of sums beyond the width.
#[test]
fn narrow_comparisons_are_exact_for_all_shares() {
    for (k, d) in [(2u8, 0u8), (3, 0), (4, 1), (5, 0), (6, 2)] {
        let side = 1u64 << k;
        let pairs = (0..side).flat_map(|c| (0..side).map(move |s| (c, s)));
        let (x_c, x_s): (Vec<u64>, Vec<u64>) = pairs.unzip();
        let x: Vec<i64> = x_c.iter().zip(&x_s).map(|(c, s)| c.wrapping_add(*s) as i64).collect();
        for split in splits(k, d) {
            for (i, got) in relu(&x, &x_c, split, 9).into_iter().enumerate() {
                let negative = (((x_c[i] >> d) + (x_s[i] >> d)) >> (k - d - 1)) & 1 == 1;
                assert_eq!(got, if negative { 0 } else { x[i] }, "{split:?} {} {}", x_c[i], x_s[i]);
            }
        }
    }
}

/// A comparison, and which of its splits.
fn any_split() -> impl Strategy<Value = Split> {
    (2u8..=21, 0u8..=40, any::<prop::sample::Index>()).prop_map(|(compared, dropped, which)| {
        let all = splits(compared + dropped, dropped);
        all[which.index(all.len())]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_shares_give_the_ideal_result(
        split in any_split(),
        shares in prop::collection::vec(any::<(i64, u64)>(), 1..400),
        seed: u64,
    ) {
        // Small, in range and far beyond it.
        let wide = split.compare().width() as u32;
        let scale = |i: usize, x: i64| x >> [63 - wide, 0, 64 - wide, 60][i % 4];
        let x: Vec<i64> = shares.iter().enumerate().map(|(i, (x, _))| scale(i, *x)).collect();
        let x_c: Vec<u64> = shares.iter().map(|(_, c)| *c).collect();
        let ideal = masked_relu(&x, &x_c, split.compare());
        prop_assert_eq!(relu(&x, &x_c, split, seed), ideal);
    }

    #[test]
    fn relu_is_exact(
        k in 2u8..=21, raw in prop::collection::vec(any::<i64>(), 1..600), seed: u64,
    ) {
        let x: Vec<i64> = raw.iter().map(|r| r % (1i64 << (k - 1))).collect();
        let x_c = SecretRng::from_test_seed(seed ^ 0x5eed).u64s(x.len());
        let split = Split::cheapest(CompareBits::new(k, 0).unwrap()).unwrap();
        for (x, got) in x.iter().zip(relu(&x, &x_c, split, seed)) {
            prop_assert_eq!(got, (*x).max(0));
        }
    }
}

#[test]
fn messages_have_the_predicted_lengths() {
    for (k, d) in [(2, 0), (8, 0), (14, 0), (14, 3), (21, 0)] {
        for split in splits(k, d) {
            for n in [1, 7, 255, 256, 257] {
                let zeros = vec![0; n];
                let got = run(&vec![0; n], &zeros, &zeros, split, 5);
                assert_eq!(got.request.len(), request_bytes(n));
                assert_eq!(got.digits.len(), digits_bytes(n, split));
                assert_eq!(got.tables.len(), tables_bytes(n, split));
                assert_eq!(got.rows.len(), rows_bytes(n));
                assert_eq!(got.answer.len(), answer_bytes(n));
                assert_eq!(got.digits.len() + got.rows.len(), online_down_bytes(n, split));
                assert_eq!(got.tables.len() + got.answer.len(), online_up_bytes(n, split));
            }
        }
    }
}

#[test]
fn costs_are_those_of_the_specification() {
    let split = split(13, 0, 6);
    assert_eq!((split.high(), split.low()), (6, 6));
    assert_eq!(selection_ots(1, split) + label_ots(1), 19);
    assert_eq!(online_down_bytes(1000, split), 9875);
    assert_eq!(online_up_bytes(1000, split), 40_000);
    assert_eq!(request_bytes(1000), 375);
}

#[test]
fn the_cheapest_split_sends_least() {
    for k in 2u8..=21 {
        let compare = CompareBits::new(k, 0).unwrap();
        let best = Split::cheapest(compare).unwrap();
        for other in Split::all(compare) {
            assert!(tables_bytes(800, best) <= tables_bytes(800, other));
            assert_eq!(selection_ots(1, best), selection_ots(1, other));
        }
    }
    let digits = |k| {
        let s = Split::cheapest(CompareBits::new(k, 0).unwrap()).unwrap();
        (s.high(), s.low())
    };
    assert_eq!([2, 3, 13, 14, 16].map(digits), [(1, 0), (1, 1), (6, 6), (6, 7), (7, 8)]);
    for k in [22, 63] {
        assert!(Split::cheapest(CompareBits::new(k, 0).unwrap()).is_err());
    }
}

#[test]
fn splits_are_validated() {
    let bits = |k| CompareBits::new(k, 0).unwrap();
    for (k, low) in [(2, 1), (5, 4), (12, 0), (14, 2), (14, 11), (22, 10), (63, 10), (14, 300)] {
        assert!(matches!(Split::new(bits(k), low), Err(crate::Error::Input { .. })), "{k} {low}");
    }
}

#[test]
fn results_do_not_depend_on_the_thread_count() {
    let x: Vec<i64> = (0..3000).map(|i| i - 1500).collect();
    let mut rng = SecretRng::from_test_seed(12);
    let (x_c, reshare) = (rng.u64s(3000), rng.u64s(3000));
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let got = pool.unwrap().install(|| run(&x, &x_c, &reshare, split(14, 0, 7), 8));
        (got.request, got.digits, got.tables, got.rows, got.answer)
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn wire_trace() {
    let x: Vec<i64> = (0..700).map(|i| i * 11 - 3800).collect();
    let mut rng = SecretRng::from_test_seed(2027);
    let (x_c, reshare) = (rng.u64s(700), rng.u64s(700));
    let got = run(&x, &x_c, &reshare, split(14, 0, 7), 2026);
    assert_eq!(
        trace(&[&got.request, &got.tables, &got.answer]),
        "3499d6663d260d03dc70ddd66c0bba425f648ae5c6bde11b507e0bace1d440ea"
    );
    assert_eq!(
        trace(&[&got.digits, &got.rows]),
        "745bcaf7ddf4be6b0ed10081846e6581a3c72189678b2d62eb687ac0aafc5032"
    );
}
