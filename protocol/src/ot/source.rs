//! One direction of a session's correlated OTs, however they are made.
//!
//! The SoftSpoken extension takes a message from the receiver for every slice. Silent OT takes
//! messages from the sender before a run, as many as the run's demand asks for by the
//! [`Ledger`](super::Ledger), and none for a slice: both parties compute how many those are from
//! the plan, the choice of backends and the batch.

use super::silent::{Direction, SilentReceiver, SilentSender};
use super::{
    BaseKeys, BasePairs, Block, CotReceiver, CotSender, CotView, Delta, OtExtension, ReceivedCots,
    SentCots,
};
use crate::error::{Error, Result};
use crate::rng::{PublicSeed, SecretRng};

/// Where the receiver's correlated OTs come from.
pub(crate) enum ReceiveSource {
    /// A message for every slice.
    SoftSpoken(CotReceiver, Option<ReceivedCots>),
    /// From stock.
    Silent(SilentReceiver),
}

/// Where the sender's come from.
pub(crate) enum SendSource {
    /// A message for every slice.
    SoftSpoken(CotSender, Option<SentCots>),
    /// From stock.
    Silent(SilentSender),
}

/// What the receiver sends once a session.
pub(crate) struct Opening {
    /// Corrections of the trees ([`super::CORRECTION_BYTES`]).
    pub(crate) corrections: Vec<u8>,
    /// [`OtExtension::bootstrap_bytes`], if there are any.
    pub(crate) bootstrap: Option<Vec<u8>>,
}

impl ReceiveSource {
    /// Starts a direction, given the base OTs in which this party was the sender.
    pub(crate) fn new(
        extension: OtExtension,
        (direction, seed): (Direction, &PublicSeed),
        base: BasePairs,
        rng: &mut SecretRng,
    ) -> Result<(Self, Opening)> {
        let (mut receiver, corrections) = CotReceiver::new(extension.field(), base, rng);
        match extension {
            OtExtension::SoftSpoken(_) => {
                let opening = Opening { corrections, bootstrap: None };
                Ok((Self::SoftSpoken(receiver, None), opening))
            }
            OtExtension::Silent(set) => {
                let (base, message) = receiver.extend(super::Ledger::new(set).base_cots())?;
                let silent = SilentReceiver::new((set, direction), seed, base)?;
                let opening = Opening { corrections, bootstrap: Some(message) };
                Ok((Self::Silent(silent), opening))
            }
        }
    }

    /// Length of the message that the sender owes before `n` can be taken, if it owes one.
    pub(crate) fn due(&self, n: usize) -> Option<usize> {
        match self {
            Self::SoftSpoken(..) => None,
            Self::Silent(silent) => silent.booked().due(n).map(|set| set.message_bytes()),
        }
    }

    /// Takes that message in.
    pub(crate) fn order(&mut self, message: Vec<u8>) -> Result<()> {
        match self {
            Self::SoftSpoken(..) => Err(Error::input("this OT extension takes no refills")),
            Self::Silent(silent) => silent.order(message),
        }
    }

    /// Computes ahead of [`Self::take`] while there is time, one refill at most.
    pub(crate) fn expand(&mut self, n: usize) -> Result<()> {
        match self {
            Self::Silent(silent) if silent.ledger().available() < n => silent.expand().map(drop),
            _ => Ok(()),
        }
    }

    /// The message for the sender before the next [`Self::take`] of `n`, if there is one.
    pub(crate) fn extend(&mut self, n: usize) -> Result<Option<Vec<u8>>> {
        match self {
            Self::SoftSpoken(receiver, made) => {
                let (cots, message) = receiver.extend(n)?;
                *made = Some(cots);
                Ok(Some(message))
            }
            Self::Silent(_) => Ok(None),
        }
    }

    /// The `n` correlated OTs of a slice.
    pub(crate) fn take(&mut self, n: usize) -> Result<CotView<'_>> {
        match self {
            Self::SoftSpoken(_, made) => made.as_mut().ok_or_else(nothing)?.take(n),
            Self::Silent(silent) => silent.take(n),
        }
    }
}

impl SendSource {
    /// Starts a direction, given the base OTs in which this party chose by its offset, and what
    /// the receiver sent.
    pub(crate) fn new(
        extension: OtExtension,
        (direction, seed): (Direction, &PublicSeed),
        (delta, base): (&Delta, BaseKeys),
        opening: &Opening,
    ) -> Result<Self> {
        let mut sender = CotSender::new(extension.field(), delta, base, &opening.corrections)?;
        match (extension, &opening.bootstrap) {
            (OtExtension::Silent(set), Some(message)) => {
                let base = sender.extend(super::Ledger::new(set).base_cots(), message)?;
                SilentSender::new((set, direction), seed, delta, base).map(Self::Silent)
            }
            (OtExtension::Silent(_), None) => Err(nothing()),
            (OtExtension::SoftSpoken(_), _) => Ok(Self::SoftSpoken(sender, None)),
        }
    }

    /// The message that the receiver has to get before `n` can be taken, if there is one.
    pub(crate) fn order(&mut self, n: usize, rng: &mut SecretRng) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Silent(silent) if silent.booked().due(n).is_some() => silent.order(rng).map(Some),
            _ => Ok(None),
        }
    }

    /// Computes ahead of [`Self::take`] while there is time, one refill at most.
    pub(crate) fn expand(&mut self, n: usize) -> Result<()> {
        match self {
            Self::Silent(silent) if silent.ledger().available() < n => silent.expand().map(drop),
            _ => Ok(()),
        }
    }

    /// The `n` correlated OTs of a slice, for which the receiver sent `message`, and the offset.
    pub(crate) fn take(&mut self, n: usize, message: Option<&[u8]>) -> Result<(&[Block], &Delta)> {
        match self {
            Self::SoftSpoken(sender, made) => {
                let cots = sender.extend(n, message.ok_or_else(nothing)?)?;
                Ok((made.insert(cots).take(n)?, sender.delta()))
            }
            Self::Silent(silent) => silent.take(n),
        }
    }
}

fn nothing() -> Error {
    Error::input("correlated OTs are taken before they are made")
}
