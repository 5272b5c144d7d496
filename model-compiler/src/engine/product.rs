//! Matrix products by the `matrixmultiply` crate, with checked bounds.

use std::ops::{AddAssign, Mul};

/// A number that convolutions are made of.
pub(crate) trait Scalar:
    Copy + Default + PartialEq + AddAssign + Mul<Output = Self> + Send + Sync
{
    /// `c += a * b` for an `m x k` matrix stored column by column and a `k x n` matrix stored row
    /// by row; rows of `b` and `c` lie `b_row` and `c_row` values apart. Nothing is done if a
    /// matrix does not fit its slice.
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
                let fits = holds(a.len(), k, m, m)
                    && holds(b.len(), k, n, b_row)
                    && holds(c.len(), m, n, c_row);
                if !fits {
                    return;
                }
                let (a_column, b_row, c_row) = (m as isize, b_row as isize, c_row as isize);
                let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
                // SAFETY: all three matrices lie within their slices (checked above), the rows of
                // `c` do not overlap (`n <= c_row`), and `c` is borrowed apart from `a` and `b`.
                unsafe {
                    $gemm(m, k, n, 1.0, a, 1, a_column, b, b_row, 1, 1.0, c, c_row, 1);
                }
            }
        }
    };
}

scalar!(f32, matrixmultiply::sgemm);
scalar!(f64, matrixmultiply::dgemm);
