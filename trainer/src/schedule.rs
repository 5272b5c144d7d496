//! Learning rates over a stage.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Form of a learning-rate schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
pub enum Curve {
    /// The same at every step.
    Constant,
    /// A tenth at 62.5 %, 75 % and 87.5 % of the stage each (SENet).
    Steps,
    /// Down a half cosine to 0 (DeepReDuce).
    Cosine,
    /// Linear from a tenth over the first fifth, then down a half cosine to 0: reaches in a
    /// few epochs what decay by steps takes hundreds for.
    OneCycle,
}

/// A learning rate over a stage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Form.
    pub curve: Curve,
    /// Largest rate.
    pub peak: f64,
}

impl Schedule {
    /// Share of the steps in which one cycle rises.
    const WARM_UP: f64 = 0.2;

    /// The rate at `done`, the share of all steps that lie behind, in [0, 1].
    pub fn at_share(self, done: f64) -> f64 {
        let cosine = |part: f64| 0.5 * (1.0 + (std::f64::consts::PI * part).cos());
        let factor = match self.curve {
            Curve::Constant => 1.0,
            Curve::Steps => {
                let passed = [0.625, 0.75, 0.875].iter().filter(|&&at| done >= at).count();
                0.1_f64.powi(passed as i32)
            }
            Curve::Cosine => cosine(done),
            Curve::OneCycle if done < Self::WARM_UP => 0.1 + 0.9 * done / Self::WARM_UP,
            Curve::OneCycle => cosine((done - Self::WARM_UP) / (1.0 - Self::WARM_UP)),
        };
        self.peak * factor
    }

    /// The rate at the start of epoch `epoch` (from 1) of `epochs`.
    pub fn at(self, epoch: usize, epochs: usize) -> f64 {
        self.at_share(epoch.saturating_sub(1) as f64 / epochs.max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(curve: Curve, done: f64) -> f64 {
        Schedule { curve, peak: 0.2 }.at_share(done)
    }

    #[test]
    fn one_cycle_rises_then_falls_to_zero() {
        assert!((at(Curve::OneCycle, 0.0) - 0.02).abs() < 1e-12);
        assert!((at(Curve::OneCycle, 0.2) - 0.2).abs() < 1e-12);
        assert!(at(Curve::OneCycle, 1.0).abs() < 1e-12);
        assert!(at(Curve::OneCycle, 0.5) > at(Curve::OneCycle, 0.7));
    }

    #[test]
    fn steps_fall_by_tens() {
        let rates = [0.0, 0.6, 0.63, 0.76, 0.9].map(|done| at(Curve::Steps, done));
        let want = [0.2, 0.2, 0.02, 0.002, 0.0002];
        assert!(rates.iter().zip(want).all(|(r, w)| (r - w).abs() < 1e-12));
    }

    #[test]
    fn constant_and_cosine() {
        assert_eq!(at(Curve::Constant, 0.9), 0.2);
        assert!((at(Curve::Cosine, 0.5) - 0.1).abs() < 1e-12);
    }
}
