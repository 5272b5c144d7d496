//! Exact byte and correlation counts of the gadgets, for checks and for cost prediction.
//!
//! `n` positions, `m = k - d` compared bits. For ReLU at m = 14: offline 416 B down and 9.75 B up, 14
//! correlated and 1 random OT; online 216.125 B down (and the caller's 8 B up).

use super::CompareBits;
use crate::garble::{CHUNK, carry_tables_bytes};
use crate::ot::Block;

/// Correlated OTs (server sends) of the signs of `n` positions.
pub fn cot_count(n: usize, bits: CompareBits) -> usize {
    n * bits.compared()
}

/// Random OTs (client sends) for selecting `n` values.
pub fn rot_count(n: usize) -> usize {
    n
}

/// Tweak windows of the signs of `n` positions.
pub fn sign_windows(n: usize, bits: CompareBits) -> u64 {
    n.div_ceil(CHUNK) as u64 * (bits.compared() as u64 - 1)
}

/// Tweak windows of selecting `n` values.
pub fn select_windows(n: usize) -> u64 {
    n.div_ceil(CHUNK) as u64
}

/// Tweak windows of `n` ReLUs, without those of their random OTs
/// ([`rot_windows`](crate::ot::rot_windows)).
pub fn relu_windows(n: usize, bits: CompareBits) -> u64 {
    sign_windows(n, bits) + select_windows(n)
}

/// Offline, client to server, for signs: the bits `d`, packed.
pub fn sign_offline_up_bytes(n: usize, bits: CompareBits) -> usize {
    cot_count(n, bits).div_ceil(8)
}

/// Offline, client to server, for selecting `n` values: `e`.
pub fn select_offline_up_bytes(n: usize) -> usize {
    8 * n
}

/// Offline, client to server, for `n` ReLUs: `d`, then `e`.
pub fn offline_up_bytes(n: usize, bits: CompareBits) -> usize {
    sign_offline_up_bytes(n, bits) + select_offline_up_bytes(n)
}

/// Offline, server to client, for signs and so for ReLUs: the garbled tables.
pub fn offline_down_bytes(n: usize, bits: CompareBits) -> usize {
    carry_tables_bytes(n, bits.compared())
}

/// Online, server to client, for signs: a label for each compared bit but the top one.
pub fn sign_online_down_bytes(n: usize, bits: CompareBits) -> usize {
    n * (bits.compared() - 1) * Block::BYTES
}

/// Online, server to client, for selecting `n` values: a row each, then the decode bits, packed.
pub fn select_online_down_bytes(n: usize) -> usize {
    8 * n + n.div_ceil(8)
}

/// Online, server to client, for `n` ReLUs: labels, rows, decode bits.
pub fn online_down_bytes(n: usize, bits: CompareBits) -> usize {
    sign_online_down_bytes(n, bits) + select_online_down_bytes(n)
}
