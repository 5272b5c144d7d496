//! What logits mean: the class that they name, and probabilities. The client computes both from
//! what was opened; the last operator of a network as it was exported (softmax, sigmoid) costs no
//! message.

use serde::{Deserialize, Serialize};

use super::graph::PublicPlan;
use super::top1::Reveals;

/// What turns logits into probabilities. One logit `x` alone stands for two classes: it gives
/// `1 - sigmoid(x)` and `sigmoid(x)`, under either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Head {
    /// The classes exclude each other: the probabilities' sum is 1.
    #[default]
    Softmax,
    /// Each class is there or not, whatever the others are: a sigmoid each.
    Sigmoid,
}

impl Head {
    /// Probabilities of all classes.
    pub fn probabilities(self, logits: &[f64]) -> Vec<f64> {
        match (self, logits) {
            (_, [x]) => vec![sigmoid(-x), sigmoid(*x)],
            (Self::Sigmoid, _) => logits.iter().map(|x| sigmoid(*x)).collect(),
            (Self::Softmax, _) => {
                let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let powers: Vec<f64> = logits.iter().map(|x| (x - most).exp()).collect();
                let sum: f64 = powers.iter().sum();
                powers.into_iter().map(|p| p / sum).collect()
            }
        }
    }

    /// Short name: `softmax` or `sigmoid`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::Sigmoid => "sigmoid",
        }
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Classes that so many logits tell apart: one of them decides between two.
pub const fn classes_of(logits: usize) -> usize {
    if logits == 1 { 2 } else { logits }
}

/// The class that logits name: the index of the largest one, the first of equals; of one alone, 1
/// if it is positive.
pub fn class_of<T: PartialOrd + Copy + Default>(logits: &[T]) -> usize {
    named(logits.iter().copied())
}

/// [`class_of`] logits that do not lie side by side.
pub(super) fn named<T: PartialOrd + Copy + Default>(mut logits: impl Iterator<Item = T>) -> usize {
    let Some(first) = logits.next() else { return 0 };
    let (mut best, mut classes) = ((0, first), 1);
    for x in logits {
        if x > best.1 {
            best = (classes, x);
        }
        classes += 1;
    }
    if classes == 1 { usize::from(first > T::default()) } else { best.0 }
}

impl PublicPlan {
    /// Probabilities of all classes after the opened values of an inference; `None` if only the
    /// largest logit was revealed, and for a map.
    pub fn probabilities(&self, opened: &[i64]) -> Option<Vec<f64>> {
        let scale = f64::from(self.logit_frac()).exp2();
        let logits = || opened.iter().map(|x| *x as f64 / scale).collect::<Vec<_>>();
        let all = self.reveals == Reveals::Logits && self.map().is_none();
        all.then(|| self.head.probabilities(&logits()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_the_first_of_the_largest() {
        assert_eq!(class_of(&[1.0, 3.0, 3.0, 2.0]), 1);
        assert_eq!(class_of(&[-4, -3, -3]), 1);
        assert_eq!(class_of::<i64>(&[]), 0);
    }

    #[test]
    fn one_logit_decides_between_two_classes() {
        assert_eq!([-0.5, 0.0, 0.5].map(|x| class_of(&[x])), [0, 0, 1]);
        assert_eq!([-1i64, 0, 1].map(|x| class_of(&[x])), [0, 0, 1]);
        assert_eq!((classes_of(1), classes_of(2), classes_of(10)), (2, 2, 10));
        for head in [Head::Softmax, Head::Sigmoid] {
            let p = head.probabilities(&[2.0]);
            assert!((p[1] - 0.880_797).abs() < 1e-6 && (p[0] + p[1] - 1.0).abs() < 1e-12, "{p:?}");
        }
    }

    #[test]
    fn large_logits_make_no_nan() {
        let p = Head::Softmax.probabilities(&[4000.0, 3999.0, -4000.0]);
        assert!((p[0] - 0.731_058_6).abs() < 1e-6 && p[2] == 0.0, "{p:?}");
        assert_eq!(Head::Sigmoid.probabilities(&[4000.0, -4000.0, 0.0]), [1.0, 0.0, 0.5]);
    }
}
