//! Convolutions in the clear, the same code for floats and for exact integers.
//!
//! A convolution is a matrix product: the weights of one group (outputs x taps) times the input's
//! values under each tap (taps x output pixels), gathered for a few output rows at a time so that
//! they stay in the cache. Groups of few outputs, depthwise ones above all, would waste the
//! product's tiles: they are added up row by row instead, and fully connected layers are dot
//! products. Everything here runs on one thread; callers work on many images at once.
//!
//! With `f64` the result is exact as long as every product and partial sum is an integer below
//! `2^53`, whatever the order of the sum: the caller sees to that.

mod direct;
mod gather;

use std::ops::{AddAssign, Mul};

use tacet_protocol::plan::{ConvShape, Padding};

/// Fewest output channels of a group that the matrix product is worth it for.
const MIN_OUTPUTS: usize = 4;

/// A number that convolutions are made of.
pub(crate) trait Scalar: Copy + Default + PartialEq + AddAssign + Mul<Output = Self> {
    /// `c += a * b` for `m x k` and `k x n` matrices, row-major; rows of `b` and `c` lie `b_row` and
    /// `c_row` values apart.
    fn product(size: [usize; 3], a: &[Self], b: (&[Self], usize), c: (&mut [Self], usize));
}

/// True if `rows` rows of `columns` values, `stride` apart, lie within `len` values.
fn holds(len: usize, rows: usize, columns: usize, stride: usize) -> bool {
    let last = rows.saturating_sub(1).checked_mul(stride).and_then(|at| at.checked_add(columns));
    rows == 0 || (columns <= stride || rows == 1) && last.is_some_and(|end| end <= len)
}

macro_rules! scalar {
    ($t:ty, $gemm:path) => {
        impl Scalar for $t {
            fn product(
                [m, k, n]: [usize; 3],
                a: &[Self],
                (b, b_row): (&[Self], usize),
                (c, c_row): (&mut [Self], usize),
            ) {
                let fits = holds(a.len(), m, k, k)
                    && holds(b.len(), k, n, b_row)
                    && holds(c.len(), m, n, c_row);
                debug_assert!(fits);
                if !fits {
                    return;
                }
                let (ak, bs, cs) = (k as isize, b_row as isize, c_row as isize);
                let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
                // SAFETY: all three matrices lie within their slices (checked above), the rows of
                // `c` do not overlap (`n <= c_row`), and `c` is borrowed apart from `a` and `b`.
                unsafe { $gemm(m, k, n, 1.0, a, ak, 1, b, bs, 1, 1.0, c, cs, 1) };
            }
        }
    };
}

scalar!(f32, matrixmultiply::sgemm);
scalar!(f64, matrixmultiply::dgemm);

/// `z += weights * a`: `a` in CHW order with the shape's input, `z` with its output, weights as
/// [`ConvShape`] has them. Missing values of `a` are no error of their own: nothing is added.
pub(crate) fn conv<T: Scalar>(s: &ConvShape, weights: &[T], a: &[T], z: &mut [T]) {
    let (input, out) = (s.input, s.output());
    let (plane, area) = (out.height * out.width, input.height * input.width);
    let filter = s.group_inputs() * s.kernel_h * s.kernel_w;
    let groups = weights
        .chunks(filter * s.group_outputs())
        .zip(a.chunks(area * s.group_inputs()))
        .zip(z.chunks_mut(plane * s.group_outputs()));
    for ((w, a), z) in groups {
        if plane == 1 && filter == a.len() && s.pad == Padding::NONE {
            direct::dense(w, a, z);
        } else if s.group_outputs() < MIN_OUTPUTS {
            direct::group(s, w, a, z);
        } else if filter == s.group_inputs() && s.stride == 1 && s.pad == Padding::NONE {
            T::product([s.group_outputs(), filter, plane], w, (a, plane), (z, plane));
        } else {
            gather::group(s, w, a, z);
        }
    }
}

#[cfg(test)]
mod tests;
