//! The comparison width of a layer.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How a layer compares with zero: `width` k and `dropped` d.
///
/// Values satisfy `|x| < 2^(k-1)`. Bits `d..k` of both shares are compared. With `d = 0` the sign
/// is exact. With `d > 0` the carry out of the dropped bits is lost, the compared sum is
/// `floor(x / 2^d)` or that minus 1: only a value `0 <= x < 2^d` may be taken for negative,
/// provided that `x >= 2^d - 2^(k-1)` (the margin of `k` must cover that one step).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct CompareBits {
    width: u8,
    dropped: u8,
}

/// The serialized form, unchecked.
#[derive(Serialize, Deserialize)]
#[serde(rename = "CompareBits")]
struct Fields {
    width: u8,
    dropped: u8,
}

impl CompareBits {
    /// Checks that `2 <= width <= 63` and that at least two bits are compared.
    ///
    /// # Errors
    /// [`Error::Input`] otherwise.
    pub fn new(width: u8, dropped: u8) -> Result<Self> {
        let compared = width.checked_sub(dropped);
        if width <= 63 && compared.is_some_and(|m| m >= 2) {
            return Ok(Self { width, dropped });
        }
        Err(Error::input(format!(
            "comparison of {width} bits less {dropped}: allowed are 2 to 63 bits, two of them compared"
        )))
    }

    /// k: values lie strictly within `2^(k-1)`.
    pub fn width(self) -> usize {
        usize::from(self.width)
    }

    /// d: low bits left out.
    pub fn dropped(self) -> usize {
        usize::from(self.dropped)
    }

    /// k - d: bits of each share that enter the circuit, at least 2.
    pub fn compared(self) -> usize {
        self.width() - self.dropped()
    }

    /// Bit `j` of the compared bits of a share.
    #[inline]
    pub(super) fn bit(self, share: u64, j: usize) -> u8 {
        ((share >> (self.dropped() + j)) & 1) as u8
    }
}

impl TryFrom<Fields> for CompareBits {
    type Error = Error;
    fn try_from(f: Fields) -> Result<Self> {
        Self::new(f.width, f.dropped)
    }
}

impl From<CompareBits> for Fields {
    fn from(bits: CompareBits) -> Self {
        Self { width: bits.width, dropped: bits.dropped }
    }
}
