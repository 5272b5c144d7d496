//! 128-bit blocks: wire labels, OT keys, seeds.

use std::ops::{BitXor, BitXorAssign};

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::mask128;
use crate::rng::SecretRng;

/// 128 secret bits, little-endian on the wire. Keep many of them in [`Blocks`].
#[derive(Clone, Copy, Default, Zeroize)]
#[repr(transparent)]
pub struct Block(pub(crate) u128);

/// Owned blocks, wiped when dropped.
pub type Blocks = Zeroizing<Vec<Block>>;

impl Block {
    /// Bytes of a block on the wire.
    pub const BYTES: usize = 16;

    /// A uniform block.
    pub fn random(rng: &mut SecretRng) -> Self {
        Self::from_bytes(rng.array())
    }

    /// Reads 16 little-endian bytes.
    #[inline]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }

    /// The 16 little-endian bytes.
    #[inline]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// The lowest bit: a label's colour.
    #[inline]
    pub fn lsb(self) -> u8 {
        (self.0 & 1) as u8
    }

    /// The low 64 bits: a one-time pad for a ring element.
    #[inline]
    pub fn low64(self) -> u64 {
        self.0 as u64
    }

    /// The block itself if `bit` is 1, zero if it is 0, without a branch.
    #[inline]
    pub(crate) fn and_bit(self, bit: u8) -> Self {
        Self(self.0 & mask128(bit))
    }
}

impl BitXor for Block {
    type Output = Self;
    #[inline]
    fn bitxor(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
}

impl BitXorAssign for Block {
    #[inline]
    fn bitxor_assign(&mut self, other: Self) {
        self.0 ^= other.0;
    }
}

/// `n` zero blocks.
pub(crate) fn zeros(n: usize) -> Blocks {
    Zeroizing::new(vec![Block::default(); n])
}

/// The offset of correlated OTs and of free-XOR garbling: uniform but for its lowest bit, which
/// is 1 so that the two labels of a wire have opposite colours. Secret, one a session.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Delta(Block);

impl Delta {
    /// A fresh offset.
    pub fn random(rng: &mut SecretRng) -> Self {
        Self(Block(Block::random(rng).0 | 1))
    }

    /// The offset as a block.
    #[inline]
    pub fn block(&self) -> Block {
        self.0
    }

    /// What its holder chooses in the base OTs: the complement of each bit, because a tree
    /// punctured at the offset is learnt from the siblings of its path.
    pub fn base_choices(&self) -> u128 {
        !self.0.0
    }
}
