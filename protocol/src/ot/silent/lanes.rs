//! XOR of blocks in a vector register: the compiler makes two scalar XORs, and twice the loads, of
//! one of `u128`.

use crate::ot::Block;

#[cfg(target_arch = "x86_64")]
mod imp {
    use core::arch::x86_64::{__m128i, _mm_load_si128, _mm_store_si128, _mm_xor_si128};

    use super::Block;

    /// A block.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Lane(__m128i);

    impl Lane {
        #[inline]
        pub(in super::super) fn load(block: &Block) -> Self {
            const { assert!(align_of::<Block>() == 16 && size_of::<Block>() == 16) };
            // SAFETY: 16 readable bytes, aligned; the instruction is part of x86-64.
            Self(unsafe { _mm_load_si128(std::ptr::from_ref(block).cast()) })
        }

        #[inline]
        pub(in super::super) fn store(self, block: &mut Block) {
            // SAFETY: 16 writable bytes, aligned; any bytes are a block.
            unsafe { _mm_store_si128(std::ptr::from_mut(block).cast(), self.0) };
        }

        #[inline]
        pub(in super::super) fn add(&mut self, block: &Block) {
            // SAFETY: the instruction is part of x86-64.
            self.0 = unsafe { _mm_xor_si128(self.0, Self::load(block).0) };
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod imp {
    use super::Block;

    /// A block.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Lane(Block);

    impl Lane {
        #[inline]
        pub(in super::super) fn load(block: &Block) -> Self {
            Self(*block)
        }

        #[inline]
        pub(in super::super) fn store(self, block: &mut Block) {
            *block = self.0;
        }

        #[inline]
        pub(in super::super) fn add(&mut self, block: &Block) {
            self.0 ^= *block;
        }
    }
}

pub(super) use imp::Lane;
