//! Speeds of the kernels behind the gadgets, as measured on a machine: what predictions of a gadget's
//! work are made from.

use serde::{Deserialize, Serialize};

use crate::ot::{FieldBits, SilentSet};

/// Every number of field bits that the OT extension can run with, in the order of
/// [`ReluKernels::ot`].
pub const FIELD_BITS: [u8; 7] = [2, 3, 4, 5, 6, 7, 8];

/// A cost of comparisons: so much an AND gate, and so much a position besides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerGate {
    /// An AND gate.
    pub and: f64,
    /// A position, with the selection of its value.
    pub value: f64,
}

impl PerGate {
    /// Seconds of `n` positions with `ands` gates each.
    pub(crate) fn of(self, n: usize, ands: usize) -> f64 {
        n as f64 * (ands as f64 * self.and + self.value)
    }
}

/// A cost of digit OTs: so much a hash of a digit's key, and so much a position besides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerHash {
    /// A hash, as [`Split::digit_hashes`](super::lookup::Split::digit_hashes) counts them.
    pub hash: f64,
    /// A position, with its other OTs.
    pub value: f64,
}

impl PerHash {
    /// Seconds of `n` positions with `hashes` hashes each.
    pub(crate) fn of(self, n: usize, hashes: usize) -> f64 {
        n as f64 * (hashes as f64 * self.hash + self.value)
    }
}

/// A cost of tables: so much a word, and so much a position besides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerWord {
    /// 64 entries of a bit each.
    pub word: f64,
    /// A position.
    pub value: f64,
}

impl PerWord {
    /// Seconds of `n` positions with tables of `words` words each.
    pub(crate) fn of(self, n: usize, words: usize) -> f64 {
        n as f64 * (words as f64 * self.word + self.value)
    }
}

/// Seconds of an extended OT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtKernels {
    /// At its receiver.
    pub receive: f64,
    /// At its sender.
    pub send: f64,
}

/// Seconds of a silent OT: of a refill, divided by what it adds to the stock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SilentKernels {
    /// Making the message, at its sender.
    pub order: f64,
    /// Making the outputs, at its sender.
    pub send: f64,
    /// Making the outputs, at its receiver.
    pub receive: f64,
}

/// Seconds of ReLUs by lookup, a position each unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupKernels {
    /// Client, offline: the pads of the OTs in which it sends.
    pub pads_send: PerHash,
    /// Server, offline: the pads of these OTs.
    pub pads_receive: PerHash,
    /// Client, offline: preparing its choices, without their pads (one thread).
    pub request: f64,
    /// Server, offline: taking the request, without pads (one thread).
    pub accept: f64,
    /// Server, online: masking digits (one thread).
    pub digits: f64,
    /// Client, online: masking tables.
    pub tables: PerWord,
    /// Server, online: reading tables and offering rows.
    pub rows: PerWord,
    /// Client, online: re-sharing.
    pub answer: f64,
    /// Server, online: taking its new share (one thread).
    pub finish: f64,
}

/// Seconds of oblivious transfers and masked ReLUs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReluKernels {
    /// An extended OT, for each of [`FIELD_BITS`].
    pub ot: [OtKernels; FIELD_BITS.len()],
    /// A silent OT, for each of [`SilentSet::ALL`].
    pub silent: [SilentKernels; SilentSet::ALL.len()],
    /// The pads of a random OT at its receiver.
    pub pads_receive: f64,
    /// The pads of a random OT at its sender.
    pub pads_send: f64,
    /// Client, offline: entering its shares.
    pub request: PerGate,
    /// Server, offline: garbling.
    pub garble: PerGate,
    /// Server, online: picking labels and rows.
    pub labels: PerGate,
    /// Client, online: evaluating.
    pub evaluate: PerGate,
    /// The same by lookup.
    pub lookup: LookupKernels,
}

impl ReluKernels {
    /// A silent OT of this set.
    pub fn silent(&self, set: SilentSet) -> SilentKernels {
        let at = SilentSet::ALL.iter().position(|other| *other == set);
        at.and_then(|at| self.silent.get(at)).copied().unwrap_or_default()
    }

    /// An extended OT with these field bits.
    pub fn ot(&self, field: FieldBits) -> OtKernels {
        let at = FIELD_BITS.iter().position(|bits| usize::from(*bits) == field.get());
        at.and_then(|at| self.ot.get(at)).copied().unwrap_or_default()
    }

    /// Every measured time.
    pub(crate) fn times(&self) -> Vec<f64> {
        let gates = [self.request, self.garble, self.labels, self.evaluate];
        let l = &self.lookup;
        [self.pads_receive, self.pads_send, l.request, l.accept, l.digits, l.answer, l.finish]
            .into_iter()
            .chain(self.ot.into_iter().flat_map(|ot| [ot.receive, ot.send]))
            .chain(self.silent.into_iter().flat_map(|s| [s.order, s.send, s.receive]))
            .chain(gates.into_iter().flat_map(|g| [g.and, g.value]))
            .chain([l.pads_send, l.pads_receive].into_iter().flat_map(|p| [p.hash, p.value]))
            .chain([l.tables, l.rows].into_iter().flat_map(|t| [t.word, t.value]))
            .collect()
    }
}
