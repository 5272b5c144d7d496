//! Tests of the OT stack: correlations, lengths, wire traces.

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::rng::SecretRng;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub(super) fn trace(messages: &[&[u8]]) -> String {
    let mut h = Sha256::new();
    for m in messages {
        h.update((m.len() as u64).to_le_bytes());
        h.update(m);
    }
    hex(&h.finalize())
}

/// Runs the base OTs; returns both outputs and the three set-up messages.
fn base(choices: u128, seed: u64) -> (BasePairs, BaseKeys, [Vec<u8>; 2]) {
    let (mut r, mut s) = (SecretRng::from_test_seed(seed), SecretRng::from_test_seed(seed + 1));
    let (sender, first) = BaseSender::new(&mut r);
    let (keys, second) = BaseReceiver::respond(choices, &first, &mut s).unwrap();
    (sender.finish(&second).unwrap(), keys, [first, second])
}

pub(super) fn session(field: FieldBits, seed: u64) -> (CotReceiver, CotSender, Vec<u8>) {
    let mut rng = SecretRng::from_test_seed(seed + 2);
    let delta = Delta::random(&mut rng);
    let (pairs, keys, _) = base(delta.base_choices(), seed);
    let (receiver, corrections) = CotReceiver::new(field, pairs, &mut rng);
    let sender = CotSender::new(field, &delta, keys, &corrections).unwrap();
    (receiver, sender, corrections)
}

pub(super) fn assert_correlated(delta: &Delta, cots: CotView<'_>, keys: &[Block], n: usize) {
    assert_eq!((cots.bits.len(), cots.blocks.len(), keys.len()), (n, n, n));
    for j in 0..n {
        let expected = cots.blocks[j] ^ delta.block().and_bit(cots.bits[j]);
        assert!(keys[j].0 == expected.0, "OT {j} of {n}");
        assert!(cots.bits[j] <= 1);
    }
}

#[test]
fn base_ots_give_the_chosen_seed_only() {
    let choices = 0x0123_4567_89ab_cdef_0fed_cba9_8765_4321;
    let (pairs, keys, messages) = base(choices, 7);
    assert_eq!(messages[0].len(), BASE_SENDER_BYTES);
    assert_eq!(messages[1].len(), BASE_RECEIVER_BYTES);
    for i in 0..BASE_COUNT {
        let c = ((choices >> i) & 1) as usize;
        assert!(keys.0[i].0 == pairs.0[i][c].0);
        assert!(keys.0[i].0 != pairs.0[i][1 - c].0);
    }
}

#[test]
fn base_ots_refuse_bad_messages() {
    let mut rng = SecretRng::from_test_seed(1);
    let (sender, first) = BaseSender::new(&mut rng);
    for bad in [vec![], vec![0; 31], vec![0; 33], vec![0; 32], vec![0xff; 32]] {
        let got = BaseReceiver::respond(5, &bad, &mut rng);
        assert!(matches!(got, Err(crate::Error::PeerMisbehaved { .. })));
    }
    let (_, mut second) = BaseReceiver::respond(5, &first, &mut rng).unwrap();
    second[64] ^= 1;
    second[95] = 0xff;
    assert!(matches!(sender.finish(&second), Err(crate::Error::PeerMisbehaved { .. })));
}

#[test]
fn correlation_holds_for_every_field_and_odd_counts() {
    for k in 2..=8 {
        let field = FieldBits::new(k).unwrap();
        let (mut receiver, mut sender, corrections) = session(field, 40 + u64::from(k));
        assert_eq!(corrections.len(), CORRECTION_BYTES);
        for n in [1, 0, 8, 129, 4099] {
            let (mut r, message) = receiver.extend(n).unwrap();
            assert_eq!(message.len(), field.extension_bytes(n));
            let mut s = sender.extend(n, &message).unwrap();
            assert_correlated(sender.delta(), r.take(n).unwrap(), s.take(n).unwrap(), n);
        }
    }
}

#[test]
fn choice_bits_and_messages_are_balanced_and_fresh() {
    let (mut receiver, _, _) = session(FieldBits::default(), 60);
    let n = 1 << 16;
    let (mut first, one) = receiver.extend(n).unwrap();
    let (mut second, two) = receiver.extend(n).unwrap();
    let (a, b) = (first.take(n).unwrap().bits, second.take(n).unwrap().bits);
    let ones: usize = a.iter().map(|t| usize::from(*t)).sum();
    let same = a.iter().zip(b).filter(|(x, y)| x == y).count();
    let weight = |m: &[u8]| m.iter().map(|x| x.count_ones() as usize).sum::<usize>();
    // Six standard deviations of a fair coin.
    let fair =
        |count: usize, of: usize| (count as f64 - of as f64 / 2.0).abs() < 3.0 * (of as f64).sqrt();
    assert!(fair(ones, n) && fair(same, n));
    assert!(fair(weight(&one), 8 * one.len()) && fair(weight(&two), 8 * two.len()));
}

#[test]
fn wrong_lengths_are_refused() {
    let field = FieldBits::default();
    let (mut receiver, mut sender, corrections) = session(field, 70);
    let (_, message) = receiver.extend(100).unwrap();
    for bad in [&message[1..], &[message.clone(), vec![0]].concat()[..], &[]] {
        assert!(matches!(sender.extend(100, bad), Err(crate::Error::PeerMisbehaved { .. })));
    }
    let delta = sender.delta().clone();
    let (_, keys, _) = base(delta.base_choices(), 70);
    assert!(matches!(
        CotSender::new(field, &delta, keys, &corrections[1..]),
        Err(crate::Error::PeerMisbehaved { .. })
    ));
}

#[test]
fn field_bits_are_checked_and_the_default_stays_within_four_bytes() {
    assert!(FieldBits::new(1).is_err() && FieldBits::new(9).is_err());
    assert!(serde_roundtrip(3).is_ok() && serde_roundtrip(200).is_err());
    let field = FieldBits::default();
    for n in [256, 1000, 100_001] {
        assert!(field.extension_bytes(n) <= 4 * n, "{n}");
    }
    let widths: Vec<usize> = (0..43).map(|b| FieldBits::new(3).unwrap().width(b)).collect();
    assert_eq!(widths.iter().sum::<usize>(), 128);
}

fn serde_roundtrip(bits: u8) -> Result<(FieldBits, usize), bincode::error::DecodeError> {
    bincode::serde::decode_from_slice(&[bits], bincode::config::standard())
}

#[test]
fn stock_is_handed_out_once() {
    let (mut receiver, mut sender, _) = session(FieldBits::default(), 80);
    let (mut r, message) = receiver.extend(10).unwrap();
    let mut s = sender.extend(10, &message).unwrap();
    let first = r.take(4).unwrap().blocks[0].0;
    assert!(r.take(4).unwrap().blocks[0].0 != first);
    assert!(r.take(3).is_err() && r.len() == 2 && !r.is_empty());
    assert!(s.take(11).is_err() && s.take(10).is_ok() && s.is_empty());
}

#[test]
fn random_ots_share_the_chosen_pad() {
    let (mut receiver, mut sender, _) = session(FieldBits::default(), 90);
    let n = 1300;
    let (mut r, message) = receiver.extend(n).unwrap();
    let mut s = sender.extend(n, &message).unwrap();
    let hash = GateHash::new(&[9; 16]);
    let windows = || Tweaks::new().take(rot_windows(n)).unwrap();
    let delta = sender.delta().clone();
    let pads = SenderPads::new(&hash, windows(), s.take(n).unwrap(), &delta).unwrap();
    let got = ReceiverPads::new(&hash, windows(), r.take(n).unwrap()).unwrap();
    for i in 0..n {
        let pair = [pads.zero[i], pads.one[i]];
        let mu = usize::from(got.bits[i]);
        assert_eq!(got.chosen[i], pair[mu]);
        assert_ne!(got.chosen[i], pair[1 - mu]);
    }
}

#[test]
fn tweak_windows_never_repeat() {
    let mut tweaks = Tweaks::new();
    let mut first = tweaks.take(3).unwrap();
    let second = tweaks.take(2).unwrap();
    let head = first.take(1).unwrap();
    assert_eq!((head.index(0), first.index(0), first.index(1)), (0, 1, 2));
    assert_eq!((second.index(0), second.index(1)), (3, 4));
    assert!(first.take(3).is_err() && first.exactly(2).is_ok());
    assert!(second.exactly(3).is_err());
    assert!(tweaks.take(u64::MAX).is_err());
}

/// `H(x, i) = P(P(x) ^ i) ^ P(x)` one block at a time, against the batches.
#[test]
fn hash_agrees_with_its_definition() {
    use aes::Aes128Enc;
    use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
    let session = Aes128Enc::new(&Array([3; 16]));
    let mut key = Array(77u128.to_le_bytes());
    session.encrypt_block(&mut key);
    let window = Aes128Enc::new(&key);
    let permute = |x: u128| {
        let mut block = Array(x.to_le_bytes());
        window.encrypt_block(&mut block);
        u128::from_le_bytes(block.0)
    };
    let mut rng = SecretRng::from_test_seed(4);
    let input: Vec<Block> = (0..150).map(|_| Block::random(&mut rng)).collect();
    let mut output = input.clone();
    GateHash::new(&[3; 16]).window(77).hash(5, &mut output);
    for (i, (x, h)) in input.iter().zip(&output).enumerate() {
        let p = permute(x.0);
        assert!(h.0 == permute(p ^ (5 + i as u128)) ^ p);
    }
}

#[test]
fn wire_trace() {
    let delta = Delta::random(&mut SecretRng::from_test_seed(102));
    let (_, _, [first, second]) = base(delta.base_choices(), 100);
    let (mut receiver, _, corrections) = session(FieldBits::default(), 100);
    let (_, one) = receiver.extend(5000).unwrap();
    let (_, two) = receiver.extend(77).unwrap();
    assert_eq!(
        trace(&[&first, &second]),
        "dd43f3f6c5dd249502f46f73889e9e2c82974d2ce866553bc998b514a872a9f8"
    );
    assert_eq!(
        trace(&[&corrections, &one, &two]),
        "4df00ceeb53c70cf6303f850500a72cffe54cbf5d6c13b2617761650b88fdb1f"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn correlation_holds_for_any_count(n in 0usize..9000, m in 0usize..300, k in 2u8..=8, seed in 0u64..1000) {
        let (mut receiver, mut sender, _) = session(FieldBits::new(k).unwrap(), seed);
        for n in [n, m] {
            let (mut r, message) = receiver.extend(n).unwrap();
            let mut s = sender.extend(n, &message).unwrap();
            assert_correlated(sender.delta(), r.take(n).unwrap(), s.take(n).unwrap(), n);
        }
    }
}
