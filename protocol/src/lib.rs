//! Two-party private CNN inference: everything both parties run.
//!
//! Data flows one way: `plan -> offline -> ticket -> online -> label`. The arithmetic modules
//! ([`ring`], [`plan`], [`rlwe`], [`ot`], [`garble`], [`gadget`], [`linear`]) turn bytes and shares
//! into bytes and shares and do no I/O; `offline` and `online` sequence them inside a [`session`];
//! only [`wire`] touches sockets. [`cost`] predicts the bytes and rounds of all of it.

pub mod bytes;
pub mod compute;
pub mod cost;
#[cfg(test)]
mod counted;
pub mod error;
pub mod file;
pub mod gadget;
pub mod garble;
pub mod linear;
mod offline;
mod online;
pub mod ot;
pub mod plan;
pub mod ring;
pub mod rlwe;
pub mod rng;
pub mod session;
pub mod ticket;
pub mod wire;

pub use error::{Error, Result};
