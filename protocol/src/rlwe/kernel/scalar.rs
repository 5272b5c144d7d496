//! The portable kernel.

/// Points handled together: the accumulators of a block stay in the first-level cache while all
/// products are added.
const BLOCK: usize = 512;

/// `sums[i] += sum over k of left[k][i] * right[k][i]`, modulo `p * 2^64`.
///
/// Needs `sums[i] < p * 2^64`, factors below `p`, and `p < 2^63`; keeps the first.
pub(super) fn multiply_accumulate(sums: &mut [u128], left: &[&[u64]], right: &[&[u64]], p: u64) {
    for (b, sums) in sums.chunks_mut(BLOCK).enumerate() {
        let range = b * BLOCK..b * BLOCK + sums.len();
        for (l, r) in left.chunks(2).zip(right.chunks(2)) {
            match (l, r) {
                ([l0, l1], [r0, r1]) => add_two(
                    sums,
                    [&l0[range.clone()], &l1[range.clone()]],
                    [&r0[range.clone()], &r1[range.clone()]],
                    p,
                ),
                ([l], [r]) => add_one(sums, &l[range.clone()], &r[range.clone()], p),
                _ => {}
            }
        }
    }
}

#[inline]
fn add_one(sums: &mut [u128], l: &[u64], r: &[u64], p: u64) {
    for ((s, l), r) in sums.iter_mut().zip(l).zip(r) {
        *s = settle(*s + u128::from(*l) * u128::from(*r), p);
    }
}

/// Two products are below `p * 2^64` together, so one conditional subtraction settles both.
#[inline]
fn add_two(sums: &mut [u128], l: [&[u64]; 2], r: [&[u64]; 2], p: u64) {
    let left = l[0].iter().zip(l[1]);
    let right = r[0].iter().zip(r[1]);
    for ((s, (l0, l1)), (r0, r1)) in sums.iter_mut().zip(left).zip(right) {
        let products = u128::from(*l0) * u128::from(*r0) + u128::from(*l1) * u128::from(*r1);
        *s = settle(*s + products, p);
    }
}

/// `s mod p * 2^64` for `s < 2 * p * 2^64`: only the upper word changes.
#[inline(always)]
fn settle(s: u128, p: u64) -> u128 {
    let high = (s >> 64) as u64;
    u128::from(high.min(high.wrapping_sub(p))) << 64 | u128::from(s as u64)
}
