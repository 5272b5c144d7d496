//! The option `--relu`.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;
use tacet_protocol::gadget::ReluChoice;

/// The backends of ReLUs.
#[derive(ValueEnum, Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Relu {
    /// Garbled circuits: one round trip a layer
    #[default]
    Gc,
    /// Oblivious table lookup: two round trips a layer, a fifth of the bytes
    Ot,
}

impl fmt::Display for Relu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gc => "gc",
            Self::Ot => "ot",
        })
    }
}

impl From<Relu> for ReluChoice {
    fn from(relu: Relu) -> Self {
        match relu {
            Relu::Gc => Self::Garbled,
            Relu::Ot => Self::Lookup,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for relu in Relu::value_variants() {
            assert_eq!(Relu::from_str(&relu.to_string(), false).as_ref(), Ok(relu));
        }
    }
}
