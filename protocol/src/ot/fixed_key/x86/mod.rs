//! Vector AES, two or four blocks a register.

mod kernel;

use core::arch::x86_64::{
    __m128i, _mm_aeskeygenassist_si128, _mm_loadu_si128, _mm_shuffle_epi32, _mm_slli_si128,
    _mm_storeu_si128, _mm_xor_si128,
};

use super::{Block, HashBackend, Words};

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
                kernel::wide::hash(&self.keys, first, blocks);
            } else {
                kernel::narrow::hash(&self.keys, first, blocks);
            }
        }
    }

    /// Parents in `left` to children; returns the XOR of the left ones.
    pub(super) fn children(&self, left: &mut [Block], right: &mut [Block]) -> Block {
        // SAFETY: as above.
        unsafe {
            if self.wide {
                kernel::wide::children(&self.keys, left, right)
            } else {
                kernel::narrow::children(&self.keys, left, right)
            }
        }
    }

    /// Fills `out[i]` with the encryption of `first + i`.
    pub(super) fn words(&self, first: u64, out: &mut [Words]) {
        // SAFETY: as above.
        unsafe {
            if self.wide {
                kernel::wide::words(&self.keys, first, out);
            } else {
                kernel::narrow::words(&self.keys, first, out);
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
