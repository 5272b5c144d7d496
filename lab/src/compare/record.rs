//! The file of `compare`: one JSON object.

use serde::{Deserialize, Serialize};
use tacita_bench::machine::Machine;

use super::peers::Peer;

/// Everything that `compare` measures or quotes.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Comparison {
    /// The command that made it.
    pub command: String,
    /// Where.
    #[serde(default)]
    pub machine: Machine,
    /// Circuits for one ReLU.
    #[serde(default)]
    pub relu: Vec<ReluRow>,
    /// A ReLU under homomorphic encryption; `None` in a build without the feature `tfhe`.
    #[serde(default)]
    pub tfhe: Option<Tfhe>,
    /// Whole networks in the clear and private; empty without the feature `tract`.
    #[serde(default)]
    pub clear: Vec<ClearRow>,
    /// Figures of other systems; not measured by this command.
    #[serde(default)]
    pub peers: Vec<Peer>,
}

/// One circuit, one ReLU: processor time of one core, bytes both ways.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ReluRow {
    /// `sign and select` or `classic`.
    pub circuit: String,
    /// Bits that are compared, or of the shares.
    pub bits: usize,
    /// AND gates.
    pub ands: usize,
    /// Microseconds of the server's offline step.
    pub garble_us: f64,
    /// Microseconds of the client's online step.
    pub evaluate_us: f64,
    /// Microseconds of the oblivious transfers, both parties.
    #[serde(default)]
    pub ot_us: f64,
    /// Microseconds of the server's online step.
    #[serde(default)]
    pub labels_us: f64,
    /// Tables, oblivious transfers, requests.
    pub offline_bytes: f64,
    /// Labels, rows, answers.
    pub online_bytes: f64,
}

/// A ReLU under fully homomorphic encryption.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Tfhe {
    /// Type of the encrypted value.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Version of the library.
    #[serde(default)]
    pub version: String,
    /// Wall seconds of a ReLU, the median.
    pub seconds: f64,
    /// Threads it may use.
    pub threads: usize,
    /// Bytes of an encrypted value.
    pub ciphertext_bytes: f64,
    /// Bytes of the keys that the server needs, once.
    #[serde(default)]
    pub server_key_bytes: f64,
}

/// A network in the clear in a third-party runtime, beside its private run.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ClearRow {
    /// The model's file name without its ending.
    pub net: String,
    /// The runtime.
    pub runtime: String,
    /// Wall seconds of an image, the median.
    pub seconds: f64,
    /// Threads it uses.
    pub threads: usize,
    /// The private run over loopback, if there was one.
    #[serde(default)]
    pub private: Option<PrivateRun>,
}

/// Seconds of a private run, server and client on this machine.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct PrivateRun {
    /// Tickets made at a time.
    pub batch: usize,
    /// Wall seconds of a ticket offline, the median.
    pub offline_seconds: f64,
    /// Wall seconds of an image online, the median.
    pub online_seconds: f64,
    /// Images classified.
    pub images: usize,
    /// Of these, those with the label of the clear fixed-point evaluator.
    pub same: usize,
}
