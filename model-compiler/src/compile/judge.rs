//! The float network's labels on the calibration images: what a plan is held against.

use rayon::prelude::*;
use tacita_protocol::plan::InputSpec;

use super::gate::Tally;
use super::share::Share;
use crate::calibration::Calibration;
use crate::draw::splitmix;
use crate::error::{Error, Result};
use crate::float::Evaluator;
use crate::network::Network;

/// Fewest labelled images that tell guessing from recognising.
const MIN_LABELLED: usize = 50;
/// Standard errors by which recognising must exceed guessing, and its least share of what guessing
/// leaves.
const ABOVE_CHANCE: (f64, f64) = (3.0, 0.05);

/// One image in the float network.
struct Known {
    /// Its class there; of a map, that of each pixel.
    classes: Vec<usize>,
    /// Its label, where labels are known.
    label: Option<usize>,
    /// Largest magnitude of each tensor before its ReLU.
    largest: Vec<f32>,
}

impl Known {
    fn class(&self) -> usize {
        self.classes.first().copied().unwrap_or(0)
    }

    fn group(&self) -> usize {
        self.label.unwrap_or_else(|| self.class())
    }
}

/// The float network's results on the calibration images.
pub(super) struct Judge {
    images: Vec<Known>,
    pub classes: usize,
    pub labelled: bool,
    /// Answers of one image: 1, or the pixels of a map.
    pub answers: usize,
}

impl Judge {
    pub(super) fn new(
        network: &Network,
        calibration: &Calibration,
        input: &InputSpec,
    ) -> Result<Self> {
        let map = network.map();
        let classes = network.classes();
        // Images' labels are not pixels'.
        let none = Vec::new();
        let labels = if map.is_some() { &none } else { &calibration.labels };
        if let Some(label) = labels.iter().find(|l| **l >= classes) {
            return Err(Error::input(format!(
                "the calibration images have the label {label}, the network {classes} classes: \
                 give images of its own data set"
            )));
        }
        let evaluator = Evaluator::new(network);
        let one = |(i, pixels)| -> Result<Known> {
            let trace = evaluator.trace_of(pixels, input)?;
            let output = trace.values.last().map(Vec::as_slice).unwrap_or_default();
            let (classes, label) = (network.decisions(output), labels.get(i).copied());
            Ok(Known { classes, label, largest: trace.largest })
        };
        let images = calibration.images.par_iter().enumerate().map(one).collect::<Result<_>>()?;
        let answers = map.map_or(1, |s| s.height * s.width);
        let judge = Self { images, classes, labelled: !labels.is_empty(), answers };
        judge.refuse_guessing()?;
        Ok(judge)
    }

    /// The float network's class of image `i`; of a map, that of its first pixel.
    pub(super) fn class(&self, i: usize) -> usize {
        self.images.get(i).map_or(0, Known::class)
    }

    /// The class that image `i` counts for: its label, or the float network's class where no labels
    /// are known.
    pub(super) fn group(&self, i: usize) -> usize {
        self.images.get(i).map_or(0, Known::group)
    }

    /// All images.
    pub(super) fn all(&self) -> Vec<usize> {
        (0..self.images.len()).collect()
    }

    /// Largest magnitudes that these images show.
    pub(super) fn largest(&self, which: &[usize]) -> Vec<f32> {
        let mut largest = Vec::new();
        for known in which.iter().filter_map(|i| self.images.get(*i)) {
            largest.resize(known.largest.len(), 0.0f32);
            largest.iter_mut().zip(&known.largest).for_each(|(a, b)| *a = a.max(*b));
        }
        largest
    }

    /// Two halves, each with half of every class, drawn once and for all.
    pub(super) fn halves(&self) -> [Vec<usize>; 2] {
        let mut order = self.all();
        order.sort_by_cached_key(|i| (self.group(*i), splitmix(&mut (*i as u64))));
        let half = |parity: usize| order.iter().skip(parity).step_by(2).copied().collect();
        [half(0), half(1)]
    }

    /// Images of each class; of maps, pixels.
    pub(super) fn counts(&self, which: &[usize]) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for known in which.iter().filter_map(|i| self.images.get(*i)) {
            for class in &known.classes {
                if let Some(n) = counts.get_mut(known.label.unwrap_or(*class)) {
                    *n += 1;
                }
            }
        }
        counts
    }

    /// Counts the labels that differ; `classes` are those of the images `which`, or of their pixels.
    pub(super) fn tally(&self, which: &[usize], classes: &[usize]) -> Tally {
        let mut tally = Tally::new(self.classes);
        for (i, found) in which.iter().zip(classes.chunks(self.answers)) {
            let Some(known) = self.images.get(*i) else { continue };
            for (own, class) in known.classes.iter().zip(found) {
                tally.add(known.label.unwrap_or(*own), own != class);
            }
        }
        tally
    }

    /// A network that recognises nothing is fed the wrong numbers: agreeing with it shows nothing.
    fn refuse_guessing(&self) -> Result<()> {
        let counts = self.counts(&self.all());
        let present = counts.iter().filter(|n| **n > 0).count();
        if !self.labelled || self.images.len() < MIN_LABELLED || present < 2 {
            return Ok(());
        }
        // The mean of the classes' recalls: 1 / classes for every way of guessing, also for the
        // one that always names the most frequent class.
        let chance = 1.0 / present as f64;
        let (mut mean, mut variance) = (0.0, 0.0);
        for (class, n) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
            let own =
                self.images.iter().filter(|k| k.group() == class && k.class() == class).count();
            mean += own as f64 / *n as f64 * chance;
            variance += chance * (1.0 - chance) / *n as f64 * chance * chance;
        }
        let (deviations, least) = ABOVE_CHANCE;
        if mean > chance + (deviations * variance.sqrt()).max(least * (1.0 - chance)) {
            return Ok(());
        }
        let right = self.images.iter().filter(|k| k.group() == k.class()).count();
        let share = Share::new(right, self.images.len());
        Err(Error::input(format!(
            "the float network itself recognises {right} of {} calibration images ({:.1} % of the \
             {present} classes on average, where guessing gives {:.1} %): its pixels are probably \
             not what it was trained on; give --mean and --std or --pixels, or images and labels \
             of its own data set",
            share.of,
            100.0 * mean,
            100.0 * chance
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(pairs: impl IntoIterator<Item = (usize, usize)>, classes: usize) -> Judge {
        let known = |(class, label)| Known {
            classes: vec![class],
            label: Some(label),
            largest: vec![class as f32],
        };
        let images = pairs.into_iter().map(known).collect();
        Judge { images, classes, labelled: true, answers: 1 }
    }

    #[test]
    fn halves_share_every_class() {
        let judge = judge((0..101).map(|i| (0, usize::from(i % 10 == 0))), 2);
        let [a, b] = judge.halves();
        assert_eq!((a.len(), b.len()), (51, 50));
        let (x, y) = (judge.counts(&a), judge.counts(&b));
        assert!(x.iter().zip(&y).all(|(x, y)| x.abs_diff(*y) <= 1), "{x:?} {y:?}");
        let mut all = [a, b].concat();
        all.sort_unstable();
        assert_eq!(all, judge.all());
    }

    #[test]
    fn guessing_is_refused_however_it_is_done() {
        // Always the most frequent class: 90 % accuracy, and nothing recognised.
        let always = judge((0..500).map(|i| (0, usize::from(i % 10 == 0))), 2);
        let message = always.refuse_guessing().unwrap_err().to_string();
        assert!(message.contains("450 of 500") && message.contains("--mean"), "{message}");
        let drawn = judge((0..500).map(|i| ((i / 10) % 10, i % 10)), 10);
        assert!(drawn.refuse_guessing().is_err());
        // A weak network and an unbalanced one recognise something.
        let weak = judge((0..500).map(|i| (if i % 3 == 0 { i % 10 } else { 0 }, i % 10)), 10);
        assert!(weak.refuse_guessing().is_ok());
        let rare = judge((0..500).map(|i| (usize::from(i % 20 == 0), usize::from(i % 10 == 0))), 2);
        assert!(rare.refuse_guessing().is_ok());
        assert!(judge((0..20).map(|i| (0, i % 2)), 2).refuse_guessing().is_ok());
    }
}
