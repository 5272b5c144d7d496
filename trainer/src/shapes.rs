//! A U-Net that finds drawn shapes: a task of maps that needs no data set.
//!
//! Pictures of 64x64 grey pixels show filled ellipses, boxes and triangles on uneven ground, under
//! noise, among thin lines; the network tells which pixels belong to a shape. Pictures are drawn anew
//! for every step, so that the network never sees one twice.

mod draw;

pub use draw::{Drawn, SIDE, draw};

use crate::Result;
use crate::data::Normalise;
use crate::net::{Mode, Net};
use crate::optim::Sgd;
use crate::rng::Rng;
use crate::schedule::{Curve, Schedule};
use tacita_architectures::{Network, Shape};
use tch::{Device, Kind, Reduction, Tensor};

/// Channels and convolutions of each level, the full size first: half a million weights.
const LEVELS: [(i64, usize); 4] = [(8, 1), (24, 2), (64, 2), (160, 2)];
/// Pictures of a step.
const BATCH: usize = 16;
/// Largest learning rate.
const RATE: f64 = 0.05;

/// How pixels enter the network.
pub fn normalise() -> Normalise {
    Normalise { mean: vec![0.5], std: vec![0.25] }
}

/// The network, not trained yet; its weights depend on `seed` alone.
///
/// # Errors
/// libtorch refuses a tensor.
pub fn network(seed: u64) -> Result<Net> {
    let side = SIDE as i64;
    let input = Shape { channels: 1, height: side, width: side };
    let net = Net::new(&Network::unet("unet-shapes", input, 1, LEVELS), Device::Cpu);
    net.store.fill(seed)?;
    Ok(net)
}

/// Trains for `steps` steps; `tell` hears of every step and its loss.
///
/// # Errors
/// libtorch refuses an operation.
pub fn train(net: &Net, steps: usize, seed: u64, mut tell: impl FnMut(usize, f64)) -> Result<()> {
    let mut rng = Rng::new(seed, "training shapes");
    let mut optimiser = Sgd::new(net);
    let schedule = Schedule { curve: Curve::OneCycle, peak: RATE };
    for step in 0..steps {
        let (images, masks) = batch(&mut rng, BATCH)?;
        optimiser.zero_grad();
        let logits = net.forward(&images, Mode::Train)?.logits;
        let loss = logits.f_binary_cross_entropy_with_logits::<Tensor>(
            &masks,
            None,
            None,
            Reduction::Mean,
        )?;
        loss.f_backward()?;
        optimiser.step(schedule.at_share(step as f64 / steps.max(1) as f64))?;
        tell(step + 1, loss.f_double_value(&[])?);
    }
    Ok(())
}

/// How well a network finds shapes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Pictures.
    pub pictures: usize,
    /// Share of pixels that are told rightly.
    pub accuracy: f64,
    /// Pixels in both masks over those in either.
    pub overlap: f64,
}

/// Tries the network on `pictures` pictures of a seed of its own.
///
/// # Errors
/// libtorch refuses an operation.
pub fn score(net: &Net, pictures: usize, seed: u64) -> Result<Score> {
    let _guard = tch::no_grad_guard();
    let mut rng = Rng::new(seed, "held-out shapes");
    let (mut right, mut both, mut either, mut all) = (0.0, 0.0, 0.0, 0.0);
    let mut left = pictures;
    while left > 0 {
        let (images, masks) = batch(&mut rng, left.min(BATCH))?;
        left -= left.min(BATCH);
        let found = net.forward(&images, Mode::Eval)?.logits.f_gt(0.0)?;
        let truth = masks.f_gt(0.5)?;
        let count = |t: Tensor| t.f_sum(Kind::Float)?.f_double_value(&[]);
        right += count(found.f_eq_tensor(&truth)?)?;
        both += count(found.f_logical_and(&truth)?)?;
        either += count(found.f_logical_or(&truth)?)?;
        all += truth.numel() as f64;
    }
    Ok(Score { pictures, accuracy: right / f64::max(all, 1.0), overlap: both / either.max(1.0) })
}

/// Pictures and masks, `[N, 1, 64, 64]` each.
fn batch(rng: &mut Rng, count: usize) -> Result<(Tensor, Tensor)> {
    let drawn: Vec<Drawn> = (0..count).map(|_| draw(rng)).collect();
    let pixel = |p: &u8| (f32::from(*p) / 255.0 - 0.5) / 0.25;
    let images: Vec<f32> = drawn.iter().flat_map(|d| d.pixels.iter().map(pixel)).collect();
    let set = |m: &bool| f32::from(u8::from(*m));
    let masks: Vec<f32> = drawn.iter().flat_map(|d| d.mask.iter().map(set)).collect();
    let side = SIDE as i64;
    let shaped = |v: &[f32]| Tensor::f_from_slice(v)?.f_view([count as i64, 1, side, side]);
    Ok((shaped(&images)?, shaped(&masks)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_half_a_million_weights() {
        let counts = network(1).expect("a network").graph().counts();
        assert!((450_000..600_000).contains(&counts.parameters), "{counts:?}");
    }

    #[test]
    fn training_lowers_the_loss() {
        let net = network(1).expect("a network");
        let mut losses = Vec::new();
        train(&net, 12, 1, |_, loss| losses.push(loss)).expect("trained");
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let (first, last) = (mean(&losses[..3]), mean(&losses[9..]));
        assert!(last < 0.9 * first, "{losses:?}");
        let score = score(&net, 4, 9).expect("scored");
        assert!(score.pictures == 4 && (0.0..=1.0).contains(&score.accuracy), "{score:?}");
    }
}
