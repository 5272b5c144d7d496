//! How fast a machine runs the protocol's kernels.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::ot::{FieldBits, SilentSet};

/// Version of the profile's format: raised when a unit changes its meaning.
pub const PROFILE_VERSION: u32 = 3;

/// Every number of field bits that the OT extension can run with, in the order of
/// [`ReluKernels::ot`].
pub const FIELD_BITS: [u8; 7] = [2, 3, 4, 5, 6, 7, 8];

/// Measured speeds of one machine. Times are core-seconds a unit, that is seconds of processor
/// time over all threads, but for the latency of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelProfile {
    /// [`PROFILE_VERSION`].
    pub version: u32,
    /// The processor, for people.
    pub cpu: String,
    /// Threads that computed.
    pub threads: usize,
    /// The encrypted linear layers.
    pub lattice: LatticeKernels,
    /// Oblivious transfer and garbling.
    pub relu: ReluKernels,
    /// Arithmetic on shares.
    pub linear: LinearKernels,
    /// Connections.
    pub wire: WireKernels,
}

/// Seconds of one thing each, on ciphertexts of 2 polynomials modulo 2 primes of 8192 words.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatticeKernels {
    /// Choosing the layout of a group of convolutions (both parties, one thread).
    pub layout: f64,
    /// Mapping the cells of an upload ciphertext (both parties, one thread).
    pub cells: f64,
    /// Client: encrypting an upload ciphertext.
    pub encrypt: f64,
    /// Server: reading an upload ciphertext.
    pub read: f64,
    /// Server: transforming a weight polynomial.
    pub weight: f64,
    /// Server: a ciphertext-plaintext product.
    pub product: f64,
    /// Server: finishing a response (fresh encryption, flooding, switching the modulus).
    pub finish: f64,
    /// Client: decrypting a response.
    pub decrypt: f64,
}

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
    /// A hash, as [`Split::digit_hashes`](crate::gadget::lookup::Split::digit_hashes) counts them.
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
    fn times(&self) -> Vec<f64> {
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

/// Seconds of arithmetic on shares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearKernels {
    /// A multiplication where four output channels share each load.
    pub mac: f64,
    /// A multiplication where an output channel is computed alone, as in depthwise convolutions.
    pub mac_narrow: f64,
    /// A value of the columns that a convolution gathers (one thread a group of channels).
    pub column: f64,
    /// An element of an addition, a truncation or a copy (one thread).
    pub element: f64,
    /// A random ring element (one thread).
    pub random: f64,
    /// A byte of memory that is used for the first time: what the system takes to provide it.
    pub fresh: f64,
}

/// Seconds of connections.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireKernels {
    /// A byte through TLS over loopback, at both ends together.
    pub byte: f64,
    /// A small message one way over loopback, in seconds of the clock.
    pub message: f64,
    /// Connecting: the TLS handshake, both ends.
    pub connect: f64,
    /// Keys and base OTs of a session, both parties.
    pub session: f64,
}

/// Refuses a profile of another version, of which nothing else can be read.
///
/// # Errors
/// `Error::Input`, with what to do.
pub fn check_version(version: u32) -> Result<()> {
    if version == PROFILE_VERSION {
        return Ok(());
    }
    Err(Error::input(format!(
        "a profile of version {version}, this program reads {PROFILE_VERSION}: measure it again \
         with `tacita-bench profile`"
    )))
}

impl KernelProfile {
    /// Refuses a profile of another version or with impossible values.
    ///
    /// # Errors
    /// `Error::Input`, with what to do.
    pub fn check(&self) -> Result<()> {
        check_version(self.version)?;
        let usable = |x: f64| x.is_finite() && (0.0..=1e3).contains(&x);
        if self.threads == 0 || !self.times().into_iter().all(usable) {
            return Err(Error::input(
                "a profile with impossible values: measure it again with `tacita-bench profile`",
            ));
        }
        Ok(())
    }

    /// Every measured time.
    fn times(&self) -> Vec<f64> {
        let (l, a, w) = (&self.lattice, &self.linear, &self.wire);
        [l.layout, l.cells, l.encrypt, l.read, l.weight, l.product, l.finish, l.decrypt]
            .into_iter()
            .chain(self.relu.times())
            .chain([a.mac, a.mac_narrow, a.column, a.element, a.random, a.fresh])
            .chain([w.byte, w.message, w.connect, w.session])
            .collect()
    }
}
