//! What quantisation loses on the calibration images.

use rayon::prelude::*;
use serde::Serialize;
use tacita_image_input::normalise;
use tacita_protocol::plan::{InputSpec, PublicPlan};

use super::measure::arg_max;
use crate::calibration::Calibration;
use crate::error::{Error, Result};
use crate::float::Evaluator;
use crate::network::Network;
use crate::simulate::Simulation;

/// A loss, all in percentage points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Loss {
    /// Accuracy of the float network less the plan's (or the labels that differ, where the right
    /// ones are unknown).
    pub points: f64,
    /// Standard error of that: images are a sample, and few of them change.
    pub standard_error: f64,
    /// Mean probability of the labels, float less plan.
    pub probability: f64,
}

/// The float network's results on the calibration images.
pub(super) struct Judge {
    /// The label that counts as right, whether the float network finds it, its probability there.
    images: Vec<(usize, bool, f64)>,
    /// Largest magnitude of each tensor before its ReLU.
    largest: Vec<f32>,
}

impl Judge {
    pub(super) fn new(
        network: &Network,
        calibration: &Calibration,
        input: &InputSpec,
    ) -> Result<Self> {
        let labels = &calibration.labels;
        if let Some(label) = labels.iter().find(|l| **l >= network.classes()) {
            let classes = network.classes();
            return Err(Error::input(format!(
                "the calibration images have the label {label}, the network {classes} classes: \
                 give images of its own data set"
            )));
        }
        let evaluator = Evaluator::new(network);
        let one = |(i, pixels)| -> Result<_> {
            let real = normalise(pixels, network.input, input)?;
            let trace = evaluator.trace(&real.iter().map(|x| *x as f32).collect::<Vec<_>>());
            let logits = trace.values.last().map(Vec::as_slice).unwrap_or_default();
            let logits: Vec<f64> = logits.iter().map(|x| f64::from(*x)).collect();
            let class = arg_max(&logits);
            let label = labels.get(i).copied().unwrap_or(class);
            Ok(((label, class == label, probability(&logits, label)), trace.largest))
        };
        let each = calibration.images.par_iter().enumerate().map(one);
        let (images, ranges): (Vec<_>, Vec<_>) =
            each.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let mut largest = vec![0.0f32; network.layers.len()];
        for range in ranges {
            largest.iter_mut().zip(range).for_each(|(a, b)| *a = a.max(b));
        }
        Ok(Self { images, largest })
    }

    pub(super) fn largest(&self) -> &[f32] {
        &self.largest
    }

    /// What a simulation lost.
    pub(super) fn loss(&self, plan: &PublicPlan, all: &Simulation) -> Loss {
        let scale = plan.output().map_or(1.0, |t| f64::from(t.frac).exp2());
        let (mut lost, mut gained, mut fallen) = (0u32, 0u32, 0.0);
        for ((label, right, p), logits) in self.images.iter().zip(&all.logits) {
            let logits: Vec<f64> = logits.iter().map(|x| *x as f64 / scale).collect();
            let now = arg_max(&logits) == *label;
            lost += u32::from(*right && !now);
            gained += u32::from(!*right && now);
            fallen += p - probability(&logits, *label);
        }
        let per_image = 100.0 / self.images.len().max(1) as f64;
        Loss {
            points: (f64::from(lost) - f64::from(gained)) * per_image,
            standard_error: f64::from(lost + gained).sqrt() * per_image,
            probability: fallen * per_image,
        }
    }

    /// True if neither accuracy nor probability fell by more than `target` points.
    pub(super) fn within(&self, loss: &Loss, target: f64) -> bool {
        // Sums of floats: what is equal on paper may differ in the last bit.
        loss.points <= target + 1e-9 && loss.probability <= target + 1e-9
    }
}

/// Softmax probability of one label.
fn probability(logits: &[f64], label: usize) -> f64 {
    let most = logits.iter().fold(f64::NEG_INFINITY, |m, x| m.max(*x));
    let sum: f64 = logits.iter().map(|x| (x - most).exp()).sum();
    logits.get(label).map_or(0.0, |x| (x - most).exp() / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_a_softmax() {
        let logits = [1.0, 3.0, 1.0];
        let sum: f64 = (0..3).map(|i| probability(&logits, i)).sum();
        assert!((sum - 1.0).abs() < 1e-12);
        assert!((probability(&logits, 1) - 1.0 / (1.0 + 2.0 * (-2.0f64).exp())).abs() < 1e-12);
        assert_eq!(probability(&logits, 7), 0.0);
    }
}
