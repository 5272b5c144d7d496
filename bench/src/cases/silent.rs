//! Refills of silent correlated OT.

use tacita_protocol::Result;
use tacita_protocol::ot::{Direction, Ledger, SilentReceiver, SilentSender, SilentSet};
use tacita_protocol::rng::SecretRng;

use super::Instance;
use crate::meter::timed;

/// Both parties of one direction.
pub struct Silent {
    receiver: SilentReceiver,
    sender: SilentSender,
    rng: SecretRng,
}

impl Silent {
    /// A session past its first refill.
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn new(set: SilentSet, mut rng: SecretRng) -> Result<Self> {
        let mut base = Instance::new(&mut rng)?;
        let (received, sent, _) = base.extend(Ledger::new(set).base_cots())?;
        let (kind, seed, delta) = ((set, Direction::Labels), [0; 32], base.sender.delta());
        let receiver = SilentReceiver::new(kind, &seed, received)?;
        let sender = SilentSender::new(kind, &seed, delta, sent)?;
        let mut silent = Self { receiver, sender, rng };
        silent.refill()?;
        Ok(silent)
    }

    /// Correlated OTs of a refill, less those that the next one uses up.
    pub fn outputs(set: SilentSet) -> usize {
        set.outputs() - set.cost()
    }

    /// Uses up the stock and orders another, as sessions do; core-seconds of the sender's message,
    /// of the sender's outputs and of the receiver's.
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn order(&mut self) -> Result<[f64; 3]> {
        let rest = self.sender.ledger().available();
        self.sender.take(rest)?;
        self.receiver.take(rest)?;
        let (message, ordered) = timed(|| self.sender.order(&mut self.rng))?;
        self.receiver.order(message)?;
        let (_, sent) = timed(|| self.sender.expand())?;
        let (_, received) = timed(|| self.receiver.expand())?;
        Ok([ordered, sent, received])
    }

    /// Uses up the stock and makes another; core-seconds of the receiver and of the sender.
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn refill(&mut self) -> Result<[f64; 2]> {
        let rest = self.sender.ledger().available();
        self.sender.take(rest)?;
        self.receiver.take(rest)?;
        let rng = &mut self.rng;
        let ((batch, message), sent) = timed(|| {
            let (pending, message) = self.sender.refill(rng)?;
            Ok((pending.expand()?, message))
        })?;
        self.sender.accept(batch)?;
        let (batch, received) = timed(|| self.receiver.refill(message)?.expand())?;
        self.receiver.accept(batch)?;
        Ok([received, sent])
    }
}
