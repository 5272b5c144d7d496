//! How the correlated OTs of a session are made, in each direction.

use std::fmt;

use super::{FieldBits, Ledger, SilentSet};
use crate::bytes::Reader;
use crate::error::{Error, Result};

/// Kind of extension on the wire: SoftSpoken.
const SOFT_SPOKEN: u8 = 0;
/// Kind of extension on the wire: silent.
const SILENT: u8 = 1;

/// How the correlated OTs of one direction are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtExtension {
    /// SoftSpoken extension over a small field.
    SoftSpoken(FieldBits),
    /// Silent OT, started by a SoftSpoken extension over [`FieldBits::BOOTSTRAP`].
    Silent(SilentSet),
}

/// The extensions of a session. The client chooses them and says so with its keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OtConfig {
    /// Of the instance in which the client receives: its input labels.
    pub labels: OtExtension,
    /// Of the instance in which the server receives: bits and pads of selected values.
    pub selection: OtExtension,
}

impl OtExtension {
    /// Bytes on the wire: the kind and its parameter.
    const BYTES: usize = 2;

    /// Bytes of the receiver's message for `n` correlated OTs of a slice; `None` if there is no
    /// such message.
    pub fn extension_bytes(self, n: usize) -> Option<usize> {
        match self {
            Self::SoftSpoken(field) => Some(field.extension_bytes(n)),
            Self::Silent(_) => None,
        }
    }

    /// Bytes of the receiver's message, once a session, that starts silent OT.
    pub fn bootstrap_bytes(self) -> Option<usize> {
        let bytes = |ledger: Ledger| self.field().extension_bytes(ledger.base_cots());
        self.ledger().map(bytes)
    }

    /// Nothing in stock yet, if this keeps a stock.
    pub fn ledger(self) -> Option<Ledger> {
        match self {
            Self::SoftSpoken(_) => None,
            Self::Silent(set) => Some(Ledger::new(set)),
        }
    }

    /// Most bytes of stock that a party keeps.
    pub fn stock_bytes(self) -> usize {
        match self {
            Self::SoftSpoken(_) => 0,
            Self::Silent(set) => set.stock_bytes(),
        }
    }

    /// The field of the SoftSpoken extension that is there in either case.
    pub fn field(self) -> FieldBits {
        match self {
            Self::SoftSpoken(field) => field,
            Self::Silent(_) => FieldBits::BOOTSTRAP,
        }
    }

    fn to_bytes(self) -> [u8; Self::BYTES] {
        match self {
            Self::SoftSpoken(field) => [SOFT_SPOKEN, field.into()],
            Self::Silent(set) => [SILENT, set.number()],
        }
    }

    fn from_bytes([kind, parameter]: [u8; Self::BYTES]) -> Result<Self> {
        match kind {
            SOFT_SPOKEN => {
                let field =
                    FieldBits::new(parameter).map_err(|e| Error::misbehaved(e.to_string()))?;
                Ok(Self::SoftSpoken(field))
            }
            SILENT => SilentSet::from_number(parameter)
                .map(Self::Silent)
                .ok_or_else(|| Error::misbehaved(format!("silent OT of unknown set {parameter}"))),
            _ => Err(Error::misbehaved(format!("OT extension of unknown kind {kind}"))),
        }
    }
}

impl fmt::Display for OtExtension {
    /// `softspoken 4` or `silent small`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SoftSpoken(field) => write!(f, "softspoken {}", field.get()),
            Self::Silent(set) => write!(f, "silent {}", format!("{set:?}").to_lowercase()),
        }
    }
}

impl OtConfig {
    /// Bytes on the wire.
    pub const BYTES: usize = 2 * OtExtension::BYTES;

    /// SoftSpoken extension both ways.
    pub const fn soft_spoken(labels: FieldBits, selection: FieldBits) -> Self {
        let [labels, selection] =
            [OtExtension::SoftSpoken(labels), OtExtension::SoftSpoken(selection)];
        Self { labels, selection }
    }

    /// Most bytes of stock that a party keeps, both directions together.
    pub fn stock_bytes(self) -> usize {
        self.labels.stock_bytes() + self.selection.stock_bytes()
    }

    /// Silent OT of one set both ways.
    pub const fn silent(set: SilentSet) -> Self {
        Self { labels: OtExtension::Silent(set), selection: OtExtension::Silent(set) }
    }

    /// The encoding that travels with the client's keys: for the label and then the selection
    /// instance a kind (0: SoftSpoken, 1: silent) and its parameter: field bits, or the number of the set
    /// (0: small, 1: medium, 2: large).
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let ([a, b], [c, d]) = (self.labels.to_bytes(), self.selection.to_bytes());
        [a, b, c, d]
    }

    /// Reads the peer's encoding.
    ///
    /// # Errors
    /// `PeerMisbehaved` for an unknown kind or a parameter out of range.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Result<Self> {
        let mut r = Reader::new(&bytes);
        let labels = OtExtension::from_bytes(r.array()?)?;
        let selection = OtExtension::from_bytes(r.array()?)?;
        Ok(Self { labels, selection })
    }
}

impl Default for OtExtension {
    /// SoftSpoken over the default field.
    fn default() -> Self {
        Self::SoftSpoken(FieldBits::default())
    }
}

impl fmt::Display for OtConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for labels, {} for selections", self.labels, self.selection)
    }
}
