use std::time::Instant;

use super::*;
use crate::ot::tests::session;
use crate::ot::{Delta, FieldBits, ReceivedCots, SentCots};

fn pair(set: SilentSet, seed: u64) -> (SilentReceiver, SilentSender) {
    let (mut receiver, mut sender, _) = session(FieldBits::default(), seed);
    let n = Ledger::new(set).base_cots();
    let (received, message) = receiver.extend(n).unwrap();
    let sent = sender.extend(n, &message).unwrap();
    let (kind, public) = ((set, Direction::Labels), [7; 32]);
    let silent = SilentSender::new(kind, &public, sender.delta(), sent).unwrap();
    (SilentReceiver::new(kind, &public, received).unwrap(), silent)
}

fn check(delta: &Delta, mut r: ReceivedCots, mut s: SentCots) {
    let n = r.len();
    let (cots, keys) = (r.take(n).unwrap(), s.take(n).unwrap());
    for j in 0..n {
        let expected = cots.blocks[j] ^ delta.block().and_bit(cots.bits[j]);
        assert!(keys[j].0 == expected.0, "OT {j} of {n}");
    }
}

#[test]
#[ignore = "timing"]
fn timing() {
    for set in SilentSet::ALL {
        let (mut r, mut s) = pair(set, 5);
        let mut rng = crate::rng::SecretRng::from_test_seed(6);
        for _ in 0..4 {
            let n = s.ledger().next().outputs() as f64;
            let ns = |t: Instant| t.elapsed().as_secs_f64() * 1e9 / n;
            let t = Instant::now();
            let (pending, message) = s.refill(&mut rng).unwrap();
            let a = ns(t);
            let t = Instant::now();
            let batch = pending.expand().unwrap();
            let b = ns(t);
            s.accept(batch).unwrap();
            let t = Instant::now();
            let batch = r.refill(message).unwrap().expand().unwrap();
            let c = ns(t);
            r.accept(batch).unwrap();
            let t = Instant::now();
            let m = s.ledger().available();
            let k = s.take(m).unwrap();
            let d = ns(t);
            let got = r.take(m).unwrap();
            println!(
                "{set:?}: trees {a:.2} + code {b:.2} ns sender, {c:.2} ns receiver, take {d:.2}"
            );
            check(s.delta(), got, k);
        }
    }
}
