//! Loss scaling: gradients of a pass in half precision are small enough to vanish, so the
//! loss is multiplied by a large factor before the backward pass and the gradients are
//! divided by it afterwards (Micikevicius et al., Mixed Precision Training, ICLR 2018).
//!
//! The factor is a power of two, so that scaling is exact. It finds its size by itself: a
//! step whose gradients overflow is skipped and halves it, many good steps double it.

use crate::{Error, Result};
use std::collections::HashMap;
use tch::{Device, Kind, Tensor};

/// Factor that training starts with.
const START: f64 = 16384.0;
/// Below this, gradients overflow for other reasons than the factor.
const SMALLEST: f64 = 1.0 / 1024.0;
/// A larger factor would gain nothing and could overflow the loss itself.
const LARGEST: f64 = 4_294_967_296.0;
/// Good steps in a row that double the factor.
const PATIENCE: i64 = 1000;
/// Name of the state in checkpoints.
const NAME: &str = "~loss_scale";

/// The factor and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct LossScale {
    factor: f64,
    good: i64,
}

impl Default for LossScale {
    fn default() -> Self {
        Self { factor: START, good: 0 }
    }
}

impl LossScale {
    /// The scale that [`LossScale::state`] described, or a fresh one if nothing is saved.
    ///
    /// # Errors
    /// What is saved is no such state.
    pub fn restore(saved: &HashMap<String, Tensor>) -> Result<Self> {
        let Some(state) = saved.get(NAME) else { return Ok(Self::default()) };
        let bad = || Error::NetworkMismatch { problem: format!("{NAME} is damaged") };
        if state.size() != [2] || state.kind() != Kind::Double {
            return Err(bad());
        }
        let factor = state.f_double_value(&[0])?;
        let good = state.f_double_value(&[1])?;
        let sane = (SMALLEST..=LARGEST).contains(&factor) && (0.0..PATIENCE as f64).contains(&good);
        if !sane {
            return Err(bad());
        }
        Ok(Self { factor, good: good as i64 })
    }

    /// Name and value, `[2]`, for checkpoints.
    pub fn state(&self) -> (String, Tensor) {
        (NAME.to_owned(), Tensor::from_slice(&[self.factor, self.good as f64]))
    }

    /// What the loss is multiplied by.
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// The loss to run the backward pass from.
    ///
    /// # Errors
    /// libtorch refuses an operation.
    pub fn scaled(&self, loss: &Tensor) -> Result<Tensor> {
        Ok(loss.f_mul_scalar(self.factor)?)
    }

    /// Divides gradients by the factor, in place, and says whether they are all finite and
    /// the step may be taken; adapts the factor for the next one.
    ///
    /// # Errors
    /// libtorch refuses an operation.
    pub fn unscale(&mut self, gradients: &[Tensor]) -> Result<bool> {
        let finite = divide(gradients, self.factor)?;
        if !finite {
            (self.factor, self.good) = (self.factor / 2.0, 0);
            tracing::debug!(factor = self.factor, "gradients overflow, step skipped");
            return Ok(false);
        }
        self.good += 1;
        if self.good == PATIENCE {
            (self.factor, self.good) = ((self.factor * 2.0).min(LARGEST), 0);
        }
        Ok(true)
    }

    /// Whether gradients overflow at any factor: training has diverged.
    pub fn exhausted(&self) -> bool {
        self.factor < SMALLEST
    }
}

/// Divides tensors in place; gives whether all of them are finite. One value crosses from
/// the device, whatever the number of tensors.
fn divide(tensors: &[Tensor], factor: f64) -> Result<bool> {
    let _guard = tch::no_grad_guard();
    let device = tensors.first().map_or(Device::Cpu, Tensor::device);
    let mut all = Tensor::f_ones([], (Kind::Bool, device))?;
    for tensor in tensors {
        let _ = tensor.shallow_clone().f_mul_scalar_(1.0 / factor)?;
        all = all.f_logical_and(&tensor.f_isfinite()?.f_all()?)?;
    }
    Ok(all.f_int64_value(&[])? != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradients(values: &[f32]) -> Vec<Tensor> {
        vec![Tensor::from_slice(&[1.0_f32, 2.0]), Tensor::from_slice(values)]
    }

    fn saved(state: (String, Tensor)) -> HashMap<String, Tensor> {
        HashMap::from([state])
    }

    #[test]
    fn gradients_come_back_in_their_own_size() {
        let mut scale = LossScale::default();
        let given = gradients(&[START as f32, -3.0 * START as f32]);
        assert!(scale.unscale(&given).expect("divided"));
        assert_eq!((given[1].double_value(&[0]), given[1].double_value(&[1])), (1.0, -3.0));
        assert!(scale.unscale(&[]).expect("nothing to do"));
    }

    #[test]
    fn overflow_halves_the_factor_and_skips_the_step() {
        for bad in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            let mut scale = LossScale { factor: START, good: PATIENCE - 1 };
            assert!(!scale.unscale(&gradients(&[1.0, bad])).expect("judged"));
            assert_eq!(scale, LossScale { factor: START / 2.0, good: 0 });
        }
    }

    #[test]
    fn many_good_steps_double_the_factor_up_to_a_limit() {
        let mut scale = LossScale { factor: START, good: PATIENCE - 2 };
        assert!(scale.unscale(&gradients(&[1.0])).expect("good"));
        assert_eq!(scale.factor(), START);
        assert!(scale.unscale(&gradients(&[1.0])).expect("good"));
        assert_eq!(scale, LossScale { factor: 2.0 * START, good: 0 });
        let mut scale = LossScale { factor: LARGEST, good: PATIENCE - 1 };
        assert!(scale.unscale(&gradients(&[1.0])).expect("good"));
        assert_eq!(scale.factor(), LARGEST);
    }

    #[test]
    fn overflow_at_any_factor_is_divergence() {
        let mut scale = LossScale::default();
        let mut steps = 0;
        while !scale.exhausted() {
            assert!(!scale.unscale(&gradients(&[f32::NAN])).expect("judged"));
            steps += 1;
        }
        assert_eq!(steps, 25, "from 2^14 to below 2^-10");
    }

    #[test]
    fn the_state_comes_back_and_damage_is_refused() {
        let scale = LossScale { factor: 512.0, good: 37 };
        assert_eq!(LossScale::restore(&saved(scale.state())).expect("restored"), scale);
        assert_eq!(LossScale::restore(&HashMap::new()).expect("fresh"), LossScale::default());
        let damaged: [&[f64]; 5] =
            [&[512.0], &[0.0, 1.0], &[f64::NAN, 1.0], &[512.0, -1.0], &[512.0, 1000.0]];
        for values in damaged {
            let state = saved((NAME.to_owned(), Tensor::from_slice(values)));
            assert!(LossScale::restore(&state).is_err(), "{values:?}");
        }
    }
}
