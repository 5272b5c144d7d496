//! How long offline work computes without asking whether online work waits.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

thread_local! {
    /// When this thread's stretch began, if it computes one.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Stretches of offline work between two looks at the gate, each on one thread. Wall time: what
/// other threads took of the core meanwhile counts, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretches {
    /// How many there were.
    pub count: u64,
    /// All of them together.
    pub total: Duration,
    /// The longest.
    pub longest: Duration,
}

/// Times the stretches of all threads.
#[derive(Default)]
pub struct Stopwatch {
    count: AtomicU64,
    total: AtomicU64,
    longest: AtomicU64,
}

impl Stopwatch {
    /// Times work of one stretch or more.
    pub fn time<R>(&self, work: impl FnOnce() -> R) -> R {
        // A thread that waits for a part of its piece may begin another piece meanwhile.
        let outer = self.stop();
        BEGAN.set(Some(Instant::now()));
        let result = work();
        self.stop();
        BEGAN.set(outer.then(Instant::now));
        result
    }

    /// Stops while `wait` waits; then a new stretch begins.
    pub fn pause(&self, wait: impl FnOnce()) {
        let timed = self.stop();
        wait();
        BEGAN.set(timed.then(Instant::now));
    }

    /// Ends this thread's stretch; whether there was one.
    fn stop(&self) -> bool {
        let Some(began) = BEGAN.take() else { return false };
        let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(took, Ordering::Relaxed);
        self.longest.fetch_max(took, Ordering::Relaxed);
        true
    }

    /// So far.
    pub fn read(&self) -> Stretches {
        let [count, total, longest] =
            [&self.count, &self.total, &self.longest].map(|value| value.load(Ordering::Relaxed));
        let (total, longest) = (Duration::from_nanos(total), Duration::from_nanos(longest));
        Stretches { count, total, longest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_and_a_piece_within_end_a_stretch() {
        let watch = Stopwatch::default();
        let count = || watch.read().count;
        watch.pause(|| ());
        assert_eq!(count(), 0);
        watch.time(|| {
            watch.pause(|| ());
            assert_eq!(count(), 1);
            watch.time(|| ());
            assert_eq!(count(), 3);
        });
        assert_eq!(count(), 4);
        watch.pause(|| ());
        assert_eq!(count(), 4);
        let read = watch.read();
        assert!(read.longest <= read.total && read.total <= 4 * read.longest);
    }
}
