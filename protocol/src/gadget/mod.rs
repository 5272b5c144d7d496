//! The masked ReLU gadget (protocol section 6).
use crate::{Error, Result};
/// Comparison width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompareBits {
    width: u32,
    dropped: u32,
}
impl CompareBits {
    /// Checked.
    pub fn new(width: u32, dropped: u32) -> Result<Self> {
        if !(2..=63).contains(&width) || dropped + 2 > width {
            return Err(Error::input("comparison width out of range"));
        }
        Ok(Self { width, dropped })
    }
}
