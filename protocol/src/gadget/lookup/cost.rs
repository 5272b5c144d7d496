//! Exact byte and correlation counts of the lookup backend, for checks and for cost prediction.
//!
//! `n` positions, digits of `h` and `l` bits, `m = h + l`. At k = 13 and 6 + 6 bits: offline 19 OTs
//! and 0.375 B up; online 1.5 B and 8.375 B down, 24 B and 16 B up.

use super::{CHUNK, Split};
use crate::ot::rot_windows;

/// OTs of a position in which the client sends beside those of the digits: two of bits, one of
/// re-shared values.
const OTHER_SELECTION_OTS: usize = 3;
/// OTs of a position in which the server sends: one for each pair of opened bits.
pub(super) const PREPARED: usize = 4;
/// Bits of a position in the client's offline request: corrections of all prepared choices but
/// the first, which needs none.
pub(super) const REQUEST_BITS: usize = PREPARED - 1;
/// Bits of a position that the server opens beside its row.
pub(super) const OPENED_BITS: usize = 3;

/// Correlated OTs of the *selection* instance: the client sends, the server receives.
pub fn selection_ots(n: usize, split: Split) -> usize {
    n * (split.digit_bits() + OTHER_SELECTION_OTS)
}

/// Correlated OTs of the *labels* instance: the server sends, the client receives.
pub fn label_ots(n: usize) -> usize {
    n * PREPARED
}

/// Tweak windows of the digit OTs.
pub(super) fn digit_windows(n: usize, split: Split) -> u64 {
    (n.div_ceil(CHUNK) * split.digit_hashes()) as u64
}

/// Tweak windows of the OTs in which the client sends.
pub fn selection_windows(n: usize, split: Split) -> u64 {
    digit_windows(n, split) + rot_windows(2 * n) + rot_windows(n)
}

/// Tweak windows of the OTs in which the server sends.
pub fn label_windows(n: usize) -> u64 {
    rot_windows(label_ots(n))
}

/// Offline, client to server: 3 bits a position, packed.
pub fn request_bytes(n: usize) -> usize {
    (n * REQUEST_BITS).div_ceil(8)
}

/// Online 1, server to client: masked digits, `m` bits a position, packed.
pub fn digits_bytes(n: usize, split: Split) -> usize {
    (n * split.digit_bits()).div_ceil(8)
}

/// Online 2, client to server: masked tables, `2 * 2^h + 2^l` bits a position (no `2^l` if `l` is
/// 0), packed.
pub fn tables_bytes(n: usize, split: Split) -> usize {
    (n * split.table_bits()).div_ceil(8)
}

/// Online 3, server to client: a row each, then three bits a position, packed.
pub fn rows_bytes(n: usize) -> usize {
    8 * n + (n * OPENED_BITS).div_ceil(8)
}

/// Online 4, client to server: both re-shared values.
pub fn answer_bytes(n: usize) -> usize {
    16 * n
}

/// Online, server to client: messages 1 and 3.
pub fn online_down_bytes(n: usize, split: Split) -> usize {
    digits_bytes(n, split) + rows_bytes(n)
}

/// Online, client to server: messages 2 and 4.
pub fn online_up_bytes(n: usize, split: Split) -> usize {
    tables_bytes(n, split) + answer_bytes(n)
}
