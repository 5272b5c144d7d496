//! The hash on vector AES, two or four blocks a register.

use core::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm_aeskeygenassist_si128, _mm_loadu_si128, _mm_shuffle_epi32,
    _mm_slli_si128, _mm_storeu_si128, _mm_xor_si128, _mm256_add_epi64, _mm256_aesenc_epi128,
    _mm256_aesenclast_epi128, _mm256_broadcastsi128_si256, _mm256_loadu_si256, _mm256_set_epi64x,
    _mm256_storeu_si256, _mm256_xor_si256, _mm512_add_epi64, _mm512_aesenc_epi128,
    _mm512_aesenclast_epi128, _mm512_broadcast_i32x4, _mm512_loadu_si512, _mm512_set_epi64,
    _mm512_storeu_si512, _mm512_xor_si512,
};

use zeroize::Zeroizing;

use super::HashBackend;
use crate::ot::Block;

/// Whitening key and one key for each of AES-128's ten rounds.
const KEYS: usize = 11;
/// Registers that are encrypted side by side: hides the latency of a round.
const SIDE_BY_SIDE: usize = 8;

/// Kernels that this processor runs, slowest first.
pub(super) fn available() -> impl Iterator<Item = HashBackend> {
    let aes = is_x86_feature_detected!("aes") && is_x86_feature_detected!("vaes");
    let narrow = aes && is_x86_feature_detected!("avx2");
    let wide = narrow && is_x86_feature_detected!("avx512f");
    let all = [(narrow, HashBackend::Vaes256), (wide, HashBackend::Vaes512)];
    all.into_iter().filter_map(|(able, backend)| able.then_some(backend))
}

/// Round keys. Made only on a processor that has the kernel.
pub(in crate::ot) struct VectorAes {
    keys: [[u8; 16]; KEYS],
    wide: bool,
}

impl VectorAes {
    /// Expands the key; `None` for the portable kernel or if this processor cannot.
    pub(super) fn new(backend: HashBackend, key: &[u8; 16]) -> Option<Self> {
        available().any(|b| b == backend).then(|| {
            // SAFETY: `available` found AES.
            let keys = unsafe { expand(key) };
            Self { keys, wide: backend == HashBackend::Vaes512 }
        })
    }

    /// Replaces `blocks[i]` by its hash with tweak `first + i`.
    pub(super) fn hash(&self, first: u64, blocks: &mut [Block]) {
        // SAFETY: `new` found the features of both kernels.
        unsafe {
            if self.wide {
                hash512(&self.keys, first, blocks);
            } else {
                hash256(&self.keys, first, blocks);
            }
        }
    }
}

/// AES-128's key schedule (FIPS 197, section 5.2).
#[target_feature(enable = "aes")]
fn expand(key: &[u8; 16]) -> [[u8; 16]; KEYS] {
    let mut keys = [*key; KEYS];
    // SAFETY: 16 bytes, unaligned access allowed.
    let mut k = unsafe { _mm_loadu_si128(key.as_ptr().cast()) };
    // The round constant is part of the instruction.
    macro_rules! round {
        ($i:literal, $constant:literal) => {
            k = next_key(k, _mm_aeskeygenassist_si128::<$constant>(k));
            // SAFETY: 16 bytes, unaligned access allowed.
            unsafe { _mm_storeu_si128(keys[$i].as_mut_ptr().cast(), k) };
        };
    }
    round!(1, 0x01);
    round!(2, 0x02);
    round!(3, 0x04);
    round!(4, 0x08);
    round!(5, 0x10);
    round!(6, 0x20);
    round!(7, 0x40);
    round!(8, 0x80);
    round!(9, 0x1b);
    round!(10, 0x36);
    keys
}

/// Every word of a round key is the sum of those up to it in the last key, and of `assist`'s top.
#[target_feature(enable = "aes")]
fn next_key(mut key: __m128i, assist: __m128i) -> __m128i {
    for _ in 0..3 {
        key = _mm_xor_si128(key, _mm_slli_si128::<4>(key));
    }
    _mm_xor_si128(key, _mm_shuffle_epi32::<0xff>(assist))
}

/// One kernel: `$lanes` blocks a register of type `$vector`.
macro_rules! kernel {
    (
        $hash:ident, $features:literal, $vector:ty, $lanes:literal, $broadcast:ident, $load:ident,
        $store:ident, $xor:ident, $add:ident, $round:ident, $last:ident, $counters:expr, $step:expr
    ) => {
        /// Whole batches in place, the rest in a padded copy.
        #[target_feature(enable = $features)]
        fn $hash(keys: &[[u8; 16]; KEYS], first: u64, blocks: &mut [Block]) {
            const BATCH: usize = $lanes * SIDE_BY_SIDE;

            #[target_feature(enable = $features)]
            #[inline]
            fn encrypt(keys: &[$vector; KEYS], x: &mut [$vector; SIDE_BY_SIDE]) {
                x.iter_mut().for_each(|x| *x = $xor(*x, keys[0]));
                for key in &keys[1..KEYS - 1] {
                    x.iter_mut().for_each(|x| *x = $round(*x, *key));
                }
                x.iter_mut().for_each(|x| *x = $last(*x, keys[KEYS - 1]));
            }

            let keys = keys.each_ref().map(|k| {
                // SAFETY: 16 bytes a key, unaligned access allowed.
                unsafe { $broadcast(_mm_loadu_si128(k.as_ptr().cast::<__m128i>())) }
            });
            let mut tweak = $counters(first as i64);
            let mut batch = |blocks: &mut [Block; BATCH]| {
                let at = blocks.as_mut_ptr().cast::<$vector>();
                let mut inner: [$vector; SIDE_BY_SIDE] = core::array::from_fn(|i| {
                    // SAFETY: the batch is `SIDE_BY_SIDE` registers long; unaligned access allowed.
                    unsafe { $load(at.add(i)) }
                });
                encrypt(&keys, &mut inner);
                let mut outer = inner;
                for x in &mut outer {
                    *x = $xor(*x, tweak);
                    tweak = $add(tweak, $step);
                }
                encrypt(&keys, &mut outer);
                for i in 0..SIDE_BY_SIDE {
                    // SAFETY: as above.
                    unsafe { $store(at.add(i), $xor(inner[i], outer[i])) };
                }
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
    };
}

kernel!(
    hash256,
    "aes,vaes,avx2",
    __m256i,
    2,
    _mm256_broadcastsi128_si256,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_xor_si256,
    _mm256_add_epi64,
    _mm256_aesenc_epi128,
    _mm256_aesenclast_epi128,
    |t: i64| _mm256_set_epi64x(0, t.wrapping_add(1), 0, t),
    _mm256_set_epi64x(0, 2, 0, 2)
);
kernel!(
    hash512,
    "aes,vaes,avx512f",
    __m512i,
    4,
    _mm512_broadcast_i32x4,
    _mm512_loadu_si512,
    _mm512_storeu_si512,
    _mm512_xor_si512,
    _mm512_add_epi64,
    _mm512_aesenc_epi128,
    _mm512_aesenclast_epi128,
    |t: i64| {
        let lane = |i: i64| t.wrapping_add(i);
        _mm512_set_epi64(0, lane(3), 0, lane(2), 0, lane(1), 0, t)
    },
    _mm512_set_epi64(0, 4, 0, 4, 0, 4, 0, 4)
);
