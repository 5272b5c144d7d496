//! Whole refills: correlation, messages, stock, ledger.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::Error;
use crate::ot::tests::trace;

#[test]
fn correlation_holds_over_many_refills() {
    let mut pair = Pair::new(SilentSet::Tiny, 1);
    for _ in 0..8 {
        pair.refill();
        pair.take(pair.sender.ledger().available());
    }
}

#[test]
fn correlation_holds_for_the_real_sets() {
    for set in SilentSet::ALL {
        let mut pair = Pair::new(set, 2);
        for size in [SilentSet::Small, set] {
            assert_eq!(pair.sender.ledger().next(), size);
            assert_eq!(pair.refill().len(), size.message_bytes());
            pair.take(pair.sender.ledger().available());
        }
    }
}

#[test]
fn choice_bits_and_messages_are_balanced_and_fresh() {
    let mut pair = Pair::new(SilentSet::Small, 3);
    let mut bits = Vec::new();
    let mut messages = Vec::new();
    for _ in 0..2 {
        messages.push(pair.refill());
        let n = pair.receiver.ledger().available();
        bits.push(pair.receiver.take(n).unwrap().bits.to_vec());
        pair.sender.take(n).unwrap();
    }
    let ones = |bits: &[u8]| bits.iter().map(|b| usize::from(*b)).sum::<usize>();
    let same = bits[0].iter().zip(&bits[1]).filter(|(a, b)| a == b).count();
    let weight = |m: &[u8]| m.iter().map(|x| x.count_ones() as usize).sum::<usize>();
    // Six standard deviations of a fair coin.
    let fair =
        |count: usize, of: usize| (count as f64 - of as f64 / 2.0).abs() < 3.0 * (of as f64).sqrt();
    let n = bits[0].len();
    assert!(fair(ones(&bits[0]), n) && fair(ones(&bits[1]), n) && fair(same, n));
    assert!(messages.iter().all(|m| fair(weight(m), 8 * m.len())));
    // Bits of one tree's leaves are no likelier to agree than others.
    let neighbours = bits[0].windows(2).filter(|w| w[0] == w[1]).count();
    assert!(fair(neighbours, n - 1));
}

#[test]
fn nothing_is_handed_out_twice() {
    let mut pair = Pair::new(SilentSet::Tiny, 4);
    let mut seen = HashSet::new();
    let mut total = 0;
    for n in [100, 700, 0, 1300, 2064, 1, 900, 5000, 17, 3000] {
        while pair.sender.ledger().available() < n {
            pair.refill();
        }
        seen.extend(pair.take(n));
        total += n;
    }
    assert_eq!(seen.len(), total);
    let spent: HashSet<u128> = (0..3).flat_map(|_| reserve(&mut pair)).collect();
    assert!(seen.is_disjoint(&spent) && spent.len() == 3 * SilentSet::Tiny.cost());
}

/// What the sender's next refill uses up.
fn reserve(pair: &mut Pair) -> Vec<u128> {
    let (pending, message) = pair.sender.refill(&mut pair.rng).unwrap();
    let used = pending.inputs();
    pair.sender.accept(pending.expand().unwrap()).unwrap();
    let received = pair.receiver.refill(message).unwrap();
    pair.receiver.accept(received.expand().unwrap()).unwrap();
    used
}

#[test]
fn wrong_lengths_are_refused_and_cost_nothing() {
    let mut pair = Pair::new(SilentSet::Tiny, 5);
    let (pending, message) = pair.sender.refill(&mut pair.rng).unwrap();
    for bad in [message[1..].to_vec(), [&message[..], &[0]].concat(), Vec::new()] {
        assert!(matches!(pair.receiver.refill(bad), Err(Error::PeerMisbehaved { .. })));
    }
    let received = pair.receiver.refill(message).unwrap();
    pair.sender.accept(pending.expand().unwrap()).unwrap();
    pair.receiver.accept(received.expand().unwrap()).unwrap();
    pair.take(2000);
}

#[test]
fn refills_go_one_by_one() {
    let mut pair = Pair::new(SilentSet::Tiny, 6);
    let mut other = Pair::new(SilentSet::Tiny, 6);
    pair.refill();
    let (pending, message) = pair.sender.refill(&mut pair.rng).unwrap();
    assert!(matches!(pair.sender.refill(&mut pair.rng), Err(Error::Input { .. })));
    // Taking goes on meanwhile.
    pair.take(1000);
    let (first, _) = other.sender.refill(&mut other.rng).unwrap();
    assert!(matches!(pair.sender.accept(first.expand().unwrap()), Err(Error::Input { .. })));
    let left = pair.sender.ledger().available();
    assert!(pair.sender.take(left + 1).is_err() && pair.receiver.take(left + 1).is_err());
    let received = pair.receiver.refill(message).unwrap();
    pair.sender.accept(pending.expand().unwrap()).unwrap();
    pair.receiver.accept(received.expand().unwrap()).unwrap();
    // Partly of the first batch, partly of the second.
    pair.take(left + 1);
}

#[test]
fn base_cots_are_counted() {
    for wrong in [0, SilentSet::Tiny.cost() - 1, SilentSet::Tiny.cost() + 1] {
        let (received, sent, delta) = base(wrong, 7);
        let kind = (SilentSet::Tiny, Direction::Selection);
        assert!(SilentReceiver::new(kind, &[0; 32], received).is_err());
        assert!(SilentSender::new(kind, &[0; 32], &delta, sent).is_err());
    }
}

#[test]
fn refills_move_between_threads() {
    let mut pair = Pair::new(SilentSet::Tiny, 8);
    let (pending, message) = pair.sender.refill(&mut pair.rng).unwrap();
    let received = pair.receiver.refill(message).unwrap();
    let sender = std::thread::spawn(move || pending.expand().unwrap());
    let receiver = std::thread::spawn(move || received.expand().unwrap());
    pair.sender.accept(sender.join().unwrap()).unwrap();
    pair.receiver.accept(receiver.join().unwrap()).unwrap();
    pair.take(2064);
}

#[test]
fn wire_trace() {
    let mut pair = Pair::new(SilentSet::Tiny, 100);
    let messages: Vec<Vec<u8>> = (0..3).map(|_| pair.refill()).collect();
    let keys = pair.sender.take(4000).unwrap().0;
    let outputs: Vec<u8> = keys.iter().flat_map(|k| k.to_bytes()).collect();
    let all: Vec<&[u8]> = messages.iter().chain([&outputs]).map(Vec::as_slice).collect();
    assert_eq!(trace(&all), "41a6d03b89890a1e05c4688c1d9732f61cbae6a90fec2a2e75b00133f6797f57");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_ledger_predicts_every_message(
        demands in proptest::collection::vec(0usize..6000, 1..8),
        seed in 0u64..1000,
    ) {
        let mut pair = Pair::new(SilentSet::Tiny, seed);
        let mut ledger = Ledger::new(SilentSet::Tiny);
        for n in demands {
            let predicted: usize = ledger.cover(n).iter().map(|s| s.message_bytes()).sum();
            ledger.take(n).unwrap();
            let mut sent = 0;
            while pair.sender.ledger().available() < n {
                sent += pair.refill().len();
            }
            pair.take(n);
            prop_assert_eq!(sent, predicted);
            prop_assert_eq!(pair.sender.ledger(), &ledger);
        }
    }

    /// Every refill nets its outputs less what the next one costs.
    #[test]
    fn the_ledger_balances(demands in proptest::collection::vec(0usize..9_000_000, 1..9), set in 0usize..3) {
        let set = SilentSet::ALL[set];
        let mut ledger = Ledger::new(set);
        let (mut made, mut taken) = (0, 0);
        for n in demands {
            for (i, size) in ledger.clone().cover(n).into_iter().enumerate() {
                let first = ledger.refills() == 0 && i == 0;
                prop_assert_eq!(size, if first { SilentSet::Small } else { set });
                made += size.outputs() - set.cost();
            }
            let before = ledger.available();
            let needed = ledger.cover(n);
            prop_assert!(needed.is_empty() == (before >= n));
            prop_assert!(ledger.take(ledger.available() + 1).is_err());
            ledger.take(n).unwrap();
            taken += n;
            prop_assert_eq!(ledger.available(), made - taken);
        }
    }
}
