//! Memory and descriptors of a process while it runs (Linux).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use tacita_bench::process::resident_memory;

/// What a process holds at one moment.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Held {
    /// Resident memory, bytes.
    pub memory: u64,
    /// Open descriptors.
    pub descriptors: usize,
}

impl Held {
    /// Of a running process; zeros where the system does not tell.
    pub fn of(process: u32) -> Self {
        let memory = resident_memory(process).unwrap_or(0);
        let descriptors = std::fs::read_dir(format!("/proc/{process}/fd"));
        Self { memory, descriptors: descriptors.map_or(0, Iterator::count) }
    }

    /// Waits until the process holds no more descriptors than `usual`, or a while has passed.
    pub fn settled(process: u32, usual: usize, limit: Duration) -> Self {
        let began = Instant::now();
        loop {
            let held = Self::of(process);
            if held.descriptors <= usual || began.elapsed() > limit {
                return held;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Memory after the server warmed up, bytes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Memory {
    /// The most while it warmed up.
    pub warm_up: u64,
    /// In the median of the first quarter of the rest.
    pub first: u64,
    /// In the median of the last quarter.
    pub last: u64,
    /// The most after warming up.
    pub most: u64,
}

impl Memory {
    /// By how much more it was in the last quarter than in the first, in percent.
    pub fn growth(&self) -> f64 {
        100.0 * (self.last as f64 / self.first.max(1) as f64 - 1.0)
    }

    fn of(warm_up: &[u64], rest: &[u64]) -> Self {
        let quarter = rest.len() / 4;
        let most = |values: &[u64]| values.iter().copied().max().unwrap_or(0);
        let (first, last) = (rest.get(..quarter), rest.get(rest.len() - quarter..));
        let [first, last] = [first, last].map(|values| median(values.unwrap_or_default()));
        Self { warm_up: most(warm_up), first, last, most: most(rest) }
    }
}

fn median(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

/// Watches a process until `stop`; it warms up for `warm_up`.
pub fn memory(process: u32, warm_up: Duration, stop: &AtomicBool) -> Memory {
    let began = Instant::now();
    let (mut warming, mut rest) = (Vec::new(), Vec::new());
    while !stop.load(Ordering::Relaxed) {
        let seen = if began.elapsed() < warm_up { &mut warming } else { &mut rest };
        seen.push(Held::of(process).memory);
        std::thread::sleep(Duration::from_millis(250));
    }
    Memory::of(&warming, &rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_that_after_warming_up() {
        let steady = Memory::of(&[10, 90], &[100, 100, 120, 100, 100, 100, 100, 102]);
        assert_eq!((steady.warm_up, steady.first, steady.last, steady.most), (90, 100, 102, 120));
        assert!((steady.growth() - 2.0).abs() < 1e-9);
        let growing = Memory::of(&[], &(100..500).collect::<Vec<_>>());
        assert!(growing.growth() > 100.0);
    }
}
