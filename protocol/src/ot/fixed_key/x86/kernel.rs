//! The vector kernels, for each width of registers.

/// A module of kernels with `$lanes` blocks in a register of type `$vector`.
macro_rules! kernels {
    (
        $name:ident, $features:literal, $vector:ident, $lanes:literal, $broadcast:ident,
        $load:ident, $store:ident, $xor:ident, $and:ident, $add:ident, $swap:ident,
        $swap_halves:literal, $round:ident, $last:ident, $zero:ident
    ) => {
        pub(super) mod $name {
            use core::arch::x86_64::{
                __m128i, _mm_loadu_si128, $add, $and, $broadcast, $last, $load, $round, $store,
                $swap, $vector, $xor, $zero,
            };

            use zeroize::Zeroizing;

            use super::super::super::{Block, Words};
            use super::super::{KEYS, SIDE_BY_SIDE};

            /// Blocks of a batch, which stays in registers.
            const BATCH: usize = $lanes * SIDE_BY_SIDE;

            type Keys = [$vector; KEYS];
            type Batch = [$vector; SIDE_BY_SIDE];

            #[target_feature(enable = $features)]
            #[inline]
            fn load_keys(keys: &[[u8; 16]; KEYS]) -> Keys {
                // Loops, not `map`: its code has no vector features and may not be inlined.
                let mut out = [$zero(); KEYS];
                for (to, k) in out.iter_mut().zip(keys) {
                    // SAFETY: 16 bytes a key, unaligned access allowed.
                    *to = unsafe { $broadcast(_mm_loadu_si128(k.as_ptr().cast::<__m128i>())) };
                }
                out
            }

            #[target_feature(enable = $features)]
            #[inline]
            fn load<T>(from: &[T; BATCH]) -> Batch {
                const { assert!(size_of::<T>() == 16) };
                let mut out = [$zero(); SIDE_BY_SIDE];
                for (i, x) in out.iter_mut().enumerate() {
                    // SAFETY: the batch is `SIDE_BY_SIDE` registers long; unaligned access allowed.
                    *x = unsafe { $load(from.as_ptr().cast::<$vector>().add(i)) };
                }
                out
            }

            #[target_feature(enable = $features)]
            #[inline]
            fn store<T>(to: &mut [T; BATCH], batch: &Batch) {
                const { assert!(size_of::<T>() == 16) };
                for (i, x) in batch.iter().enumerate() {
                    // SAFETY: as above; any 16 bytes are a valid `T`, a block or words.
                    unsafe { $store(to.as_mut_ptr().cast::<$vector>().add(i), *x) };
                }
            }

            #[target_feature(enable = $features)]
            #[inline]
            fn encrypt(keys: &Keys, x: &mut Batch) {
                x.iter_mut().for_each(|x| *x = $xor(*x, keys[0]));
                for key in &keys[1..KEYS - 1] {
                    x.iter_mut().for_each(|x| *x = $round(*x, *key));
                }
                x.iter_mut().for_each(|x| *x = $last(*x, keys[KEYS - 1]));
            }

            /// `first` and those that follow it, a register full; and what to add for the next.
            #[target_feature(enable = $features)]
            #[inline]
            fn counters(first: u64) -> ($vector, $vector) {
                let mut blocks = [0u128; $lanes];
                for (block, i) in blocks.iter_mut().zip(0..) {
                    *block = u128::from(first.wrapping_add(i));
                }
                let step = [$lanes as u128; $lanes];
                // SAFETY: both arrays are one register long; unaligned access allowed.
                unsafe { ($load(blocks.as_ptr().cast()), $load(step.as_ptr().cast())) }
            }

            /// Whole batches in place, the rest in a padded copy.
            #[target_feature(enable = $features)]
            pub(in super::super) fn hash(
                keys: &[[u8; 16]; KEYS],
                first: u64,
                blocks: &mut [Block],
            ) {
                let keys = load_keys(keys);
                let (mut tweak, step) = counters(first);
                let mut batch = |blocks: &mut [Block; BATCH]| {
                    let mut inner = load(blocks);
                    encrypt(&keys, &mut inner);
                    let mut outer = inner;
                    for x in &mut outer {
                        *x = $xor(*x, tweak);
                        tweak = $add(tweak, step);
                    }
                    encrypt(&keys, &mut outer);
                    for (x, y) in outer.iter_mut().zip(&inner) {
                        *x = $xor(*x, *y);
                    }
                    store(blocks, &outer);
                };
                let (whole, rest) = blocks.as_chunks_mut::<BATCH>();
                whole.iter_mut().for_each(&mut batch);
                if !rest.is_empty() {
                    let mut padded = Zeroizing::new([Block::default(); BATCH]);
                    padded[..rest.len()].copy_from_slice(rest);
                    batch(&mut padded);
                    rest.copy_from_slice(&padded[..rest.len()]);
                }
            }

            /// Likewise; `left` holds the parents at first.
            #[target_feature(enable = $features)]
            pub(in super::super) fn children(
                keys: &[[u8; 16]; KEYS],
                left: &mut [Block],
                right: &mut [Block],
            ) -> Block {
                let keys = load_keys(keys);
                let high: [u128; $lanes] = [u128::MAX << 64; $lanes];
                // SAFETY: one register; unaligned access allowed.
                let high = unsafe { $load(high.as_ptr().cast()) };
                let mut sums = $zero();
                let mut batch = |left: &mut [Block; BATCH], right: &mut [Block; BATCH]| {
                    let parents = load(left);
                    let mut x = parents;
                    x.iter_mut().for_each(|x| {
                        *x = $xor($swap::<$swap_halves>(*x), $and(*x, high));
                    });
                    let mapped = x;
                    encrypt(&keys, &mut x);
                    x.iter_mut().zip(&mapped).for_each(|(x, m)| *x = $xor(*x, *m));
                    store(left, &x);
                    for x in &x {
                        sums = $xor(sums, *x);
                    }
                    x.iter_mut().zip(&parents).for_each(|(x, p)| *x = $xor(*x, *p));
                    store(right, &x);
                };
                let (whole, rest) = left.as_chunks_mut::<BATCH>();
                let (whole_right, rest_right) = right.as_chunks_mut::<BATCH>();
                whole.iter_mut().zip(whole_right).for_each(|(l, r)| batch(l, r));
                let mut padded = Zeroizing::new([[Block::default(); BATCH]; 2]);
                if !rest.is_empty() {
                    let [l, r] = &mut *padded;
                    l[..rest.len()].copy_from_slice(rest);
                    batch(l, r);
                    rest.copy_from_slice(&l[..rest.len()]);
                    rest_right.copy_from_slice(&r[..rest.len()]);
                }
                let mut lanes = Zeroizing::new([Block::default(); $lanes]);
                // SAFETY: one register; unaligned access allowed.
                unsafe { $store(lanes.as_mut_ptr().cast(), sums) };
                // What the padding hashed to is no part of the sum. (Zeros if nothing was padded.)
                let padding = &padded[0][rest.len()..];
                lanes.iter().chain(padding).fold(Block::default(), |sum, x| sum ^ *x)
            }

            /// Likewise.
            #[target_feature(enable = $features)]
            pub(in super::super) fn words(keys: &[[u8; 16]; KEYS], first: u64, out: &mut [Words]) {
                let keys = load_keys(keys);
                let (mut counter, step) = counters(first);
                let mut batch = |out: &mut [Words; BATCH]| {
                    let mut x = [counter; SIDE_BY_SIDE];
                    for x in &mut x {
                        *x = counter;
                        counter = $add(counter, step);
                    }
                    encrypt(&keys, &mut x);
                    store(out, &x);
                };
                let (whole, rest) = out.as_chunks_mut::<BATCH>();
                whole.iter_mut().for_each(&mut batch);
                if !rest.is_empty() {
                    let mut padded = [Words::default(); BATCH];
                    batch(&mut padded);
                    rest.copy_from_slice(&padded[..rest.len()]);
                }
            }
        }
    };
}

kernels!(
    narrow,
    "aes,vaes,avx2",
    __m256i,
    2,
    _mm256_broadcastsi128_si256,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_xor_si256,
    _mm256_and_si256,
    _mm256_add_epi64,
    _mm256_shuffle_epi32,
    0x4e,
    _mm256_aesenc_epi128,
    _mm256_aesenclast_epi128,
    _mm256_setzero_si256
);
kernels!(
    wide,
    "aes,vaes,avx512f",
    __m512i,
    4,
    _mm512_broadcast_i32x4,
    _mm512_loadu_si512,
    _mm512_storeu_si512,
    _mm512_xor_si512,
    _mm512_and_si512,
    _mm512_add_epi64,
    _mm512_shuffle_epi32,
    0x4e,
    _mm512_aesenc_epi128,
    _mm512_aesenclast_epi128,
    _mm512_setzero_si512
);
