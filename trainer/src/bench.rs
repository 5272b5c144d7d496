//! Images a second of one network on random images: what this machine is good for, before
//! a data set and days of training are at stake.

use crate::Result;
use crate::fit::descend;
use crate::loss::cross_entropy;
use crate::net::{Mode, Net};
use crate::optim::Sgd;
use crate::scale::LossScale;
use std::time::{Duration, Instant};
use tacita_architectures::Network;
use tch::{Device, Kind, Tensor};

/// Fewest steps that are measured, however long they take.
const MIN_STEPS: usize = 2;
/// Learning rate: small, so that random labels do not make the network diverge.
const RATE: f64 = 1e-3;

/// How to measure.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Images in a mini-batch.
    pub batch: i64,
    /// Time for training, and again for evaluation.
    pub time: Duration,
    /// Where to compute.
    pub device: Device,
    /// Whether to compute in half precision where that is safe (CUDA only).
    pub mixed: bool,
}

/// Images a second, by the median of the steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// Forward pass, backward pass and step of the optimiser.
    pub train: f64,
    /// Forward pass with the running statistics and without gradients.
    pub eval: f64,
}

/// Measures `network`. The images are on the device already: reading and augmenting them is
/// not part of the measurement.
///
/// # Errors
/// libtorch refuses an operation, such as one that needs more memory than there is.
pub fn measure(network: &Network, setting: Setting) -> Result<Speed> {
    tch::manual_seed(1);
    let net = Net::new(network, setting.device);
    let shape = network.input;
    let dims = [setting.batch, shape.channels, shape.height, shape.width];
    let images = Tensor::f_randn(dims, (Kind::Float, setting.device))?;
    let options = (Kind::Int64, setting.device);
    let labels = Tensor::f_randint(network.classes, [setting.batch], options)?;
    let train = training(&net, &images, &labels, setting)?;
    let eval = evaluation(&net, &images, setting)?;
    let speed = |seconds: f64| setting.batch as f64 / seconds;
    Ok(Speed { train: speed(train), eval: speed(eval) })
}

fn training(net: &Net, images: &Tensor, labels: &Tensor, setting: Setting) -> Result<f64> {
    let mut sgd = Sgd::new(net);
    let mut scale = setting.mixed.then(LossScale::default);
    median_seconds(setting.time, || {
        let loss = tch::autocast(setting.mixed, || {
            cross_entropy(&net.forward(images, Mode::Train)?.logits, labels, 0.0)
        })?;
        descend(&loss, &mut sgd, RATE, scale.as_mut())?;
        finish(&loss)
    })
}

fn evaluation(net: &Net, images: &Tensor, setting: Setting) -> Result<f64> {
    let _guard = tch::no_grad_guard();
    median_seconds(setting.time, || {
        let logits = tch::autocast(setting.mixed, || net.forward(images, Mode::Eval))?.logits;
        finish(&logits.f_sum(Kind::Float)?)
    })
}

/// Reads a value back, which waits until the device has done all that was asked of it.
fn finish(value: &Tensor) -> Result<()> {
    value.f_double_value(&[])?;
    Ok(())
}

/// Median duration of `step`: one to warm up, then whole steps until the time is over.
fn median_seconds(time: Duration, mut step: impl FnMut() -> Result<()>) -> Result<f64> {
    step()?;
    let (start, mut seconds) = (Instant::now(), Vec::new());
    while seconds.len() < MIN_STEPS || start.elapsed() < time {
        let begin = Instant::now();
        step()?;
        seconds.push(begin.elapsed().as_secs_f64());
    }
    Ok(median(seconds))
}

/// Middle value; the mean of the two middle ones of an even number.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    let at = |i: usize| values.get(i).copied().unwrap_or_default();
    (at(low) + at(high)) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use tacita_architectures::{Options, Shape};

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![9.0, 1.0, 2.0, 4.0]), 3.0);
    }

    #[test]
    fn a_warm_up_and_two_steps_are_the_least() {
        let mut steps = 0;
        let count = || {
            steps += 1;
            Ok(())
        };
        median_seconds(Duration::ZERO, count).expect("measured");
        assert_eq!(steps, 3);
        let failed = median_seconds(Duration::ZERO, || Err(Error::Log));
        assert!(matches!(failed, Err(Error::Log)));
    }

    #[test]
    fn a_small_network_has_a_speed() {
        let input = Shape { channels: 3, height: 8, width: 8 };
        let options = Options { base_width: Some(2), ..Options::named("resnet20") };
        let network = options.network(input, 4).expect("a network");
        let (time, device) = (Duration::ZERO, Device::Cpu);
        let speed = measure(&network, Setting { batch: 4, time, device, mixed: false });
        let speed = speed.expect("measured");
        assert!(speed.train > 0.0 && speed.train.is_finite());
        assert!(speed.eval > 0.0 && speed.eval.is_finite());
    }
}
