//! Fewest comparisons for the maximum over windows of a line.

/// How the maxima of windows of one line are found.
///
/// A tournament over the first `taps` elements of each window, and then, window by window, the
/// larger of a maximum and the one `shift` places further, until windows have their full length:
/// overlapping windows share what they have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Elements of the tournament.
    pub taps: usize,
    /// Places between the two maxima that each later round compares, in windows.
    pub shifts: Vec<usize>,
    /// Windows that the tournament is held for, and those that each later round leaves.
    pub counts: Vec<usize>,
}

impl Line {
    /// The cheapest plan for `outputs` windows of `kernel` elements, `stride` apart, among those
    /// that take no more rounds than a tournament over the whole window.
    pub fn new(kernel: usize, stride: usize, outputs: usize) -> Self {
        let rounds = log2(kernel);
        let plans = (1..=kernel).rev().filter_map(|t| Self::with_taps(t, kernel, stride, outputs));
        let best = plans.filter(|p| p.rounds() <= rounds).min_by_key(Self::comparisons);
        best.unwrap_or(Self { taps: kernel, shifts: vec![], counts: vec![outputs] })
    }

    fn with_taps(taps: usize, kernel: usize, stride: usize, outputs: usize) -> Option<Self> {
        let (mut shifts, mut length) = (Vec::new(), taps);
        while length < kernel {
            // A larger shift would leave a gap between the two halves.
            let shift = (length / stride * stride).min(kernel - length);
            if shift == 0 || !shift.is_multiple_of(stride) {
                return None;
            }
            shifts.push(shift / stride);
            length += shift;
        }
        let mut counts = vec![outputs];
        for shift in shifts.iter().rev() {
            counts.push(counts.last().copied().unwrap_or_default() + shift);
        }
        counts.reverse();
        Some(Self { taps, shifts, counts })
    }

    /// Comparisons of one line.
    pub fn comparisons(&self) -> usize {
        let first = self.counts.first().copied().unwrap_or_default();
        (self.taps - 1) * first + self.counts.iter().skip(1).sum::<usize>()
    }

    /// Comparisons that follow each other.
    pub fn rounds(&self) -> usize {
        log2(self.taps) + self.shifts.len()
    }
}

/// Rounds of a tournament.
pub(super) const fn log2(players: usize) -> usize {
    players.next_power_of_two().trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_apart_are_tournaments() {
        for (kernel, stride) in [(2, 2), (3, 3), (3, 2), (5, 7)] {
            let line = Line::new(kernel, stride, 10);
            assert_eq!((line.taps, line.shifts.len()), (kernel, 0));
            assert_eq!(line.comparisons(), 10 * (kernel - 1));
        }
    }

    #[test]
    fn overlapping_windows_share() {
        // Windows of 4 every 2: pairs once, then one more comparison each.
        let line = Line::new(4, 2, 10);
        assert_eq!((line.taps, &line.shifts[..], &line.counts[..]), (2, &[1][..], &[11, 10][..]));
        assert_eq!(line.comparisons(), 21);
        // The 13 of spatial pyramid pooling: 1, 2, 4, 8, 13 instead of 12 comparisons each.
        let line = Line::new(13, 1, 13);
        assert_eq!((line.rounds(), line.shifts.iter().sum::<usize>()), (4, 13 - line.taps));
        assert!(line.comparisons() < 5 * 16, "{line:?}");
    }

    #[test]
    fn every_plan_covers_its_windows_in_the_fewest_rounds() {
        for (kernel, stride, outputs) in
            (1..20).flat_map(|k| (1..6).flat_map(move |s| (1..8).map(move |o| (k, s, o))))
        {
            let line = Line::new(kernel, stride, outputs);
            assert!(line.rounds() <= log2(kernel));
            assert!(line.comparisons() <= (kernel - 1) * outputs);
            // Which elements each window's maximum has seen.
            let mut seen: Vec<Vec<usize>> = (0..line.counts[0])
                .map(|w| (w * stride..w * stride + line.taps).collect())
                .collect();
            for (shift, count) in line.shifts.iter().zip(&line.counts[1..]) {
                seen = (0..*count).map(|w| [&seen[w][..], &seen[w + shift]].concat()).collect();
            }
            assert_eq!(seen.len(), outputs);
            for (w, mut elements) in seen.into_iter().enumerate() {
                elements.sort_unstable();
                elements.dedup();
                assert_eq!(elements, (w * stride..w * stride + kernel).collect::<Vec<_>>());
            }
        }
    }
}
