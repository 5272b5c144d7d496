//! The file of `relu`: one JSON object.

use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// Everything that `relu` counts or measures.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Relus {
    /// The command that made it.
    pub command: String,
    /// Where.
    #[serde(default)]
    pub machine: Machine,
    /// Field bits of the OT extension.
    pub ot_field_bits: usize,
    /// Positions of a slice, which bytes and times are divided by.
    pub positions: usize,
    /// Both backends, all widths.
    pub rows: Vec<Row>,
}

/// One backend at one width: bytes of a ReLU, and processor time of both parties together.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Row {
    /// `garbled` or `lookup`.
    pub backend: String,
    /// Bits compared.
    pub bits: usize,
    /// Bits of the high and of the low digit, if it is looked up.
    #[serde(default)]
    pub digits: Option<[usize; 2]>,
    /// Round trips online, for a whole tensor.
    pub round_trips: u64,
    /// Correlated OTs, both ways.
    pub ots: usize,
    /// Bytes offline, to the server.
    pub offline_up: f64,
    /// Bytes offline, to the client.
    pub offline_down: f64,
    /// Bytes online, to the server.
    pub online_up: f64,
    /// Bytes online, to the client.
    pub online_down: f64,
    /// Bytes of both phases, both ways, with silent OT instead of the extension, many ReLUs a session.
    #[serde(default)]
    pub all_silent: f64,
    /// Microseconds offline on one core, both parties, OT extension included.
    pub offline_us: f64,
    /// Microseconds online on one core, both parties.
    pub online_us: f64,
}

/// Name of garbled circuits.
pub const GARBLED: &str = "garbled";
/// Name of table lookup.
pub const LOOKUP: &str = "lookup";

impl Row {
    /// Backend with its digits.
    pub fn name(&self) -> String {
        match self.digits {
            Some([high, low]) => format!("{}, digits {high} + {low}", self.backend),
            None => self.backend.clone(),
        }
    }
}
