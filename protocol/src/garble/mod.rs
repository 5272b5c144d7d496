//! Garbling: half gates and the carry circuit, batched across positions.
//!
//! Labels are [`Block`](crate::ot::Block)s under free XOR: the label of bit `b` is
//! `zero ^ b * delta`, and its lowest bit is its colour. The hash and the tweak counter are those
//! of the OTs, which need them too, and are re-exported here.

mod carry;
mod combine;
mod half_gate;

pub use crate::ot::{GateHash, Tweaks, Windows};
pub use carry::{CHUNK, carry_tables_bytes};
pub use half_gate::{AND_BYTES, Evaluator, Garbler};

pub(crate) use half_gate::read_blocks;

#[cfg(test)]
mod tests;
