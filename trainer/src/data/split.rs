//! Which images are trained on, chosen by and reported on.

use super::{Images, LoadOptions};
use crate::rng::Rng;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// One in this many training images is held out for testing if there is no test set.
const TEST_SHARE: usize = 10;
/// One in this many training images is held out to validate on, unless a number is given.
const VALIDATION_SHARE: usize = 20;

/// What the validation images are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holdout {
    /// So many training images, drawn by seed. Validation images that the data set brings
    /// along are then not used at all.
    Count(usize),
    /// Those that the data set brings along.
    Given,
    /// Those that the data set brings along, else 5 % of the training images.
    #[default]
    Auto,
}

/// Something a subset can be taken of: images, or the names of their files.
pub(super) trait Pick {
    /// How many there are.
    fn count(&self) -> usize;
    /// A copy of those at `indices`.
    fn pick(&self, indices: &[usize]) -> Self;
}

impl Pick for Images {
    fn count(&self) -> usize {
        self.len()
    }

    fn pick(&self, indices: &[usize]) -> Self {
        self.select(indices)
    }
}

/// The sets that a data set brings along.
pub(super) struct Parts<T> {
    pub train: T,
    pub validation: Option<T>,
    pub test: Option<T>,
}

/// The sets of a run.
pub(super) struct Sets<T> {
    pub train: T,
    pub validation: T,
    pub test: T,
}

impl<T> Sets<T> {
    /// The same change to each set.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> Sets<U> {
        Sets {
            train: change(self.train),
            validation: change(self.validation),
            test: change(self.test),
        }
    }
}

impl<T: Pick> Parts<T> {
    /// Holds out of the training images what is missing, and keeps to the limit.
    ///
    /// # Errors
    /// [`Error::BadSetting`] if no image is left to train or to validate on, or validation
    /// images are asked for that the data set does not have.
    pub fn settle(self, options: &LoadOptions) -> Result<Sets<T>> {
        let &LoadOptions { limit, seed, .. } = options;
        let (train, test) = match self.test {
            Some(test) => (self.train, test),
            None => hold_out_test(&self.train, seed)?,
        };
        let share = (train.count() / VALIDATION_SHARE).max(1);
        let (train, validation) = match (options.validation, self.validation) {
            (Holdout::Auto | Holdout::Given, Some(own)) => (cap(train, limit), cap(own, limit)),
            (Holdout::Given, None) => {
                let problem = "asks for the data set's own validation images, and it has none";
                return Err(Error::BadSetting { setting: "--validation", problem });
            }
            (Holdout::Auto, None) => hold_out(&train, share, limit, seed)?,
            (Holdout::Count(count), _) => hold_out(&train, count, limit, seed)?,
        };
        Ok(Sets { train, validation, test: cap(test, limit) })
    }
}

/// The first `limit` of `set` (0: all).
pub(super) fn cap<T: Pick>(set: T, limit: usize) -> T {
    if limit == 0 || set.count() <= limit {
        return set;
    }
    set.pick(&(0..limit).collect::<Vec<_>>())
}

/// The training and the validation images, `held` of them, in random order by seed.
///
/// # Errors
/// [`Error::BadSetting`] if either would be empty.
pub(super) fn hold_out<T: Pick>(all: &T, held: usize, limit: usize, seed: u64) -> Result<(T, T)> {
    let order = shuffled(all.count(), held, seed, "validation split").ok_or(Error::BadSetting {
        setting: "--validation",
        problem: "leaves no image to validate on or to train on",
    })?;
    let (held, rest) = order.split_at(held);
    let capped = |indices: &[usize]| {
        let most = if limit == 0 { indices.len() } else { limit.min(indices.len()) };
        all.pick(&indices[..most])
    };
    Ok((capped(rest), capped(held)))
}

/// The rest, in its own order, and one image in ten to test on.
fn hold_out_test<T: Pick>(all: &T, seed: u64) -> Result<(T, T)> {
    let held = (all.count() / TEST_SHARE).max(1);
    let mut order = shuffled(all.count(), held, seed, "test split").ok_or(Error::BadSetting {
        setting: "--data",
        problem: "has no test images and too few others to hold some out",
    })?;
    tracing::info!(held, of = all.count(), seed, "no test set: held out of the images there are");
    let test = all.pick(&order[..held]);
    order.drain(..held);
    order.sort_unstable();
    Ok((all.pick(&order), test))
}

/// `0..count` in random order, if `held` leaves some on both sides.
fn shuffled(count: usize, held: usize, seed: u64, purpose: &str) -> Option<Vec<usize>> {
    if held == 0 || held >= count {
        return None;
    }
    let mut order: Vec<usize> = (0..count).collect();
    Rng::new(seed, purpose).shuffle(&mut order);
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::super::Dataset;
    use super::*;

    impl Pick for Vec<usize> {
        fn count(&self) -> usize {
            self.len()
        }

        fn pick(&self, indices: &[usize]) -> Self {
            indices.iter().map(|&i| self[i]).collect()
        }
    }

    fn parts(validation: bool, test: bool) -> Parts<Vec<usize>> {
        Parts {
            train: (0..100).collect(),
            validation: validation.then(|| vec![100, 101, 102]),
            test: test.then(|| vec![200, 201, 202]),
        }
    }

    fn options(validation: Holdout, limit: usize) -> LoadOptions {
        LoadOptions { validation, limit, seed: 1, ..LoadOptions::default() }
    }

    #[test]
    fn split_is_disjoint_and_seeded() {
        let all = Images::synthetic(50, 1);
        let split =
            |seed| Dataset::split(&all, Images::synthetic(5, 2), 10, 0, seed).expect("split");
        let a = split(1);
        assert_eq!((a.train.len(), a.validation.len(), a.test.len()), (40, 10, 5));
        assert_eq!(a.validation, split(1).validation);
        assert_ne!(a.validation, split(2).validation);
        assert_ne!(a.hash, split(2).hash);
        for i in 0..10 {
            assert!((0..40).all(|j| a.train.image(j) != a.validation.image(i)));
        }
        assert!(Dataset::split(&all, Images::new(all.shape), 50, 0, 1).is_err());
    }

    #[test]
    fn the_first_images_of_the_shuffled_order_are_held_out() {
        let mut order: Vec<usize> = (0..100).collect();
        Rng::new(1, "validation split").shuffle(&mut order);
        let sets = parts(false, true).settle(&options(Holdout::Count(30), 20)).expect("split");
        assert_eq!(sets.validation, order[..20], "30 held out, then capped");
        assert_eq!(sets.train, order[30..50]);
        assert_eq!(sets.test, [200, 201, 202]);
    }

    #[test]
    fn own_validation_images_are_used_when_there_are_some() {
        for holdout in [Holdout::Auto, Holdout::Given] {
            let sets = parts(true, true).settle(&options(holdout, 2)).expect("split");
            assert_eq!((sets.train, sets.validation), (vec![0, 1], vec![100, 101]));
        }
        let sets = parts(true, true).settle(&options(Holdout::Count(4), 0)).expect("split");
        assert!(sets.validation.len() == 4 && sets.validation.iter().all(|&i| i < 100));
        assert!(parts(false, true).settle(&options(Holdout::Given, 0)).is_err());
        let sets = parts(false, true).settle(&options(Holdout::Auto, 0)).expect("split");
        assert_eq!((sets.train.len(), sets.validation.len()), (95, 5));
    }

    #[test]
    fn a_missing_test_set_is_held_out_first() {
        let sets = parts(false, false).settle(&options(Holdout::Count(20), 0)).expect("split");
        assert_eq!((sets.train.len(), sets.validation.len(), sets.test.len()), (70, 20, 10));
        let mut all = [sets.train, sets.validation, sets.test].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..100));
        let again = parts(false, false).settle(&options(Holdout::Count(5), 0)).expect("split");
        assert_eq!(again.test.len(), 10);
        let one = Parts { train: vec![0], validation: None, test: None };
        assert!(one.settle(&options(Holdout::Auto, 0)).is_err());
    }
}
