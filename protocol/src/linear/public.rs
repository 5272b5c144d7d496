//! Operators without secret weights: each party applies them to its own share.

use crate::plan::{PoolShape, Shape};

/// `z += a << shift`.
pub fn identity(shift: u32, a: &[u64], z: &mut [u64]) {
    for (z, a) in z.iter_mut().zip(a) {
        *z = z.wrapping_add(a << shift);
    }
}

/// `z += multiplier * sum over each window of a`. Shapes come from a validated plan.
pub fn avg_pool(pool: &PoolShape, input: Shape, a: &[u64], z: &mut [u64]) {
    let out = pool.output(input);
    for (i, z) in z.iter_mut().enumerate() {
        let (x, rest) = (i % out.width, i / out.width);
        let (y, ch) = (rest % out.height, rest / out.height);
        let first = (ch * input.height + y * pool.stride) * input.width + x * pool.stride;
        let rows = (0..pool.kernel_h).map(|ky| first + ky * input.width);
        let sum = rows
            .flat_map(|row| a.get(row..row + pool.kernel_w).unwrap_or_default())
            .fold(0u64, |sum, v| sum.wrapping_add(*v));
        *z = z.wrapping_add(sum.wrapping_mul(u64::from(pool.multiplier)));
    }
}
