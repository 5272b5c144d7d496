//! Memory, and arithmetic that every machine has.

use std::hint::black_box;

use tacita_protocol::Result;

use super::fastest;

/// Independent chains: more than a multiplication's latency in cycles, times what starts in one.
pub const CHAINS: usize = 12;
/// Words that no cache holds: 256 MiB.
const WORDS: usize = 32 << 20;
/// Places that are read at a time.
const STREAMS: usize = 4;

/// Bytes a second read from memory: from one place on, or from several, whichever is faster.
pub fn read() -> Result<f64> {
    let memory = vec![1u64; WORDS];
    let bytes = (8 * WORDS) as f64;
    let one = fastest(bytes, || {
        black_box(sum(&memory));
    })?;
    let several = fastest(bytes, || {
        black_box(sum_streams(&memory));
    })?;
    Ok(one.max(several))
}

fn sum(memory: &[u64]) -> u64 {
    memory.iter().fold(0, |sum, x| sum ^ x)
}

fn sum_streams(memory: &[u64]) -> u64 {
    const BLOCK: usize = 512;
    let quarters: Vec<_> =
        memory.chunks(WORDS / STREAMS).map(|quarter| quarter.chunks(BLOCK)).collect();
    let mut total = 0;
    let mut quarters = quarters;
    loop {
        let mut read = false;
        for block in quarters.iter_mut().filter_map(Iterator::next) {
            total ^= sum(block);
            read = true;
        }
        if !read {
            return total;
        }
    }
}

/// Bytes a second read and written by a copy in memory.
pub fn copy() -> Result<f64> {
    let (from, mut to) = (vec![1u64; WORDS / 2], vec![2u64; WORDS / 2]);
    fastest((8 * WORDS) as f64, || {
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
    })
}

/// Products of 64-bit words, both halves used: one in each chain a round.
pub fn multiply(rounds: usize) {
    let factor = black_box(0x9e37_79b9_7f4a_7c15u64);
    let mut chains = black_box([factor; CHAINS]);
    for _ in 0..rounds {
        for x in &mut chains {
            let wide = u128::from(*x) * u128::from(factor);
            *x = (wide >> 64) as u64 ^ wide as u64;
        }
    }
    black_box(chains);
}

/// An addition, an XOR and a rotation of a word in each chain a round.
pub fn mix(rounds: usize) {
    let c = black_box(0x9e37_79b9u32);
    let mut chains = black_box([c; CHAINS]);
    for _ in 0..rounds {
        for x in &mut chains {
            *x = (x.wrapping_add(c) ^ c).rotate_left(7);
        }
    }
    black_box(chains);
}
