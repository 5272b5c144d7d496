//! The small-field parameter of the extension and the byte counts that follow from it.

use serde::{Deserialize, Serialize};

use super::BASE_COUNT;
use crate::error::{Error, Result};

/// SoftSpoken's small-field parameter, 2 to 8: the 128 bits of the offset are cut into blocks of
/// this many bits (the last may be shorter). A larger one sends fewer bytes an OT and computes
/// more: `ceil(128 / k) - 1` bits and `2^k / k` AES calls an OT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct FieldBits(u8);

impl FieldBits {
    /// 8, for the extension that silent OT starts from: it is run once, so that 139 kB instead of
    /// 287 kB count for more than the 10 ms that it takes.
    pub const BOOTSTRAP: Self = Self(8);

    /// Checks the range.
    ///
    /// # Errors
    /// [`Error::Input`] outside 2..=8.
    pub fn new(bits: u8) -> Result<Self> {
        if (2..=8).contains(&bits) {
            return Ok(Self(bits));
        }
        Err(Error::input(format!("OT field bits are {bits}, allowed are 2 to 8")))
    }

    /// The parameter.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }

    /// Blocks that the offset is cut into.
    pub fn blocks(self) -> usize {
        BASE_COUNT.div_ceil(self.get())
    }

    /// Bits of block `b`.
    pub(super) fn width(self, b: usize) -> usize {
        self.get().min(BASE_COUNT - b * self.get())
    }

    /// Bytes of the receiver's message for `n` correlated OTs: 31/8 an OT by default, `n`
    /// rounded up to a multiple of 8.
    pub fn extension_bytes(self, n: usize) -> usize {
        (self.blocks() - 1) * n.div_ceil(8)
    }
}

impl Default for FieldBits {
    /// 4: less than 4 bytes and 4 AES calls an OT.
    fn default() -> Self {
        Self(4)
    }
}

impl TryFrom<u8> for FieldBits {
    type Error = Error;
    fn try_from(bits: u8) -> Result<Self> {
        Self::new(bits)
    }
}

impl From<FieldBits> for u8 {
    fn from(bits: FieldBits) -> Self {
        bits.0
    }
}
