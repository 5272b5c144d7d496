//! Masked ReLUs: from shares of `x` to shares of `max(x, 0)`.
//!
//! The protocol knows the gadgets through one [`seam`]; the ways to compute them lie in a folder each
//! and are listed in one place ([`ReluChoice`]):
//!
//! - [`garbled`]: the sign by a garbled circuit, the selection by a one-row gate. One round trip.
//! - [`lookup`]: the same ReLU by table lookup. Two round trips, a fifth of the bytes.

mod bits;
mod choice;
pub mod garbled;
pub mod kernels;
pub mod lookup;
pub mod seam;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod toy;

pub use bits::CompareBits;
pub use choice::ReluChoice;
pub use seam::Gadget;

use crate::error::{Error, Result};

/// Refuses a caller's slice of another length than the gadget has positions.
fn check_count(what: &str, got: usize, expected: usize) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    Err(Error::input(format!("{got} {what} for {expected} positions")))
}

/// Refuses a packed bit string of `n` bits whose unused bits are not zero.
pub(crate) fn check_padding(packed: &[u8], n: usize) -> Result<()> {
    let clean = match (packed.last(), n % 8) {
        (Some(last), rest @ 1..) => last >> rest == 0,
        _ => true,
    };
    if clean {
        return Ok(());
    }
    Err(Error::misbehaved("unused bits of a message are set"))
}
