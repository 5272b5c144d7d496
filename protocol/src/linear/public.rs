//! Operators without secret weights: each party applies them to its own share.

use crate::plan::{CopyShape, PoolShape, Shape};

/// `z += ± (a << shift)` where the copy reads inside the input. `a` has shape `from`, `z` `to`;
/// both shapes come from a validated plan.
pub fn copy(c: &CopyShape, (from, a): (Shape, &[u64]), (to, z): (Shape, &mut [u64])) {
    let factor = if c.negative { 1u64.wrapping_neg() } else { 1 } << c.shift;
    c.for_each_run(from, to, |first, at, count| {
        let source = a.get(first..).unwrap_or_default().iter().step_by(c.stride[1]);
        let target = z.get_mut(at..).unwrap_or_default().iter_mut().step_by(c.spread[1]);
        for (z, a) in target.zip(source).take(count) {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rng::SecretRng;

    /// Element by element, as the plan's documentation has it.
    fn naive(c: &CopyShape, (from, a): (Shape, &[u64]), (to, z): (Shape, &mut [u64])) {
        let place = |axis: usize, i: usize, (input, output): (usize, usize)| {
            let read = (c.stride[axis] * i).checked_add_signed(c.offset[axis]);
            let read = read.filter(|r| *r < input)?;
            let written = c.spread[axis] * i + c.at[axis];
            (written < output).then_some((read, written))
        };
        let most = from.height.max(from.width).max(to.height).max(to.width) + 8;
        for (ch, y, x) in (0..c.channels)
            .flat_map(|ch| (0..most).flat_map(move |y| (0..most).map(move |x| (ch, y, x))))
        {
            let rows = place(0, y, (from.height, to.height));
            let columns = place(1, x, (from.width, to.width));
            let (Some((ry, wy)), Some((rx, wx))) = (rows, columns) else { continue };
            let read = ((c.from + c.step * ch) * from.height + ry) * from.width + rx;
            let written = ((c.to + ch) * to.height + wy) * to.width + wx;
            let value = a[read] << c.shift;
            let value = if c.negative { value.wrapping_neg() } else { value };
            z[written] = z[written].wrapping_add(value);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn copies_are_what_they_say(
            (h, w, oh, ow) in (1usize..9, 1usize..9, 1usize..14, 1usize..14),
            (channels, step, from, to) in (1usize..4, 1usize..4, 0usize..3, 0usize..3),
            stride in [1usize..4, 1..4], spread in [1usize..4, 1..4],
            offset in [-5isize..6, -5..6], at in [0usize..6, 0..6],
            (negative, shift, seed) in (any::<bool>(), 0u32..20, any::<u64>()),
        ) {
            let input = Shape::new(from + step * (channels - 1) + 1, h, w);
            let output = Shape::new(to + channels, oh, ow);
            let c = CopyShape {
                shift, negative, from, step, to, channels, stride, offset, spread, at,
            };
            let mut rng = SecretRng::from_test_seed(seed);
            let (a, before) = (rng.u64s(input.len()), rng.u64s(output.len()));
            let (mut expected, mut got) = (before.clone(), before.clone());
            naive(&c, (input, &a), (output, &mut expected));
            copy(&c, (input, &a), (output, &mut got));
            prop_assert_eq!(&got, &expected);
            let signed = |v: &[u64]| v.iter().map(|x| *x as i64).collect::<Vec<_>>();
            let mut clear = signed(&before);
            crate::plan::clear::copy(&c, (input, &signed(&a)), (output, &mut clear));
            prop_assert_eq!(clear, signed(&expected));
        }
    }
}
