//! Tests of silent correlated OT.

mod parts;
mod refills;

use super::*;
use crate::ot::tests::{assert_correlated, session};
use crate::ot::{Delta, FieldBits, ReceivedCots, SentCots};
use crate::rng::SecretRng;

/// Correlated OTs of the SoftSpoken extension.
fn base(n: usize, seed: u64) -> (ReceivedCots, SentCots, Delta) {
    let (mut receiver, mut sender, _) = session(FieldBits::default(), seed);
    let (received, message) = receiver.extend(n).unwrap();
    let sent = sender.extend(n, &message).unwrap();
    (received, sent, sender.delta().clone())
}

/// Both parties of one direction.
struct Pair {
    receiver: SilentReceiver,
    sender: SilentSender,
    rng: SecretRng,
}

impl Pair {
    fn new(set: SilentSet, seed: u64) -> Self {
        let (received, sent, delta) = base(Ledger::new(set).base_cots(), seed);
        let (kind, public) = ((set, Direction::Labels), [7; 32]);
        Self {
            receiver: SilentReceiver::new(kind, &public, received).unwrap(),
            sender: SilentSender::new(kind, &public, &delta, sent).unwrap(),
            rng: SecretRng::from_test_seed(seed + 50),
        }
    }

    /// One refill at both; its message.
    fn refill(&mut self) -> Vec<u8> {
        let (pending, message) = self.sender.refill(&mut self.rng).unwrap();
        let received = self.receiver.refill(message.clone()).unwrap();
        self.sender.accept(pending.expand().unwrap()).unwrap();
        self.receiver.accept(received.expand().unwrap()).unwrap();
        assert_eq!(self.sender.ledger(), self.receiver.ledger());
        message
    }

    /// Takes `n` at both and checks them; the sender's blocks.
    fn take(&mut self, n: usize) -> Vec<u128> {
        let (keys, delta) = self.sender.take(n).unwrap();
        let cots = self.receiver.take(n).unwrap();
        assert_correlated(delta, cots, keys, n);
        keys.iter().map(|k| k.0).collect()
    }
}
