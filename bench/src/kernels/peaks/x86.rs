//! Peaks of vector instructions, wherever the processor has them.

use std::arch::x86_64::{
    __m128i, __m256d, __m256i, __m512d, __m512i, _mm_aesenc_si128, _mm_set1_epi64x,
    _mm256_add_epi32, _mm256_fmadd_pd, _mm256_mul_epu32, _mm256_set1_epi64x, _mm256_set1_pd,
    _mm256_slli_epi32, _mm256_xor_si256, _mm512_add_epi32, _mm512_aesenc_epi128, _mm512_fmadd_pd,
    _mm512_madd52lo_epu64, _mm512_mul_epu32, _mm512_mullo_epi64, _mm512_rol_epi32,
    _mm512_set1_epi64, _mm512_set1_pd, _mm512_xor_si512,
};
use std::hint::black_box;

use tacita_protocol::Result;

use super::portable::CHAINS;
use super::{Peaks, best};

/// A word that keeps products busy.
const SEED: i64 = 0x1e37_79b9_7f4a_7c15;

/// A function that runs one instruction (or a few) in independent chains.
macro_rules! chains {
    ($name:ident, $features:literal, $vector:ty, $start:expr, |$x:ident, $c:ident| $step:expr) => {
        #[target_feature(enable = $features)]
        fn $name(rounds: usize) {
            let $c: $vector = black_box($start);
            // Opaque, so that no two chains are known to be equal.
            let mut chains = black_box([$c; CHAINS]);
            for _ in 0..rounds {
                for chain in &mut chains {
                    let $x = *chain;
                    *chain = $step;
                }
            }
            black_box(chains);
        }
    };
}

chains!(aes, "aes,sse2", __m128i, _mm_set1_epi64x(SEED), |x, c| _mm_aesenc_si128(x, c));
chains!(vaes, "vaes,avx512f", __m512i, _mm512_set1_epi64(SEED), |x, c| {
    _mm512_aesenc_epi128(x, c)
});
chains!(mul32_256, "avx2", __m256i, _mm256_set1_epi64x(SEED), |x, c| _mm256_mul_epu32(x, c));
chains!(mul32_512, "avx512f", __m512i, _mm512_set1_epi64(SEED), |x, c| _mm512_mul_epu32(x, c));
chains!(mul64_512, "avx512f,avx512dq", __m512i, _mm512_set1_epi64(SEED), |x, _c| {
    // A square: products with a constant would be put together over several rounds.
    _mm512_mullo_epi64(x, x)
});
// With BMI2 as `mulx`.
chains!(mul64, "bmi2", u64, SEED as u64, |x, c| {
    let wide = u128::from(x) * u128::from(c);
    (wide >> 64) as u64 ^ wide as u64
});
chains!(ifma, "avx512f,avx512ifma", __m512i, _mm512_set1_epi64(SEED), |x, c| {
    _mm512_madd52lo_epu64(x, c, c)
});
chains!(fma_256, "avx2,fma", __m256d, _mm256_set1_pd(0.5), |x, c| _mm256_fmadd_pd(x, c, c));
chains!(fma_512, "avx512f", __m512d, _mm512_set1_pd(0.5), |x, c| _mm512_fmadd_pd(x, c, c));
// A shift stands for the rotation that AVX2 does not have.
chains!(mix_256, "avx2", __m256i, _mm256_set1_epi64x(SEED), |x, c| {
    _mm256_slli_epi32::<7>(_mm256_xor_si256(_mm256_add_epi32(x, c), c))
});
chains!(mix_512, "avx512f", __m512i, _mm512_set1_epi64(SEED), |x, c| {
    _mm512_rol_epi32::<7>(_mm512_xor_si512(_mm512_add_epi32(x, c), c))
});

/// The peak of a function above, if the processor has its features; `lanes` operations a chain.
macro_rules! peak {
    ($name:ident, $lanes:expr, $($feature:tt),+) => {
        if $(is_x86_feature_detected!($feature))&&+ {
            // SAFETY: the features that the function needs were just detected.
            Some(best($lanes * CHAINS, |rounds| unsafe { $name(rounds) })?)
        } else {
            None
        }
    };
}

/// Fills in what this processor has.
pub fn measure(portable: Peaks) -> Result<Peaks> {
    let mix = peak!(mix_512, 3 * 16, "avx512f").or(peak!(mix_256, 3 * 8, "avx2"));
    Ok(Peaks {
        mul64: portable.mul64.max(peak!(mul64, 1, "bmi2").unwrap_or_default()),
        aes: peak!(aes, 1, "aes", "sse2"),
        vaes: peak!(vaes, 4, "vaes", "avx512f"),
        mul32_256: peak!(mul32_256, 4, "avx2"),
        mul32_512: peak!(mul32_512, 8, "avx512f"),
        mul64_512: peak!(mul64_512, 8, "avx512f", "avx512dq"),
        ifma: peak!(ifma, 8, "avx512f", "avx512ifma"),
        fma: peak!(fma_512, 8, "avx512f").or(peak!(fma_256, 4, "avx2", "fma")),
        mix: portable.mix.max(mix.unwrap_or_default()),
        ..portable
    })
}
