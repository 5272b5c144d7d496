//! A session: handshake, keys and base OTs once, then any number of offline and online runs.
//!
//! Two round trips (docs/protocol.md, section 7): hellos and the public plan; keys and base OTs.

mod batches;
mod client;
mod handshake;
mod server;

pub use crate::online::Inference;
pub use batches::BatchSizes;
pub use client::{ClientOptions, ClientSession};
pub(crate) use handshake::{ClientCrypto, ServerCrypto};
pub use handshake::{Offer, PROTOCOL_VERSION, session_traffic};
pub use server::{ServerContext, SessionLimits, SessionReport};

/// Payload of an offline request: tickets (u32), the public seed of the uploads, and a byte for
/// each of the plan's tensors with ReLUs ([`crate::plan::ReluChoices::to_bytes`]).
pub(crate) const fn offline_request_bytes(relu_tensors: usize) -> usize {
    4 + 32 + relu_tensors
}
/// Payload of an online request: the ticket's number.
pub(crate) const ONLINE_REQUEST_BYTES: usize = 8;

#[cfg(test)]
pub(crate) mod tests;
