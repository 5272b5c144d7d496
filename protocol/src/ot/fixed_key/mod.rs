//! AES under one public key over many blocks, in the three forms that the protocols take it.
//!
//! | form | what for |
//! |---|---|
//! | `H(x, i) = P(P(x) ^ i) ^ P(x)` | labels and OT keys: [`super::GateHash`] |
//! | `H(x) = P(s(x)) ^ s(x)` and `x ^ H(x)` | the children of tree nodes: [`super::silent`] |
//! | `P(i)` | public random words |
//!
//! `P` is the permutation under the key and `s` the linear orthomorphism
//! `(high, low) -> (high ^ low, high)`. Where the processor has vector AES everything stays in
//! registers, which is three times as fast as calling the `aes` crate, whose portable kernel is the
//! oracle and serves everywhere else.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use aes::Aes128Enc;
use aes::cipher::{Array, KeyInit};

use super::Block;

/// Four words of 32 bits that one AES call makes.
pub(super) type Words = [u32; 4];

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
pub(super) enum FixedKey {
    Portable(Aes128Enc),
    #[cfg(target_arch = "x86_64")]
    Vector(x86::VectorAes),
}

impl FixedKey {
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
            Self::Portable(aes) => portable::hash(aes, first, blocks),
            #[cfg(target_arch = "x86_64")]
            Self::Vector(aes) => aes.hash(first, blocks),
        }
    }

    /// Replaces each parent `x` in `left` by its left child `H(x)` and puts its right child
    /// `x ^ H(x)` into `right`, which is as long. Returns the XOR of the left children.
    pub(super) fn children(&self, left: &mut [Block], right: &mut [Block]) -> Block {
        match self {
            Self::Portable(aes) => portable::children(aes, left, right),
            #[cfg(target_arch = "x86_64")]
            Self::Vector(aes) => aes.children(left, right),
        }
    }

    /// Fills `out[i]` with `P(first + i)`.
    pub(super) fn words(&self, first: u64, out: &mut [Words]) {
        match self {
            Self::Portable(aes) => portable::words(aes, first, out),
            #[cfg(target_arch = "x86_64")]
            Self::Vector(aes) => aes.words(first, out),
        }
    }
}

#[cfg(test)]
mod tests;
