//! The kernel for AVX-512 IFMA: radix 2^52, carries left to accumulate.
//!
//! A 63-bit factor is `x0 + x1 * 2^52`. The products of limbs add up in three 64-bit sums of
//! weight `1`, `2^52` and `2^104`; each product adds less than `3 * 2^52` to one of them.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_loadu_si512, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64,
    _mm512_setzero_si512, _mm512_srli_epi64, _mm512_storeu_si512,
};

use zeroize::Zeroize;

use crate::rlwe::params::Prime;

/// Products after which the sums are settled: `3 * 1024 * 2^52` and a settled sum fit 64 bits.
const MOST: usize = 1024;

/// Points in one vector.
const LANES: usize = 8;

/// One point vector of each of the three sums.
type Block = [[u64; LANES]; 3];

/// Sums in limbs. Made only on a processor that has AVX-512 IFMA.
#[derive(Zeroize)]
pub(in crate::rlwe) struct Limbs {
    blocks: Vec<Block>,
    products: usize,
}

impl Limbs {
    /// Zero at `len` points; `None` if this processor cannot.
    pub(super) fn new(len: usize) -> Option<Self> {
        let able = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma");
        (able && len.is_multiple_of(LANES))
            .then(|| Self { blocks: vec![[[0; LANES]; 3]; len / LANES], products: 0 })
    }

    pub(super) fn multiply_accumulate(&mut self, left: &[&[u64]], right: &[&[u64]], prime: &Prime) {
        for (left, right) in left.chunks(LANES).zip(right.chunks(LANES)) {
            self.products += left.len();
            if self.products > MOST {
                self.settle(prime);
                self.products = left.len();
            }
            // SAFETY: `new` found AVX-512 IFMA.
            unsafe { multiply_accumulate(&mut self.blocks, left, right) }
        }
    }

    /// Reduces every sum to limbs below `2^52`.
    fn settle(&mut self, prime: &Prime) {
        const LOW: u64 = (1 << 52) - 1;
        for block in &mut self.blocks {
            for i in 0..LANES {
                // Undo the division by 2^64 that `value` makes.
                let x = prime.shift64(value(block, i, prime));
                [block[0][i], block[1][i], block[2][i]] = [x & LOW, x >> 52, 0];
            }
        }
    }

    pub(super) fn reduce(&self, out: &mut [u64], prime: &Prime) {
        for (out, block) in out.chunks_exact_mut(LANES).zip(&self.blocks) {
            for (i, out) in out.iter_mut().enumerate() {
                *out = value(block, i, prime);
            }
        }
    }
}

/// One sum divided by `2^64`, reduced.
fn value(block: &Block, i: usize, prime: &Prime) -> u64 {
    let low = u128::from(block[0][i]) + (u128::from(block[1][i]) << 52);
    prime.add(prime.redc(low), prime.reduce_wide(u128::from(block[2][i]) << 40))
}

/// Adds the products at every point.
#[target_feature(enable = "avx512f,avx512ifma")]
fn multiply_accumulate(blocks: &mut [Block], left: &[&[u64]], right: &[&[u64]]) {
    for (b, block) in blocks.iter_mut().enumerate() {
        let [s0, s1, s2] = [load(&block[0]), load(&block[1]), load(&block[2])];
        let mut sums = [s0, s1, _mm512_setzero_si512(), s2];
        for (l, r) in left.iter().zip(right) {
            let range = b * LANES..(b + 1) * LANES;
            if let (Some(l), Some(r)) = (l.get(range.clone()), r.get(range)) {
                add_product(&mut sums, load(l), load(r));
            }
        }
        store(&mut block[0], sums[0]);
        store(&mut block[1], _mm512_add_epi64(sums[1], sums[2]));
        store(&mut block[2], sums[3]);
    }
}

/// Adds eight products; the second and third sum both have weight `2^52` (two chains are faster).
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn add_product(sums: &mut [__m512i; 4], x0: __m512i, y0: __m512i) {
    // The multiplier reads the low 52 bits of each factor only.
    let (x1, y1) = (_mm512_srli_epi64::<52>(x0), _mm512_srli_epi64::<52>(y0));
    sums[0] = _mm512_madd52lo_epu64(sums[0], x0, y0);
    sums[1] = _mm512_madd52hi_epu64(sums[1], x0, y0);
    sums[1] = _mm512_madd52lo_epu64(sums[1], x0, y1);
    sums[2] = _mm512_madd52lo_epu64(sums[2], x1, y0);
    sums[3] = _mm512_madd52hi_epu64(sums[3], x0, y1);
    sums[3] = _mm512_madd52hi_epu64(sums[3], x1, y0);
    // Both upper limbs have 11 bits: their product has no upper half.
    sums[3] = _mm512_madd52lo_epu64(sums[3], x1, y1);
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load(from: &[u64]) -> __m512i {
    debug_assert_eq!(from.len(), LANES);
    // SAFETY: every caller passes exactly eight values; unaligned loads are allowed.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store(to: &mut [u64; LANES], value: __m512i) {
    // SAFETY: the array holds eight values; unaligned stores are allowed.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), value) }
}
