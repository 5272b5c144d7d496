//! Silent correlated OT.

mod code;
mod keys;
mod ledger;
mod params;
mod receiver;
mod sender;
mod stock;
mod tree;

pub use keys::Direction;
pub use ledger::Ledger;
pub use params::SilentSet;
pub use receiver::{ReceiverBatch, ReceiverRefill, SilentReceiver};
pub use sender::{SenderBatch, SenderRefill, SilentSender};

#[cfg(test)]
mod tests;
