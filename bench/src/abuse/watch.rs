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

/// The most memory seen between `from` and the moment when `stop` turns true.
pub fn largest(process: u32, from: Duration, stop: &AtomicBool) -> (u64, u64) {
    let began = Instant::now();
    let (mut warm, mut after) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let memory = Held::of(process).memory;
        let kept = if began.elapsed() < from { &mut warm } else { &mut after };
        *kept = memory.max(*kept);
        std::thread::sleep(Duration::from_millis(250));
    }
    (warm, after)
}
