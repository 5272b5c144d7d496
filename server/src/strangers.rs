//! Lines about strangers: connections that come, and those that come to nothing. Anyone can cause
//! them, so there are only so many in a while; the rest is counted, and the count is told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::counters::{Counters, Event};

/// How long the lines of one allowance last.
pub const WINDOW: Duration = Duration::from_secs(10);

/// How many lines may still be written.
pub struct Strangers {
    most: u64,
    asked: AtomicU64,
}

impl Strangers {
    /// So many lines in each [`WINDOW`].
    pub fn new(most: u64) -> Self {
        Self { most, asked: AtomicU64::new(0) }
    }

    /// Whether one more line may be written.
    pub fn may_tell(&self, counters: &Counters) -> bool {
        let told = self.asked.fetch_add(1, Ordering::Relaxed) < self.most;
        if !told {
            counters.count(Event::WithheldLine);
        }
        told
    }

    /// Begins the next window; how many lines were withheld in the last one.
    fn turn(&self) -> u64 {
        self.asked.swap(0, Ordering::Relaxed).saturating_sub(self.most)
    }

    /// Says how many lines were withheld, if any, and begins the next window.
    pub fn sum_up(&self) {
        let more = self.turn();
        if more > 0 {
            let seconds = WINDOW.as_secs();
            tracing::info!("{more} more refused or new connections in the last {seconds} s");
        }
    }

    /// Sums up each window, for ever.
    pub async fn keep_count(&self) {
        loop {
            tokio::time::sleep(WINDOW).await;
            self.sum_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_allowance_are_counted() {
        let (strangers, counters) = (Strangers::new(2), Counters::default());
        let told = |n: usize| (0..n).filter(|_| strangers.may_tell(&counters)).count();
        assert_eq!(told(5), 2);
        assert_eq!((strangers.turn(), counters.get(Event::WithheldLine)), (3, 3));
        assert_eq!(told(1), 1);
        assert_eq!(strangers.turn(), 0);
    }
}
