//! Two gates in a 256-bit register.

use core::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_loadu_si256, _mm256_set1_epi64x, _mm256_setzero_si256,
    _mm256_storeu_si256, _mm256_sub_epi64, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use super::{GarblerHashes, Inputs, Row};
use crate::ot::Block;

/// Gates in a register.
const LANES: usize = 2;

/// As [`super::garble`]; returns how many gates are done, from the first on.
pub(super) fn garble(
    offset: Block,
    labels: Inputs<'_>,
    hashes: GarblerHashes<'_>,
    (generator, evaluator): (&mut [Row], &mut [Row]),
    out: &mut [Block],
) -> usize {
    let n = out.len() / LANES * LANES;
    let GarblerHashes { a0, a1, b0, b1 } = hashes;
    assert!([labels.a, labels.b, a0, a1, b0, b1].iter().all(|s| s.len() >= n));
    assert!(generator.len() >= n && evaluator.len() >= n);
    if !is_x86_feature_detected!("avx2") {
        return 0;
    }
    // SAFETY: avx2 was detected, and every slice has `n` blocks.
    unsafe { garble_avx2(offset, labels, hashes, (generator, evaluator), &mut out[..n]) };
    n
}

/// As [`super::evaluate`]; returns how many gates are done, from the first on.
pub(super) fn evaluate(
    labels: Inputs<'_>,
    hashes: Inputs<'_>,
    (generator, evaluator): (&[Row], &[Row]),
    out: &mut [Block],
) -> usize {
    let n = out.len() / LANES * LANES;
    assert!([labels.a, labels.b, hashes.a, hashes.b].iter().all(|s| s.len() >= n));
    assert!(generator.len() >= n && evaluator.len() >= n);
    if !is_x86_feature_detected!("avx2") {
        return 0;
    }
    // SAFETY: avx2 was detected, and every slice has `n` blocks.
    unsafe { evaluate_avx2(labels, hashes, (generator, evaluator), &mut out[..n]) };
    n
}

/// # Safety
/// Needs avx2; no slice is shorter than `out`, whose length is even.
#[target_feature(enable = "avx2")]
unsafe fn garble_avx2(
    offset: Block,
    labels: Inputs<'_>,
    hashes: GarblerHashes<'_>,
    (generator, evaluator): (&mut [Row], &mut [Row]),
    out: &mut [Block],
) {
    let offset = [offset; LANES];
    // SAFETY: two blocks.
    let offset = unsafe { load(offset.as_ptr()) };
    for i in (0..out.len()).step_by(LANES) {
        // SAFETY: `i + 1` is less than the length of every slice.
        unsafe {
            let at = |s: &[Block]| load(s.as_ptr().add(i));
            let (a, pb) = (at(labels.a), colours(at(labels.b)));
            let (ha0, hb0) = (at(hashes.a0), at(hashes.b0));
            let tg = xor(xor(ha0, at(hashes.a1)), _mm256_and_si256(offset, pb));
            let half = xor(hb0, at(hashes.b1));
            let of_generator = xor(ha0, _mm256_and_si256(tg, colours(a)));
            let of_evaluator = xor(hb0, _mm256_and_si256(half, pb));
            store(out.as_mut_ptr().add(i), xor(of_generator, of_evaluator));
            store(generator.as_mut_ptr().add(i), tg);
            store(evaluator.as_mut_ptr().add(i), xor(half, a));
        }
    }
}

/// # Safety
/// Needs avx2; no slice is shorter than `out`, whose length is even.
#[target_feature(enable = "avx2")]
unsafe fn evaluate_avx2(
    labels: Inputs<'_>,
    hashes: Inputs<'_>,
    (generator, evaluator): (&[Row], &[Row]),
    out: &mut [Block],
) {
    for i in (0..out.len()).step_by(LANES) {
        // SAFETY: `i + 1` is less than the length of every slice.
        unsafe {
            let at = |s: &[Block]| load(s.as_ptr().add(i));
            let (a, b) = (at(labels.a), at(labels.b));
            let tg = load(generator.as_ptr().add(i));
            let te = load(evaluator.as_ptr().add(i));
            let generated = xor(at(hashes.a), _mm256_and_si256(tg, colours(a)));
            let evaluated = xor(at(hashes.b), _mm256_and_si256(xor(te, a), colours(b)));
            store(out.as_mut_ptr().add(i), xor(generated, evaluated));
        }
    }
}

/// All ones where a block's lowest bit is 1.
#[target_feature(enable = "avx2")]
#[inline]
fn colours(blocks: __m256i) -> __m256i {
    let low = _mm256_unpacklo_epi64(blocks, blocks);
    _mm256_sub_epi64(_mm256_setzero_si256(), _mm256_and_si256(low, _mm256_set1_epi64x(1)))
}

#[target_feature(enable = "avx2")]
#[inline]
fn xor(a: __m256i, b: __m256i) -> __m256i {
    _mm256_xor_si256(a, b)
}

/// # Safety
/// `from` points at two blocks.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn load<T>(from: *const T) -> __m256i {
    // SAFETY: as this function's; unaligned access allowed.
    unsafe { _mm256_loadu_si256(from.cast()) }
}

/// # Safety
/// `to` points at two blocks.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn store<T>(to: *mut T, value: __m256i) {
    // SAFETY: as this function's; unaligned access allowed.
    unsafe { _mm256_storeu_si256(to.cast(), value) }
}
