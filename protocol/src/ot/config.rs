//! How the correlated OTs of a session are made, in each direction.

use super::FieldBits;
use crate::bytes::Reader;
use crate::error::{Error, Result};

/// Kind of extension on the wire: SoftSpoken.
const SOFT_SPOKEN: u8 = 0;

/// How the correlated OTs of one direction are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtExtension {
    /// SoftSpoken extension over a small field.
    SoftSpoken(FieldBits),
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

    /// Bytes of the receiver's message for `n` correlated OTs.
    pub fn extension_bytes(self, n: usize) -> usize {
        match self {
            Self::SoftSpoken(field) => field.extension_bytes(n),
        }
    }

    fn to_bytes(self) -> [u8; Self::BYTES] {
        match self {
            Self::SoftSpoken(field) => [SOFT_SPOKEN, field.into()],
        }
    }

    fn from_bytes([kind, parameter]: [u8; Self::BYTES]) -> Result<Self> {
        if kind != SOFT_SPOKEN {
            return Err(Error::misbehaved(format!("OT extension of unknown kind {kind}")));
        }
        let field = FieldBits::new(parameter).map_err(|e| Error::misbehaved(e.to_string()))?;
        Ok(Self::SoftSpoken(field))
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

    /// The encoding that travels with the client's keys: for the label and then the selection
    /// instance a kind (0: SoftSpoken) and its parameter.
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
