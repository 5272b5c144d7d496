//! The portable kernel: calls of the `aes` crate in batches.

use aes::Aes128Enc;
use aes::cipher::BlockCipherEncrypt;

use super::{Block, Words};

/// Blocks that one call encrypts.
const BATCH: usize = 128;

pub(super) fn hash(aes: &Aes128Enc, first: u64, blocks: &mut [Block]) {
    let mut inner = [aes::Block::default(); BATCH];
    let mut outer = [aes::Block::default(); BATCH];
    let mut tweak = u128::from(first);
    for chunk in blocks.chunks_mut(BATCH) {
        let (inner, outer) = (&mut inner[..chunk.len()], &mut outer[..chunk.len()]);
        for (to, from) in inner.iter_mut().zip(chunk.iter()) {
            to.0 = from.to_bytes();
        }
        aes.encrypt_blocks(inner);
        for (to, from) in outer.iter_mut().zip(inner.iter()) {
            to.0 = (u128::from_le_bytes(from.0) ^ tweak).to_le_bytes();
            tweak += 1;
        }
        aes.encrypt_blocks(outer);
        for ((to, a), b) in chunk.iter_mut().zip(inner).zip(outer) {
            to.0 = u128::from_le_bytes(a.0) ^ u128::from_le_bytes(b.0);
        }
    }
}

pub(super) fn children(aes: &Aes128Enc, left: &mut [Block], right: &mut [Block]) -> Block {
    let mut buffer = [aes::Block::default(); BATCH];
    let mut sum = Block::default();
    for (left, right) in left.chunks_mut(BATCH).zip(right.chunks_mut(BATCH)) {
        let buffer = &mut buffer[..left.len()];
        for (to, from) in buffer.iter_mut().zip(left.iter()) {
            to.0 = orthomorphism(from.0).to_le_bytes();
        }
        aes.encrypt_blocks(buffer);
        for ((left, right), hash) in left.iter_mut().zip(right).zip(buffer) {
            let parent = *left;
            *left = Block(u128::from_le_bytes(hash.0) ^ orthomorphism(parent.0));
            *right = parent ^ *left;
            sum ^= *left;
        }
    }
    sum
}

/// `(high, low) -> (high ^ low, high)`.
pub(super) fn orthomorphism(x: u128) -> u128 {
    (x << 64) ^ (x >> 64) ^ (x >> 64 << 64)
}

pub(super) fn words(aes: &Aes128Enc, first: u64, out: &mut [Words]) {
    let mut buffer = [aes::Block::default(); BATCH];
    let mut counter = u128::from(first);
    for chunk in out.chunks_mut(BATCH) {
        let buffer = &mut buffer[..chunk.len()];
        for block in buffer.iter_mut() {
            block.0 = counter.to_le_bytes();
            counter += 1;
        }
        aes.encrypt_blocks(buffer);
        for (to, from) in chunk.iter_mut().zip(buffer) {
            let x = u128::from_le_bytes(from.0);
            *to = [x as u32, (x >> 32) as u32, (x >> 64) as u32, (x >> 96) as u32];
        }
    }
}
