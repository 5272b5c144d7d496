//! Rows or columns picked and repeated, as few copies.

use tacita_protocol::plan::{CopyShape, MAX_WINDOW};

use super::constant::Reason;
use crate::copying::single;

/// Most copies along one axis.
const MAX_WALKS: usize = 256;
/// Most times that an element is repeated evenly.
const MAX_FACTOR: usize = 64;

/// A copy's walk along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// From an element of the input on, and to an output on; steps of both.
    Even { stride: usize, offset: isize, spread: usize, at: usize },
    /// One element of so many, to one output of so many.
    Single { read: usize, written: usize, sizes: [usize; 2] },
}

impl Walk {
    /// Everything, as it is.
    pub const WHOLE: Self = Self::Even { stride: 1, offset: 0, spread: 1, at: 0 };

    /// A copy that walks so along `axis`.
    pub fn of(self, mut c: CopyShape, axis: usize) -> CopyShape {
        match self {
            Self::Even { stride, offset, spread, at } => {
                (c.stride[axis], c.offset[axis]) = (stride, offset);
                (c.spread[axis], c.at[axis]) = (spread, at);
            }
            Self::Single { read, written, sizes } => single(&mut c, axis, read, written, sizes),
        }
        c
    }
}

/// Walks that put element `picks[o]` of `n` at output `o`.
pub(super) fn walks(picks: &[usize], n: usize) -> Reason<Vec<Walk>> {
    let m = picks.len();
    if n > MAX_WINDOW || m > MAX_WINDOW {
        return Err(format!("{n} rows or columns are too many to be resized"));
    }
    let singles = || {
        let one = |(written, &read)| Walk::Single { read, written, sizes: [n, m] };
        picks.iter().enumerate().map(one).collect::<Vec<_>>()
    };
    let most = (m / n.max(1)).min(MAX_FACTOR) + 1;
    let repeated = || {
        let ways = (1..=most).filter_map(|factor| even(picks, n, factor));
        ways.min_by_key(Vec::len)
    };
    let found = thinned(picks, n).or_else(repeated);
    let walks = found.filter(|w| w.len() <= m).unwrap_or_else(singles);
    if walks.len() > MAX_WALKS {
        return Err(format!("{n} rows or columns become {m}: only whole factors are supported"));
    }
    Ok(walks)
}

/// Every so many elements.
fn thinned(picks: &[usize], n: usize) -> Option<Vec<Walk>> {
    let (first, stride) = (*picks.first()?, (n / picks.len()).max(1));
    let fits = picks.iter().enumerate().all(|(o, p)| *p == first + stride * o);
    let walk = Walk::Even { stride, offset: first as isize, spread: 1, at: 0 };
    fits.then(|| vec![walk])
}

/// Each element repeated `factor` times, but for those at the ends.
fn even(picks: &[usize], n: usize, factor: usize) -> Option<Vec<Walk>> {
    let mut walks = Vec::new();
    for at in 0..factor.min(picks.len()) {
        let own: Vec<usize> = picks.iter().skip(at).step_by(factor).copied().collect();
        let middle = own.len() / 2;
        let offset = *own.get(middle)? as isize - middle as isize;
        walks.push(Walk::Even { stride: 1, offset, spread: factor, at });
        for (t, &read) in own.iter().enumerate() {
            let natural = t as isize + offset;
            if natural == read as isize {
                continue;
            }
            if (0..n as isize).contains(&natural) {
                return None;
            }
            let written = at + factor * t;
            walks.push(Walk::Single { read, written, sizes: [n, picks.len()] });
        }
    }
    Some(walks)
}

#[cfg(test)]
mod tests {
    use tacita_protocol::linear::copy;
    use tacita_protocol::plan::Shape;

    use super::*;

    fn check(picks: &[usize], n: usize) -> usize {
        let walks = walks(picks, n).unwrap();
        let a: Vec<u64> = (1..=n as u64).collect();
        let mut z = vec![0; picks.len()];
        let (from, to) = (Shape::new(1, 1, n), Shape::new(1, 1, picks.len()));
        for w in &walks {
            copy(&w.of(CopyShape::whole(1, 0), 1), (from, &a), (to, &mut z));
        }
        let expected: Vec<u64> = picks.iter().map(|p| *p as u64 + 1).collect();
        assert_eq!(z, expected, "{walks:?}");
        walks.len()
    }

    #[test]
    fn whatever_is_picked_is_copied_once() {
        for n in 1..9usize {
            for m in 1..30usize {
                for shift in 0..4 {
                    let pick =
                        |o: usize| ((o + shift) * n / m).saturating_sub(shift / 2).min(n - 1);
                    check(&(0..m).map(pick).collect::<Vec<_>>(), n);
                }
            }
        }
    }

    #[test]
    fn whole_factors_are_few_copies() {
        let repeated = |n: usize, s: usize| (0..n * s).map(|o| o / s).collect::<Vec<_>>();
        assert_eq!(check(&repeated(5, 2), 5), 2);
        assert_eq!(check(&repeated(8, 8), 8), 8);
        assert_eq!(check(&[0, 1, 2], 3), 1);
        assert_eq!(check(&[1, 3, 5], 6), 1);
        // One more at each end.
        assert_eq!(check(&[0, 0, 0, 1, 1, 2, 2, 2], 3), 4);
        let ends: Vec<usize> = (0..16usize).map(|o| (o.saturating_sub(2) / 4).min(2)).collect();
        assert_eq!(check(&ends, 3), 8);
    }
}
