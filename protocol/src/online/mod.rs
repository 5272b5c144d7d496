//! The online phase: spends a ticket on an image (docs/protocol.md, sections 6 and 7).
//!
//! One round trip per activation tensor that has garbled ReLUs, two if they are looked up, and one for
//! the output.

mod client;
mod server;

pub use client::Inference;
pub(crate) use client::run as run_client;
pub(crate) use server::{OnlinePlan, run as run_server};
