//! Oblivious transfer: base OTs, the SoftSpoken extension, silent OT, correlated and random OTs.
//!
//! Everything is semi-honest and works on bytes in memory. A session runs two instances, one for
//! each direction, because the gadgets need both:
//!
//! | instance | correlated-OT sender | receiver | what for |
//! |---|---|---|---|
//! | labels | server, offset = garbling offset | client | the client's input labels |
//! | selection | client, own offset | server | one random bit and pads for each selected value |
//!
//! The order of messages of one instance (R = receiver of correlated OTs, S = their sender):
//!
//! 1. R -> S: [`BaseSender::new`], [`BASE_SENDER_BYTES`] (R sends in the base OT, roles swap);
//! 2. S -> R: [`BaseReceiver::respond`] with the choices [`Delta::base_choices`],
//!    [`BASE_RECEIVER_BYTES`];
//! 3. R -> S: [`CotReceiver::new`], [`CORRECTION_BYTES`]; S calls [`CotSender::new`];
//! 4. any number of times, R -> S: [`CotReceiver::extend`], [`FieldBits::extension_bytes`].
//!
//! One instance costs a session 8.2 kB once and, at the default [`FieldBits`], 31/8 bytes an OT.
//! The client chooses the parameters of both ([`OtConfig`]).
//! Silent correlated OT, [`SilentSender`] and [`SilentReceiver`], takes one such extension of
//! [`Ledger::base_cots`] OTs (139 kB) and then refills a stock of them by messages S -> R alone, of
//! 0.05 to 0.17 bytes an OT and with less computing. It pays from some 100,000 OTs on.

mod base;
mod block;
mod config;
mod cots;
mod extension;
mod field;
mod fixed_key;
mod ggm;
mod hash;
mod random;
mod silent;
mod source;
mod stream;
mod transpose;

pub use base::{
    BASE_COUNT, BASE_RECEIVER_BYTES, BASE_SENDER_BYTES, BaseKeys, BasePairs, BaseReceiver,
    BaseSender,
};
pub use block::{Block, Blocks, Delta};

pub(crate) use base::check_length;
pub(crate) use block::zeros;
pub use config::{OtConfig, OtExtension};
pub use cots::{CotView, ReceivedCots, SentCots};
pub use extension::{CotReceiver, CotSender};
pub use field::FieldBits;
pub use fixed_key::HashBackend;
pub use ggm::CORRECTION_BYTES;
pub use hash::{GateHash, Tweaks, WINDOW_TWEAKS, WindowHash, Windows};
pub use random::{ROT_WINDOW, ReceiverPads, SenderPads, rot_windows};
pub use silent::{
    Direction, Ledger, ReceiverBatch, ReceiverRefill, SenderBatch, SenderRefill, SilentReceiver,
    SilentSender, SilentSet,
};
pub(crate) use source::{Opening, ReceiveSource, SendSource};

/// All ones if `bit` is 1, zero if it is 0: a branch-free select mask.
#[inline]
pub(crate) fn mask64(bit: u8) -> u64 {
    u64::from(bit & 1).wrapping_neg()
}

/// [`mask64`] for 128 bits.
#[inline]
pub(crate) fn mask128(bit: u8) -> u128 {
    u128::from(bit & 1).wrapping_neg()
}

#[cfg(test)]
mod tests;
