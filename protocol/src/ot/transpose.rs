//! Bit matrix transposition: 128 rows of column bits into one block a column.

use super::Block;
use super::stream::Row;

/// Transposes word `word` of the 128 rows: bit `r` of `out[c]` is bit `c` of that word of row `r`.
///
/// Recursive halving (Warren, Hacker's Delight, section 7-3) on pairs of 64-bit lanes: no shift
/// crosses a lane, so the compiler vectorises it.
pub(super) fn transpose_word(rows: &[Row], word: usize, out: &mut [Block; 128]) {
    let mut tile = [[0u64; 2]; 128];
    for (to, row) in tile.iter_mut().zip(rows) {
        *to = [row[word] as u64, (row[word] >> 64) as u64];
    }
    let (top, bottom) = tile.split_at_mut(64);
    for (a, b) in top.iter_mut().zip(bottom) {
        std::mem::swap(&mut a[1], &mut b[0]);
    }
    swap_lanes::<32>(&mut tile, 0x0000_0000_ffff_ffff);
    swap_lanes::<16>(&mut tile, 0x0000_ffff_0000_ffff);
    swap_lanes::<8>(&mut tile, 0x00ff_00ff_00ff_00ff);
    swap_lanes::<4>(&mut tile, 0x0f0f_0f0f_0f0f_0f0f);
    swap_lanes::<2>(&mut tile, 0x3333_3333_3333_3333);
    swap_lanes::<1>(&mut tile, 0x5555_5555_5555_5555);
    for (to, [low, high]) in out.iter_mut().zip(tile) {
        to.0 = u128::from(low) | u128::from(high) << 64;
    }
}

/// Swaps, in every square of `2 * J` rows and columns, the top right quarter with the bottom left.
#[inline]
fn swap_lanes<const J: usize>(tile: &mut [[u64; 2]; 128], mask: u64) {
    for square in tile.chunks_exact_mut(2 * J) {
        let (top, bottom) = square.split_at_mut(J);
        for (a, b) in top.iter_mut().zip(bottom) {
            for lane in 0..2 {
                let t = ((a[lane] >> J) ^ b[lane]) & mask;
                b[lane] ^= t;
                a[lane] ^= t << J;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stream::WORDS;
    use super::*;
    use crate::rng::SecretRng;

    #[test]
    fn agrees_with_the_bit_by_bit_transpose() {
        let mut rng = SecretRng::from_test_seed(1);
        let mut rows = vec![[0u128; WORDS]; 128];
        for row in &mut rows {
            row[3] = u128::from_le_bytes(rng.array());
        }
        let mut out = [Block::default(); 128];
        transpose_word(&rows, 3, &mut out);
        for c in 0..128 {
            for r in 0..128 {
                assert_eq!((out[c].0 >> r) & 1, (rows[r][3] >> c) & 1, "row {r} column {c}");
            }
        }
    }
}
