//! The hash's kernel: `H(x, i) = P(P(x) ^ i) ^ P(x)` over many blocks, `P` being AES under one key.
//!
//! Two AES a block must happen. Where the processor has vector AES both stay in registers, which
//! is three times as fast as calling the `aes` crate, whose portable kernel is the oracle and
//! serves everywhere else.

#[cfg(target_arch = "x86_64")]
mod x86;

use aes::Aes128Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};

use super::Block;

/// Blocks that the portable kernel encrypts by one call.
const BATCH: usize = 128;

/// Which kernel hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashBackend {
    /// The `aes` crate: the oracle.
    Portable,
    /// 256-bit vector AES with AVX2.
    #[cfg(target_arch = "x86_64")]
    Vaes256,
    /// 512-bit vector AES with AVX-512.
    #[cfg(target_arch = "x86_64")]
    Vaes512,
}

impl HashBackend {
    /// Kernels that this processor runs, slowest first.
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "x86 adds to it"))]
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        all.extend(x86::available());
        all
    }

    /// The fastest kernel here.
    pub fn detect() -> Self {
        Self::available().last().copied().unwrap_or(Self::Portable)
    }
}

/// AES under one public key, expanded for one kernel.
pub(super) enum Tmmo {
    Portable(Aes128Enc),
    #[cfg(target_arch = "x86_64")]
    Vector(x86::VectorAes),
}

impl Tmmo {
    /// Expands the key. A kernel that this processor lacks gives way to the portable one.
    pub(super) fn new(backend: HashBackend, key: &[u8; 16]) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(aes) = x86::VectorAes::new(backend, key) {
            return Self::Vector(aes);
        }
        let _ = backend;
        Self::Portable(Aes128Enc::new(&Array(*key)))
    }

    /// Replaces `blocks[i]` by its hash with tweak `first + i`.
    pub(super) fn hash(&self, first: u64, blocks: &mut [Block]) {
        match self {
            Self::Portable(aes) => portable(aes, first, blocks),
            #[cfg(target_arch = "x86_64")]
            Self::Vector(aes) => aes.hash(first, blocks),
        }
    }
}

fn portable(aes: &Aes128Enc, first: u64, blocks: &mut [Block]) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SecretRng;

    #[test]
    fn every_backend_agrees_with_the_definition() {
        let mut rng = SecretRng::from_test_seed(11);
        for n in [0, 1, 3, 4, 15, 16, 17, 31, 32, 33, 100, 256, 511] {
            let (key, first) = (rng.array(), rng.u64() >> 1);
            let inputs: Vec<Block> = (0..n).map(|_| Block::random(&mut rng)).collect();
            let p = |x: u128| {
                let mut block = Array(x.to_le_bytes());
                Aes128Enc::new(&Array(key)).encrypt_block(&mut block);
                u128::from_le_bytes(block.0)
            };
            for backend in HashBackend::available() {
                let mut hashed = inputs.clone();
                Tmmo::new(backend, &key).hash(first, &mut hashed);
                for ((i, x), h) in (first..).zip(&inputs).zip(&hashed) {
                    let inner = p(x.0);
                    assert!(h.0 == p(inner ^ u128::from(i)) ^ inner, "{backend:?} {n} {i}");
                }
            }
        }
    }
}
