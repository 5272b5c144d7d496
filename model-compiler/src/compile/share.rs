//! Shares of images, and what a sample of images can show about them.
//!
//! Intervals are Wilson's (1927) at 95 %: unlike the normal approximation they hold for shares near
//! 0 and 1, where agreement lies.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Two-sided 95 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// What happens more rarely than this lies above a two-sided 95 % interval.
const SURPRISE: f64 = 0.025;

/// A share of images, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Images that count.
    pub hits: usize,
    /// Images in all.
    pub of: usize,
    /// `hits / of`.
    pub share: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Share {
    /// `hits` of `of` images. Without images nothing is known: the interval is 0 to 1.
    pub fn new(hits: usize, of: usize) -> Self {
        if of == 0 {
            return Self { hits, of, share: 0.0, low: 0.0, high: 1.0 };
        }
        let (n, share) = (of as f64, hits as f64 / of as f64);
        let whole = 1.0 + Z * Z / n;
        let middle = (share + Z * Z / (2.0 * n)) / whole;
        let half = Z / whole * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        // At the ends the formula is exact but for rounding.
        let low = if hits == 0 { 0.0 } else { (middle - half).max(0.0) };
        let high = if hits == of { 1.0 } else { (middle + half).min(1.0) };
        Self { hits, of, share, low, high }
    }

    /// A share of images that keep something, of which nearly all do. The upper end is 1 as long as
    /// it is no surprise if as many other images all keep it: of the `k` in both that do not, all
    /// would be on this side, at even odds each. Wilson's upper end is below 1 from the first one
    /// on, and so never what other images show if they show none.
    pub fn kept(hits: usize, of: usize) -> Self {
        let own = Self::new(hits, of);
        let lost = i32::try_from(of - hits.min(of)).unwrap_or(i32::MAX);
        if 0.5f64.powi(lost) > SURPRISE { Self { high: 1.0, ..own } } else { own }
    }
}

impl fmt::Display for Share {
    /// In percent, with the interval.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [share, low, high] = [self.share, self.low, self.high].map(|x| 100.0 * x);
        write!(f, "{share:.2} % ({low:.2} to {high:.2})")
    }
}

/// Images of which not one may change to show that at most a share `bound` does; `None` for a
/// bound that no number of images shows.
pub(super) fn needed(bound: f64) -> Option<usize> {
    (bound > 0.0).then(|| (Z * Z * (1.0 - bound).max(0.0) / bound).ceil().max(1.0) as usize)
}

/// Most changes among `of` images that still show that at most a share `bound` changes.
pub(super) fn most_changes(of: usize, bound: f64) -> Option<usize> {
    let shown = |changes: usize| Share::new(changes, of).high <= bound || bound >= 1.0;
    if of == 0 || !shown(0) {
        return None;
    }
    let (mut low, mut high) = (0, of + 1);
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        *(if shown(middle) { &mut low } else { &mut high }) = middle;
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At both ends the share seen is `Z` standard deviations away.
    #[test]
    fn intervals_are_wilsons() {
        for (hits, of) in [(5, 100), (99, 100), (0, 100), (7, 7), (1, 3), (4300, 4708)] {
            let s = Share::new(hits, of);
            assert!(s.low <= s.share && s.share <= s.high);
            for end in [s.low, s.high].into_iter().filter(|x| *x > 0.0 && *x < 1.0) {
                let deviation = (end * (1.0 - end) / of as f64).sqrt();
                assert!(((s.share - end).abs() - Z * deviation).abs() < 1e-12, "{s:?}");
            }
        }
        let none = Share::new(0, 0);
        assert_eq!((none.low, none.high), (0.0, 1.0));
    }

    #[test]
    fn few_losses_are_no_surprise() {
        assert_eq!([0, 1, 5].map(|lost| Share::kept(1500 - lost, 1500).high), [1.0; 3]);
        let six = Share::kept(1494, 1500);
        assert_eq!(six, Share::new(1494, 1500));
        assert!(six.high < 1.0);
        assert_eq!(Share::kept(1499, 1500).low, Share::new(1499, 1500).low);
    }

    #[test]
    fn bounds_say_what_they_need() {
        for bound in [0.001, 0.01, 0.03, 0.2] {
            let n = needed(bound).unwrap();
            assert_eq!(most_changes(n, bound), Some(0), "{bound}");
            assert_eq!(most_changes(n - 1, bound), None, "{bound}");
            let most = most_changes(10 * n, bound).unwrap();
            assert!(Share::new(most, 10 * n).high <= bound);
            assert!(Share::new(most + 1, 10 * n).high > bound);
        }
        assert_eq!((needed(0.01), needed(0.0)), (Some(381), None));
        assert_eq!((most_changes(7, 1.0), most_changes(0, 0.5)), (Some(7), None));
    }
}
