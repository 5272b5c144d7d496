//! How long a party waits for a peer that owes it bytes, or that is to take some in.
//!
//! A limit for each message alone never ends a peer that sends (or takes) a little just in time,
//! for ever. So waiting is paid from a credit, of at most `full`; bytes that get through earn it
//! back at the minimum rate. A peer may be silent for `full` at a stretch, since it may be
//! computing, but on average it moves bytes at the minimum rate or faster.

use std::num::NonZeroU64;
use std::time::Duration;

/// A direction's credit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    full: Duration,
    left: Duration,
    /// Bytes a second; without it each wait has the full limit.
    rate: Option<NonZeroU64>,
}

impl Patience {
    /// A credit of `full`, all of it there.
    pub(super) fn new(full: Duration, rate: Option<NonZeroU64>) -> Self {
        Self { full, left: full, rate }
    }

    /// The same with at most this much left.
    pub(super) fn starting_with(self, left: Duration) -> Self {
        Self { left: left.min(self.full), ..self }
    }

    /// How long `bytes` may take now.
    pub(super) fn limit(&self, bytes: usize) -> Duration {
        self.earned(bytes).map_or(self.full, |earned| self.left.saturating_add(earned))
    }

    /// Accounts for `bytes` that took so long.
    pub(super) fn spend(&mut self, waited: Duration, bytes: usize) {
        let earned = self.earned(bytes).unwrap_or_default();
        self.left = self.left.saturating_add(earned).saturating_sub(waited).min(self.full);
    }

    /// Fills the credit up.
    pub(super) fn renew(&mut self) {
        self.left = self.full;
    }

    /// Whether a minimum rate is asked for.
    pub(super) fn has_rate(&self) -> bool {
        self.rate.is_some()
    }

    fn earned(&self, bytes: usize) -> Option<Duration> {
        self.rate.map(|rate| Duration::from_secs_f64(bytes as f64 / rate.get() as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn at(rate: u64) -> Patience {
        Patience::new(secs(10), NonZeroU64::new(rate))
    }

    #[test]
    fn a_drip_ends() {
        let mut patience = at(100);
        // One hundred bytes each three seconds: two seconds of credit each.
        for left in [8, 6, 4, 2, 0] {
            assert!(patience.limit(100) >= secs(3));
            patience.spend(secs(3), 100);
            assert_eq!(patience.left, secs(left));
        }
        assert_eq!(patience.limit(100), secs(1));
        patience.renew();
        assert_eq!(patience.limit(100), secs(11));
    }

    #[test]
    fn bytes_at_the_minimum_rate_go_on_for_ever() {
        let mut patience = at(100).starting_with(secs(1));
        for _ in 0..1000 {
            assert_eq!(patience.limit(200), secs(3));
            patience.spend(secs(2), 200);
        }
    }

    #[test]
    fn credit_is_bounded() {
        let mut patience = at(1);
        patience.spend(secs(0), 1 << 40);
        assert_eq!(patience.limit(0), secs(10));
    }

    #[test]
    fn without_a_rate_each_wait_has_the_full_limit() {
        let mut patience = Patience::new(secs(10), None).starting_with(secs(1));
        patience.spend(secs(100), 1);
        assert_eq!(patience.limit(1 << 30), secs(10));
    }
}
