//! The offline phase: makes a batch of tickets in two round trips (docs/protocol.md,
//! sections 4 to 7).
//!
//! ```text
//! C -> S  request, Upload for each group of convolutions, Refills of the selection instance
//! S -> C  Refills of the label instance, Response for each group, ServerExtension for each slice
//!         of ReLUs
//! C -> S  ClientExtension and ClientCorrections for each slice, then the corrections of the
//!         identity positions for each tensor and ticket
//! S -> C  Tables for each slice
//! ```
//! Some gadgets have no tables ([`crate::gadget::Gadget::tables_bytes`]): if there are no others, one
//! round trip does. A direction of correlated OT that is silent has refills and no
//! extensions ([`crate::ot::OtExtension`]): as many as [`crate::ot::Ledger::due`] asks for before the
//! run's demand can be taken, which both parties know.
//!
//! A *slice* is at most [`SLICE`] ReLU positions of one tensor of one ticket: it bounds message
//! sizes and lets evaluation overlap transfer. Neither party sends while the other does, so no
//! buffer needs to hold more than the transport's few frames.

mod client;
mod lattice;
mod schedule;
mod server;
mod weights;

pub(crate) use client::run as run_client;
pub(crate) use lattice::{LatticeGroup, LatticePlan, prepared_bytes};
pub(crate) use schedule::{ReluTensor, Schedule, Slice, add_public_terms, gather};
pub(crate) use server::{OfflinePlan, run as run_server};
pub(crate) use weights::{WeightCache, kept};

/// ReLU positions per garbled message.
pub(crate) const SLICE: usize = 1 << 13;
