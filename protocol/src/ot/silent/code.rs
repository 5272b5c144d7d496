//! The public sparse code: each output is the XOR of ten of the secret's blocks.
//!
//! Ferret's local linear code with `d = 10`. Positions are random words under the matrix's AES key,
//! cut to the secret's length: a power of two, so that they are exactly uniform. Both parties
//! compute them anew, as public as the key: their addresses tell nothing.

use crate::error::{Error, Result};
use crate::ot::Block;
use crate::ot::fixed_key::{FixedKey, Words};

use super::SilentSet;
use super::lanes::Lane;

/// Positions of a row.
pub(super) const LOCALITY: usize = 10;
/// AES calls whose words are used at a time: 2.5 KiB.
const CALLS: usize = 160;

/// Adds to each block of tree `tree` (which is first cut to the bits `keep`) its row's sum.
///
/// # Errors
/// [`Error::Local`] if `secret` is not as long as the set says.
pub(super) fn encode(
    set: SilentSet,
    rows: &FixedKey,
    tree: usize,
    secret: &[Block],
    (out, keep): (&mut [Block], u128),
) -> Result<()> {
    match set {
        SilentSet::Small => tree_rows::<{ 1 << 16 }, 5>(rows, tree, secret, out, keep),
        SilentSet::Medium => tree_rows::<{ 1 << 17 }, 10>(rows, tree, secret, out, keep),
        SilentSet::Large => tree_rows::<{ 1 << 18 }, 10>(rows, tree, secret, out, keep),
        #[cfg(test)]
        SilentSet::Tiny => tree_rows::<{ 1 << 8 }, 5>(rows, tree, secret, out, keep),
    }
}

/// With `K` blocks of secret and `W` words a row: ten of 32 bits, or five that hold two positions
/// each where 16 bits are enough.
fn tree_rows<const K: usize, const W: usize>(
    rows: &FixedKey,
    tree: usize,
    secret: &[Block],
    out: &mut [Block],
    keep: u128,
) -> Result<()> {
    const { assert!(K.is_power_of_two() && (W == LOCALITY || (2 * W == LOCALITY && K <= 1 << 16))) };
    let secret: &[Block; K] =
        secret.try_into().map_err(|_| Error::local("the secret of a refill has a wrong length"))?;
    let mut words = [Words::default(); CALLS];
    // A tree needs far fewer than 2^32 calls.
    let mut counter = (tree as u64) << 32;
    for chunk in out.chunks_mut(CALLS * 4 / W) {
        let words = &mut words[..(chunk.len() * W).div_ceil(4)];
        rows.words(counter, words);
        counter += words.len() as u64;
        add_rows(secret, words.as_flattened().as_chunks::<W>().0, chunk, keep);
    }
    Ok(())
}

/// The kernel: ten reads an output, of addresses that are public.
#[inline]
fn add_rows<const K: usize, const W: usize>(
    secret: &[Block; K],
    rows: &[[u32; W]],
    out: &mut [Block],
    keep: u128,
) {
    for (x, row) in out.iter_mut().zip(rows) {
        let mut sum = Lane::load(&Block(x.0 & keep));
        for word in row {
            sum.add(&secret[*word as usize % K]);
            if W < LOCALITY {
                sum.add(&secret[(*word >> 16) as usize % K]);
            }
        }
        sum.store(x);
    }
}
