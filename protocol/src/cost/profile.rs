//! How fast a machine runs the protocol's kernels.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
pub use crate::gadget::kernels::{
    FIELD_BITS, LookupKernels, OtKernels, PerGate, PerHash, PerWord, ReluKernels, SilentKernels,
};

/// Version of the profile's format: raised when a unit changes its meaning.
pub const PROFILE_VERSION: u32 = 3;

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
