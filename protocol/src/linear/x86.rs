//! x86 kernels of the matrix product. The scalar kernel beside them is the oracle.
//!
//! Each computes up to four output rows over all columns; the dispatcher has checked the
//! processor's features.

use core::arch::x86_64::{
    __m256i, __m512i, _mm256_add_epi64, _mm256_and_si256, _mm256_loadu_si256, _mm256_mul_epi32,
    _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_slli_epi64,
    _mm256_srli_epi64, _mm256_storeu_si256, _mm512_add_epi64, _mm512_loadu_si512,
    _mm512_mullo_epi64, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_storeu_si512,
};

use super::gemm::LANES;

/// Number of rows, after checking every length.
fn rows(k: usize, n: usize, w: &[i32], x: &[u64], out: &[u64]) -> usize {
    assert!(n.is_multiple_of(LANES) && x.len() == k * n, "column count not padded");
    assert!(w.len().is_multiple_of(k) && out.len() == w.len() / k * n, "rows do not match");
    w.len() / k
}

pub(super) fn block_avx512(k: usize, n: usize, w: &[i32], x: &[u64], out: &mut [u64]) {
    let rows = rows(k, n, w, x, out);
    // SAFETY: the dispatcher offers this kernel only where avx512f and avx512dq were detected;
    // `rows` checked every length.
    unsafe {
        match rows {
            4 => rows_avx512::<4>(k, n, w, x, out),
            3 => rows_avx512::<3>(k, n, w, x, out),
            2 => rows_avx512::<2>(k, n, w, x, out),
            _ => rows_avx512::<1>(k, n, w, x, out),
        }
    }
}

/// # Safety
/// Needs avx512f and avx512dq; lengths as [`rows`] checks them, with `R` rows.
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn rows_avx512<const R: usize>(k: usize, n: usize, w: &[i32], x: &[u64], out: &mut [u64]) {
    for col in (0..n).step_by(LANES) {
        let mut acc = [[_mm512_setzero_si512(); 2]; R];
        for t in 0..k {
            // SAFETY: `t < k` and `col + 16 <= n`, so both loads lie inside `x`.
            let (x0, x1) = unsafe {
                let p = x.as_ptr().add(t * n + col).cast::<__m512i>();
                (_mm512_loadu_si512(p), _mm512_loadu_si512(p.add(1)))
            };
            for r in 0..R {
                // SAFETY: `r < R` and `t < k`.
                let wt = _mm512_set1_epi64(i64::from(unsafe { *w.get_unchecked(r * k + t) }));
                acc[r][0] = _mm512_add_epi64(acc[r][0], _mm512_mullo_epi64(x0, wt));
                acc[r][1] = _mm512_add_epi64(acc[r][1], _mm512_mullo_epi64(x1, wt));
            }
        }
        for (r, acc) in acc.iter().enumerate() {
            for (half, a) in acc.iter().enumerate() {
                // SAFETY: `r < R` and `col + 16 <= n`, so the 8 values lie inside `out`.
                unsafe {
                    let p = out.as_mut_ptr().add(r * n + col + 8 * half).cast::<__m512i>();
                    _mm512_storeu_si512(p, _mm512_add_epi64(_mm512_loadu_si512(p), *a));
                }
            }
        }
    }
}

pub(super) fn block_avx2(k: usize, n: usize, w: &[i32], x: &[u64], out: &mut [u64]) {
    let rows = rows(k, n, w, x, out);
    // SAFETY: the dispatcher offers this kernel only where avx2 was detected; `rows` checked every
    // length.
    unsafe {
        match rows {
            4 => rows_avx2::<4>(k, n, w, x, out),
            3 => rows_avx2::<3>(k, n, w, x, out),
            2 => rows_avx2::<2>(k, n, w, x, out),
            _ => rows_avx2::<1>(k, n, w, x, out),
        }
    }
}

/// A 64-bit product from signed 32-bit multiplies: `x = low + (high << 32)` with `low` signed, so
/// `x * w = low * w + (high * w << 32)`. [`balance`] makes `high` of it; multiplies read the low
/// half of a lane only, and of the second product only that half counts.
///
/// # Safety
/// Needs avx2; lengths as [`rows`] checks them, with `R` rows.
#[target_feature(enable = "avx2")]
unsafe fn rows_avx2<const R: usize>(k: usize, n: usize, w: &[i32], x: &[u64], out: &mut [u64]) {
    for col in (0..n).step_by(4) {
        let mut low = [_mm256_setzero_si256(); R];
        let mut high = [_mm256_setzero_si256(); R];
        for t in 0..k {
            // SAFETY: `t < k` and `col + 4 <= n`, so the load lies inside `x`.
            let v = unsafe { _mm256_loadu_si256(x.as_ptr().add(t * n + col).cast::<__m256i>()) };
            let v = balance(v);
            let v_high = _mm256_srli_epi64::<32>(v);
            for r in 0..R {
                // SAFETY: `r < R` and `t < k`.
                let wt = _mm256_set1_epi32(unsafe { *w.get_unchecked(r * k + t) });
                low[r] = _mm256_add_epi64(low[r], _mm256_mul_epi32(v, wt));
                high[r] = _mm256_add_epi64(high[r], _mm256_mul_epi32(v_high, wt));
            }
        }
        for r in 0..R {
            let product = _mm256_add_epi64(low[r], _mm256_slli_epi64::<32>(high[r]));
            // SAFETY: `r < R` and `col + 4 <= n`, so the 4 values lie inside `out`.
            unsafe {
                let p = out.as_mut_ptr().add(r * n + col).cast::<__m256i>();
                _mm256_storeu_si256(p, _mm256_add_epi64(_mm256_loadu_si256(p), product));
            }
        }
    }
}

/// Adds 1 to the upper half of every lane whose lower half is negative as a signed number.
#[target_feature(enable = "avx2")]
#[inline]
fn balance(x: __m256i) -> __m256i {
    let sign = _mm256_and_si256(x, _mm256_set1_epi64x(1 << 31));
    _mm256_add_epi64(x, _mm256_add_epi64(sign, sign))
}
