//! Which of the two backends computes a tensor's ReLUs, and the counts that follow.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::lookup::{self, Split};
use super::{
    CompareBits, cot_count, offline_down_bytes, offline_up_bytes, relu_windows, rot_count,
};
use crate::ot::rot_windows;

/// What the ReLUs of a tensor are made of, as the client asks for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReluChoice {
    /// Garbled circuits: one round trip a tensor.
    #[default]
    Garbled,
    /// Table lookup, two round trips a tensor and about a fifth of the bytes, where comparisons are
    /// narrow enough ([`Split::cheapest`]); garbled circuits elsewhere.
    Lookup,
}

/// How the ReLUs of one tensor are computed. Both parties derive it from the choice and the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReluBackend {
    /// [`ClientRelu`](super::ClientRelu) and [`ServerRelu`](super::ServerRelu).
    Garbled(CompareBits),
    /// [`lookup`].
    Lookup(Split),
}

impl fmt::Display for ReluChoice {
    /// As command lines have it: gc or ot.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Garbled => "gc",
            Self::Lookup => "ot",
        })
    }
}

impl ReluChoice {
    /// The backend of comparisons of this width.
    pub fn backend(self, compare: CompareBits) -> ReluBackend {
        match (self, Split::best(compare)) {
            (Self::Lookup, Some(split)) => ReluBackend::Lookup(split),
            _ => ReluBackend::Garbled(compare),
        }
    }
}

impl ReluBackend {
    /// Correlated OTs of `n` positions in which the client sends.
    pub fn selection_ots(self, n: usize) -> usize {
        match self {
            Self::Garbled(_) => rot_count(n),
            Self::Lookup(split) => lookup::selection_ots(n, split),
        }
    }

    /// Tweak windows that hashing these takes.
    pub fn selection_windows(self, n: usize) -> u64 {
        match self {
            Self::Garbled(_) => rot_windows(rot_count(n)),
            Self::Lookup(split) => lookup::selection_windows(n, split),
        }
    }

    /// Correlated OTs of `n` positions in which the server sends.
    pub fn label_ots(self, n: usize) -> usize {
        match self {
            Self::Garbled(bits) => cot_count(n, bits),
            Self::Lookup(_) => lookup::label_ots(n),
        }
    }

    /// Tweak windows from the client's request on.
    pub fn label_windows(self, n: usize) -> u64 {
        match self {
            Self::Garbled(bits) => relu_windows(n, bits),
            Self::Lookup(_) => lookup::label_windows(n),
        }
    }

    /// Offline, client to server: the request.
    pub fn request_bytes(self, n: usize) -> usize {
        match self {
            Self::Garbled(bits) => offline_up_bytes(n, bits),
            Self::Lookup(_) => lookup::request_bytes(n),
        }
    }

    /// Offline, server to client: the garbled tables, if there are any.
    pub fn tables_bytes(self, n: usize) -> Option<usize> {
        match self {
            Self::Garbled(bits) => Some(offline_down_bytes(n, bits)),
            Self::Lookup(_) => None,
        }
    }

    /// Online round trips of a tensor.
    pub fn rounds(self) -> u64 {
        match self {
            Self::Garbled(_) => 1,
            Self::Lookup(_) => 2,
        }
    }
}
