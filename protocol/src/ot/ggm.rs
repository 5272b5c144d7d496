//! Punctured pseudorandom functions from base OTs.
//!
//! One tree of Goldreich, Goldwasser, Micali for each block of the offset: Roy, "SoftSpokenOT"
//! (CRYPTO 2022), figure 13. The owner knows all leaves; the holder of the offset
//! knows all but leaf `delta_b`. At each level the owner sends the XOR of all left children and of
//! all right children, each under one key of a base OT; the holder opens the side off its path.
//!
//! The holder numbers nodes `y = x ^ delta_b` (prefix by prefix), so that the missing node is
//! always number 0 and the two children of a node are swapped by a mask: which leaf is missing
//! influences neither a branch nor an address.

use aes::Aes128Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use zeroize::Zeroizing;

use super::base::{BASE_COUNT, BaseKeys, BasePairs, check_length};
use super::{Block, Blocks, Delta, FieldBits};
use crate::bytes::Reader;
use crate::error::Result;

/// Bytes of the corrections that the trees' owner sends once a session: two blocks a level.
pub const CORRECTION_BYTES: usize = BASE_COUNT * 2 * Block::BYTES;

/// All leaves of all trees, and the corrections to send.
pub(super) fn grow(field: FieldBits, pairs: &BasePairs, roots: &[Block]) -> (Vec<Blocks>, Vec<u8>) {
    let mut corrections = vec![0; CORRECTION_BYTES];
    let trees = roots.iter().take(field.blocks()).enumerate();
    let leaves = trees
        .map(|(b, root)| {
            let mut nodes = Zeroizing::new(vec![*root]);
            for bit in (0..field.width(b)).rev() {
                let level = b * field.get() + bit;
                nodes = grow_level(&nodes, pairs.0[level], &mut corrections[32 * level..]);
            }
            nodes
        })
        .collect();
    (leaves, corrections)
}

/// The children of `nodes`; writes the level's two corrections.
fn grow_level(nodes: &[Block], keys: [Block; 2], correction: &mut [u8]) -> Blocks {
    let mut next = Zeroizing::new(Vec::with_capacity(2 * nodes.len()));
    let mut sums = keys;
    for node in nodes {
        let children = children(*node);
        sums[0] ^= children[0];
        sums[1] ^= children[1];
        next.extend_from_slice(&children);
    }
    correction[..16].copy_from_slice(&sums[0].to_bytes());
    correction[16..32].copy_from_slice(&sums[1].to_bytes());
    next
}

/// All leaves but the one at the offset: leaf `y ^ delta_b` at index `y` of tree `b`. Index 0
/// holds nothing of use.
pub(super) fn grow_punctured(
    field: FieldBits,
    delta: &Delta,
    keys: &BaseKeys,
    corrections: &[u8],
) -> Result<Vec<Blocks>> {
    check_length(corrections, CORRECTION_BYTES)?;
    let mut trees = Vec::with_capacity(field.blocks());
    for b in 0..field.blocks() {
        let mut nodes = Zeroizing::new(vec![Block::default()]);
        for bit in (0..field.width(b)).rev() {
            let level = b * field.get() + bit;
            let delta_bit = ((delta.block().0 >> level) & 1) as u8;
            let mut reader = Reader::new(&corrections[32 * level..32 * level + 32]);
            let zero = Block::from_bytes(reader.array()?);
            let one = Block::from_bytes(reader.array()?);
            let off_path = keys.0[level] ^ one ^ (zero ^ one).and_bit(delta_bit);
            nodes = grow_level_punctured(&nodes, delta_bit, off_path);
        }
        trees.push(nodes);
    }
    Ok(trees)
}

/// One level of a punctured tree: node 0 is missing, `off_path` is the XOR of all nodes with the
/// number's last bit 1 on the new level.
fn grow_level_punctured(nodes: &[Block], delta_bit: u8, off_path: Block) -> Blocks {
    let mut next = Zeroizing::new(vec![Block::default(); 2]);
    next.reserve_exact(2 * nodes.len() - 2);
    let mut sibling = off_path;
    for node in &nodes[1..] {
        let [left, right] = children(*node);
        let swap = (left ^ right).and_bit(delta_bit);
        next.push(left ^ swap);
        next.push(right ^ swap);
        sibling ^= right ^ swap;
    }
    next[1] = sibling;
    next
}

/// The two children of a node: AES keyed by it, at 0 and 1.
fn children(node: Block) -> [Block; 2] {
    let cipher = Aes128Enc::new(&Array(node.to_bytes()));
    let mut out = [aes::Block::default(); 2];
    out[1].0[0] = 1;
    cipher.encrypt_blocks(&mut out);
    out.map(|b| Block::from_bytes(b.0))
}
