//! Correlated OTs in stock: filled by the extension, consumed front to back.

use zeroize::Zeroizing;

use super::{Block, Blocks};
use crate::error::{Error, Result};

/// The receiver's side: bits `t` and blocks `M`. Both parties take the same counts in the same
/// order.
pub struct ReceivedCots {
    pub(super) bits: Zeroizing<Vec<u8>>,
    pub(super) blocks: Blocks,
    pub(super) used: usize,
}

/// Some of the receiver's correlated OTs, `K = M ^ t * delta`.
#[derive(Clone, Copy)]
pub struct CotView<'a> {
    /// The choice bits `t`, a byte (0 or 1) each.
    pub bits: &'a [u8],
    /// The blocks `M`.
    pub blocks: &'a [Block],
}

impl ReceivedCots {
    /// How many are left.
    pub fn len(&self) -> usize {
        self.blocks.len() - self.used
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next `n`; they are not handed out again.
    ///
    /// # Errors
    /// [`Error::Input`] if fewer are left.
    pub fn take(&mut self, n: usize) -> Result<CotView<'_>> {
        let range = advance(&mut self.used, n, self.blocks.len())?;
        Ok(CotView { bits: &self.bits[range.clone()], blocks: &self.blocks[range] })
    }
}

/// The sender's side: blocks `K`.
pub struct SentCots {
    pub(super) blocks: Blocks,
    pub(super) used: usize,
}

impl SentCots {
    /// How many are left.
    pub fn len(&self) -> usize {
        self.blocks.len() - self.used
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next `n`; they are not handed out again.
    ///
    /// # Errors
    /// [`Error::Input`] if fewer are left.
    pub fn take(&mut self, n: usize) -> Result<&[Block]> {
        let range = advance(&mut self.used, n, self.blocks.len())?;
        Ok(&self.blocks[range])
    }
}

/// Moves `used` on by `n`, within `len`.
fn advance(used: &mut usize, n: usize, len: usize) -> Result<std::ops::Range<usize>> {
    if n > len - *used {
        return Err(Error::input(format!("{n} correlated OTs wanted, {} in stock", len - *used)));
    }
    let start = *used;
    *used += n;
    Ok(start..*used)
}
