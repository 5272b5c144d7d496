//! How many tickets an offline run makes: a short list that the server announces.
//!
//! Each size has its own packing and its own transformed weights. The list bounds what clients can
//! make a server compute and keep; any other size is refused before any work.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::plan::MAX_BATCH;

/// Batch sizes that a server makes: strictly ascending from 1, at most [`BatchSizes::MAX_SIZES`].
/// As bytes: one byte a size, zeros after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSizes([u8; Self::MAX_SIZES]);

// A size is one byte on the wire.
const _: () = assert!(MAX_BATCH <= u8::MAX as usize);

impl BatchSizes {
    /// Most sizes of a list, and its bytes on the wire.
    pub const MAX_SIZES: usize = 8;

    /// A list.
    ///
    /// # Errors
    /// `Input` unless it has one to [`Self::MAX_SIZES`] sizes of at most [`MAX_BATCH`] tickets,
    /// strictly ascending from 1.
    pub fn new(sizes: &[usize]) -> Result<Self> {
        Self::checked(sizes).ok_or_else(|| {
            Error::input(format!(
                "batch sizes {sizes:?}: give at most {}, ascending from 1 to at most {MAX_BATCH}",
                Self::MAX_SIZES
            ))
        })
    }

    fn checked(sizes: &[usize]) -> Option<Self> {
        let ascending = sizes.is_sorted_by(|a, b| a < b);
        if sizes.first() != Some(&1) || !ascending || sizes.last() > Some(&MAX_BATCH) {
            return None;
        }
        let mut list = [0; Self::MAX_SIZES];
        let slots = list.get_mut(..sizes.len())?;
        slots.iter_mut().zip(sizes).for_each(|(slot, size)| *slot = *size as u8);
        Some(Self(list))
    }

    /// The powers of two up to `top`, and `top` itself: a batch's bytes a ticket fall by at most a
    /// third from one size to the next, and few sizes are enough. `top` is kept within 1 and
    /// [`MAX_BATCH`].
    #[must_use]
    pub fn up_to(top: usize) -> Self {
        let top = top.clamp(1, MAX_BATCH);
        let mut sizes: Vec<usize> = std::iter::successors(Some(1), |size| Some(2 * size))
            .take_while(|s| *s < top)
            .collect();
        sizes.push(top);
        Self::checked(&sizes).unwrap_or(Self::ONE)
    }

    const ONE: Self = {
        let mut list = [0; Self::MAX_SIZES];
        list[0] = 1;
        Self(list)
    };

    /// The sizes, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = usize> + use<> {
        self.0.into_iter().filter(|size| *size > 0).map(usize::from)
    }

    /// Whether an offline run may make so many tickets.
    pub fn contains(&self, batch: usize) -> bool {
        self.iter().any(|size| size == batch)
    }

    /// The largest size.
    pub fn largest(&self) -> usize {
        self.at_most(MAX_BATCH)
    }

    /// The largest size of at most `wished` tickets; 1 for fewer.
    pub fn at_most(&self, wished: usize) -> usize {
        self.iter().rev().find(|size| *size <= wished).unwrap_or(1)
    }

    /// The offline runs that make exactly `wished` tickets, none of more than `most`: always the
    /// largest size that is still wanted, because a ticket is cheapest in the largest batch.
    pub fn runs(&self, wished: usize, most: usize) -> impl Iterator<Item = usize> + use<> {
        let (sizes, mut left) = (*self, wished);
        std::iter::from_fn(move || {
            let batch = (left > 0).then(|| sizes.at_most(left.min(most)))?;
            left -= batch;
            Some(batch)
        })
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::MAX_SIZES] {
        self.0
    }

    /// A list off the wire.
    pub(crate) fn from_bytes(bytes: [u8; Self::MAX_SIZES]) -> Result<Self> {
        let used = bytes.iter().position(|size| *size == 0).unwrap_or(bytes.len());
        let (sizes, rest) = bytes.split_at(used);
        let sizes: Vec<usize> = sizes.iter().map(|size| usize::from(*size)).collect();
        Self::checked(&sizes)
            .filter(|_| rest.iter().all(|size| *size == 0))
            .ok_or_else(|| Error::misbehaved("a list of batch sizes that is none"))
    }
}

impl fmt::Display for BatchSizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> = self.iter().map(|size| size.to_string()).collect();
        f.write_str(&sizes.join(","))
    }
}

impl FromStr for BatchSizes {
    type Err = Error;

    /// Sizes with commas between them: `1,8`.
    fn from_str(text: &str) -> Result<Self> {
        let sizes: Option<Vec<usize>> = text.split(',').map(|s| s.trim().parse().ok()).collect();
        Self::new(&sizes.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(sizes: &BatchSizes) -> Vec<usize> {
        sizes.iter().collect()
    }

    #[test]
    fn a_list_ascends_from_one() {
        assert_eq!(list(&"1, 8".parse().unwrap()), [1, 8]);
        let longest = [1, 2, 3, 4, 5, 6, 7, 64];
        assert_eq!(list(&BatchSizes::new(&longest).unwrap()), longest);
        for text in ["", "2", "0,1", "1,1", "1,4,2", "1,65", "1,x", "1,2,3,4,5,6,7,8,9"] {
            assert!(text.parse::<BatchSizes>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_usual_sizes_are_powers_of_two_and_the_plans() {
        for (top, sizes) in [
            (0, &[1][..]),
            (1, &[1]),
            (2, &[1, 2]),
            (6, &[1, 2, 4, 6]),
            (63, &[1, 2, 4, 8, 16, 32, 63]),
            (64, &[1, 2, 4, 8, 16, 32, 64]),
            (1000, &[1, 2, 4, 8, 16, 32, 64]),
        ] {
            assert_eq!(list(&BatchSizes::up_to(top)), sizes, "{top}");
        }
    }

    proptest! {
        #[test]
        fn runs_make_what_was_wished(top in 1usize..=64, wished in 0usize..200, most in 1usize..70) {
            let sizes = BatchSizes::up_to(top);
            let runs: Vec<usize> = sizes.runs(wished, most).collect();
            prop_assert_eq!(runs.iter().sum::<usize>(), wished);
            prop_assert!(runs.is_sorted_by(|a, b| a >= b));
            prop_assert!(runs.iter().all(|run| sizes.contains(*run) && *run <= most));
        }

        /// Whatever a hostile server announces is a list that this program would make, or refused.
        #[test]
        fn bytes_are_a_list_or_refused(bytes: [u8; 8]) {
            match BatchSizes::from_bytes(bytes) {
                Ok(sizes) => {
                    prop_assert_eq!(sizes.to_bytes(), bytes);
                    prop_assert_eq!(BatchSizes::new(&list(&sizes)).unwrap(), sizes);
                }
                Err(e) => {
                    let blamed = matches!(e, Error::PeerMisbehaved { .. });
                    prop_assert!(blamed, "{}", e);
                }
            }
        }
    }

    #[test]
    fn lists_round_trip() {
        for top in 1..=64 {
            let sizes = BatchSizes::up_to(top);
            assert_eq!(BatchSizes::from_bytes(sizes.to_bytes()).unwrap(), sizes);
            assert_eq!(sizes.to_string().parse::<BatchSizes>().unwrap(), sizes);
        }
        for bytes in [[0; 8], [2, 0, 0, 0, 0, 0, 0, 0], [1, 0, 2, 0, 0, 0, 0, 0], [1; 8]] {
            assert!(BatchSizes::from_bytes(bytes).is_err());
        }
    }
}
