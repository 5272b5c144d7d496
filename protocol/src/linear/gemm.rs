//! Matrix product of small signed weights with ring elements, run-time dispatched.

use rayon::prelude::*;

/// Columns per block: matrices are padded to a multiple of this many columns.
pub const LANES: usize = 16;

/// Rows (output channels) that one task computes.
const ROWS: usize = 4;

/// Which kernel multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Plain Rust: the oracle.
    Scalar,
    /// 256-bit: two 32-bit multiplies a lane.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit with a native 64-bit multiply.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Backend {
    /// Kernels that this processor runs, slowest first.
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "x86 adds to it"))]
        let mut all = vec![Self::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                all.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                all.push(Self::Avx512);
            }
        }
        all
    }

    /// The fastest kernel here.
    pub fn detect() -> Self {
        Self::available().last().copied().unwrap_or(Self::Scalar)
    }
}

/// `out += weights * x`: weights row-major with `k` columns, `x` has `k` rows of `n` columns
/// (`n` a multiple of [`LANES`]), `out` rows of `n`.
pub fn gemm(backend: Backend, k: usize, n: usize, weights: &[i32], x: &[u64], out: &mut [u64]) {
    debug_assert!(n.is_multiple_of(LANES) && x.len() == k * n);
    if k == 0 || n == 0 {
        return;
    }
    out.par_chunks_mut(ROWS * n).zip(weights.par_chunks(ROWS * k)).for_each(|(out, w)| {
        block(backend, k, n, w, x, out);
    });
}

fn block(backend: Backend, k: usize, n: usize, w: &[i32], x: &[u64], out: &mut [u64]) {
    match backend {
        Backend::Scalar => scalar(k, n, w, x, out),
        #[cfg(target_arch = "x86_64")]
        Backend::Avx2 => super::x86::block_avx2(k, n, w, x, out),
        #[cfg(target_arch = "x86_64")]
        Backend::Avx512 => super::x86::block_avx512(k, n, w, x, out),
    }
}

/// The oracle: no blocking, no tricks.
fn scalar(k: usize, n: usize, w: &[i32], x: &[u64], out: &mut [u64]) {
    for (out, w) in out.chunks_mut(n).zip(w.chunks(k)) {
        for (w, x) in w.iter().zip(x.chunks(n)) {
            let w = i64::from(*w) as u64;
            for (o, x) in out.iter_mut().zip(x) {
                *o = o.wrapping_add(x.wrapping_mul(w));
            }
        }
    }
}
