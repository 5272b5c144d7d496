//! How many labels a plan may change.
//!
//! A plan passes if the upper 95 % bound of the share of labels that it changes is within a bound,
//! over all images and, with a wider bound, over those of each class: a network that finds one class
//! less often and another more often is not excused by the sum. Classes without any image are left
//! out: nothing can be said about them.

use super::share::{most_changes, needed};

/// The bounds, as shares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub all: f64,
    pub class: f64,
}

/// Images, and how many of them changed their label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub images: usize,
    pub changed: usize,
}

/// Counts over all images and by class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub all: Count,
    pub classes: Vec<Count>,
}

impl Tally {
    pub fn new(classes: usize) -> Self {
        Self { all: Count::default(), classes: vec![Count::default(); classes] }
    }

    pub fn add(&mut self, class: usize, changed: bool) {
        for count in std::iter::once(&mut self.all).chain(self.classes.get_mut(class)) {
            count.images += 1;
            count.changed += usize::from(changed);
        }
    }
}

/// Images that a network was trained on are easy: on others, labels near the border between two
/// classes are several times as many. On PneumoniaMNIST five to ten times as many labels of the
/// test split changed as of held-back training images (`lab/scripts/xray-agreement.sh`). The images
/// that choose may change this part of the bound over all.
const EASY: f64 = 1.0 / 10.0;

/// Most changed labels over all and by class.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    all: usize,
    classes: Vec<usize>,
    /// Images times [`EASY`] times the bound.
    easy: usize,
}

/// Images that are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shortage {
    /// Images needed for the bound over all; `None` if no number would do.
    pub all: Option<usize>,
    /// Images needed of each class; likewise.
    pub class: Option<usize>,
    /// The class with the fewest images, and their number, if its are too few.
    pub rarest: Option<(usize, usize)>,
}

impl Gate {
    /// What these numbers of images can show; `images` holds one entry a class.
    pub fn new(images: &[usize], bounds: Bounds) -> Result<Self, Shortage> {
        let all = most_changes(images.iter().sum(), bounds.all);
        let most = |n: &usize| if *n == 0 { Some(0) } else { most_changes(*n, bounds.class) };
        let classes: Option<Vec<usize>> = images.iter().map(most).collect();
        if let (Some(all), Some(classes)) = (all, classes) {
            let easy = images.iter().sum::<usize>() as f64 * bounds.all.min(1.0) * EASY;
            let easy = easy as usize;
            return Ok(Self { all, classes, easy });
        }
        let rarest = images.iter().enumerate().filter(|(_, n)| **n > 0).min_by_key(|(_, n)| **n);
        let short = rarest.filter(|(_, n)| most(n).is_none()).map(|(class, n)| (class, *n));
        Err(Shortage { all: needed(bounds.all), class: needed(bounds.class), rarest: short })
    }

    /// A gate for the images that choose: what just passes here would pass on other images half of
    /// the time only. `d` changes pass if a count two standard deviations over `d + 1` passes, and
    /// if they are few enough for easy images ([`EASY`]).
    pub fn with_slack(&self) -> Self {
        // Classes are many and have few images each: one may change.
        let classes = self.classes.iter().map(|d| less(*d).max(1).min(*d)).collect();
        Self { all: less(self.all).min(self.easy), classes, easy: self.easy }
    }

    pub fn admits(&self, tally: &Tally) -> bool {
        let each = self.classes.iter().zip(&tally.classes);
        tally.all.changed <= self.all && each.into_iter().all(|(most, c)| c.changed <= *most)
    }
}

fn less(most: usize) -> usize {
    let room = (most + 1) as f64;
    // x + 2 sqrt(x) <= room, x = d + 1
    let x = (1.0 + room).sqrt() - 1.0;
    ((x * x).floor() as usize).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { all: 0.01, class: 0.03 };

    fn tally(changed: &[(usize, usize)]) -> Tally {
        let mut t = Tally::new(changed.len());
        for (class, (images, changed)) in changed.iter().enumerate() {
            (0..*images).for_each(|i| t.add(class, i < *changed));
        }
        t
    }

    #[test]
    fn a_class_is_not_excused_by_the_others() {
        let gate = Gate::new(&[200, 4000, 0], BOUNDS).unwrap();
        assert!(gate.admits(&tally(&[(200, 1), (4000, 20), (0, 0)])));
        assert!(!gate.admits(&tally(&[(200, 6), (4000, 0), (0, 0)])));
        assert!(!gate.admits(&tally(&[(200, 0), (4000, 60), (0, 0)])));
        let strict = gate.with_slack();
        assert!(strict.all < gate.all && strict.classes[1] < gate.classes[1]);
    }

    #[test]
    fn what_is_missing_is_said() {
        let short = Gate::new(&[100, 150], BOUNDS).unwrap_err();
        assert_eq!((short.all, short.class, short.rarest), (Some(381), Some(125), Some((0, 100))));
        let short = Gate::new(&[200, 150], BOUNDS).unwrap_err();
        assert_eq!(short.rarest, None);
        let none = Gate::new(&[9], Bounds { all: 0.0, class: 0.0 }).unwrap_err();
        assert_eq!((none.all, none.class), (None, None));
    }

    #[test]
    fn slack_leaves_two_deviations() {
        for most in 0..200 {
            let d = less(most);
            let reach = |d: usize| (d + 1) as f64 + 2.0 * ((d + 1) as f64).sqrt();
            assert!(d == 0 || reach(d) <= (most + 1) as f64 + 1e-9);
            assert!(reach(d + 1) > (most + 1) as f64);
        }
    }
}
