//! Operators without secret weights: each party applies them to its own share.

use crate::plan::{CopyShape, PoolShape, Shape};

/// `z += ± (a << shift)` where the copy reads inside the input. `a` has shape `from`, `z` `to`;
/// both shapes come from a validated plan.
pub fn copy(c: &CopyShape, (from, a): (Shape, &[u64]), (to, z): (Shape, &mut [u64])) {
    let factor = if c.negative { 1u64.wrapping_neg() } else { 1 } << c.shift;
    c.for_each_run(from, to, |first, at, count| {
        let source = a.get(first..).unwrap_or_default().iter().step_by(c.stride[1]);
        let target = z.get_mut(at..at + count).unwrap_or_default();
        for (z, a) in target.iter_mut().zip(source) {
            *z = z.wrapping_add(a.wrapping_mul(factor));
        }
    });
}

/// `z += multiplier * sum over each window of a`. Shapes come from a validated plan.
pub fn avg_pool(pool: &PoolShape, input: Shape, a: &[u64], z: &mut [u64]) {
    let multiplier = u64::from(pool.multiplier);
    pool.for_each_row(input, |out, row| {
        let row = a.get(row).unwrap_or_default();
        let sum = row.iter().fold(0u64, |sum, v| sum.wrapping_add(*v));
        if let Some(z) = z.get_mut(out) {
            *z = z.wrapping_add(sum.wrapping_mul(multiplier));
        }
    });
}
