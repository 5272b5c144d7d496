//! Trees whose every level sums to the offset, known whole to one party and all but one leaf to
//! the other.
//!
//! Half-Tree, section 4 and figure 3: the root's children are `(r, r ^ delta)`, those of a node `x`
//! are `(H(x), x ^ H(x))`, so the nodes of each level sum to the offset. The children of the nodes
//! `0..p` of a level are nodes `0..p` (left) and `p..2p` (right) of the next: a leaf's number holds
//! the turns on its path, the first one lowest.
//!
//! At the receiver the missing node's number is secret. It holds zero there, so that its children
//! come out as `H(0)`, and one masked pass over the level puts zero and the sibling in their
//! place: neither branches nor addresses depend on it. (Numbering nodes from the missing one, as
//! the extension's trees do, would save these passes and cost one masked swap of all leaves for
//! each level in the end; they must lie where the sender's do.)

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::ot::fixed_key::FixedKey;
use crate::ot::{Block, mask128};

/// Everything but the lowest bit.
pub(super) const HIGH: u128 = !1;
/// Blocks that share a comparison with the secret position.
const GROUP: usize = 16;

/// Grows a tree into `leaves`. `bases` are the sender's blocks of one correlated OT a level;
/// `message` gets each XORed with the sum of the level's left nodes.
pub(super) fn grow(
    key: &FixedKey,
    (root, delta): (Block, Block),
    bases: &[Block],
    leaves: &mut [Block],
    message: &mut [u8],
) {
    leaves[0] = root;
    leaves[1] = root ^ delta;
    let mut sum = root;
    for (level, (base, out)) in bases.iter().zip(message.chunks_exact_mut(Block::BYTES)).enumerate()
    {
        if level > 0 {
            let (left, right) = leaves[..2 << level].split_at_mut(1 << level);
            sum = key.children(left, right);
        }
        out.copy_from_slice(&(*base ^ sum).to_bytes());
    }
}

/// Grows all leaves but one into `leaves` (two levels or more), their lowest bits cleared. The bits of the receiver's
/// `bases` say which turns are *off* the missing path. The leaf that is missing gets its value XOR
/// the offset, with the lowest bit set.
pub(super) fn grow_punctured(
    key: &FixedKey,
    bases: &[Block],
    message: &[u8],
    leaves: &mut [Block],
) {
    let mut zero = Zeroizing::new([Block::default(); 2]);
    let hash_of_zero = {
        let (left, right) = zero.split_at_mut(1);
        key.children(left, right)
    };
    let (mut point, mut total) = (0, Block::default());
    for (level, (base, correction)) in bases.iter().zip(message.as_chunks().0).enumerate() {
        let (off, off_sum) = (base.lsb(), *base ^ Block::from_bytes(*correction));
        let (left, right) = leaves[..2 << level].split_at_mut(1 << level);
        if level == 0 {
            left[0] = off_sum.and_bit(1 ^ off);
            right[0] = off_sum.and_bit(off);
            total = off_sum;
        } else {
            // What the known parents add to the off-path side, and H(0) at the missing one.
            let known = key.children(left, right) ^ total.and_bit(off) ^ hash_of_zero;
            let sibling = off_sum ^ known;
            total ^= sibling;
            let last = level + 1 == bases.len();
            let (keep, missing) = if last { (HIGH, total.0 | 1) } else { (u128::MAX, 0) };
            let value = |off: u8| {
                let there = (sibling.0 & keep & mask128(off)) | (missing & mask128(1 ^ off));
                (hash_of_zero.0 & keep) ^ there
            };
            add_at(left, point, value(1 ^ off), keep);
            add_at(right, point, value(off), keep);
        }
        point |= usize::from(1 ^ off) << level;
    }
}

/// `blocks[i] & keep`, with `value` added where `i` is the secret `at`.
fn add_at(blocks: &mut [Block], at: usize, value: u128, keep: u128) {
    let mut spread = Zeroizing::new([0; GROUP]);
    for (i, x) in spread.iter_mut().enumerate() {
        *x = value & mask128(i.ct_eq(&(at % GROUP)).unwrap_u8());
    }
    for (i, group) in blocks.chunks_mut(GROUP).enumerate() {
        let here = mask128(i.ct_eq(&(at / GROUP)).unwrap_u8());
        for (x, add) in group.iter_mut().zip(spread.iter()) {
            x.0 = (x.0 & keep) ^ (add & here);
        }
    }
}
