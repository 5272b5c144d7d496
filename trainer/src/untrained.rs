//! Networks with drawn weights, for costs and for checks that need no accuracy.
//!
//! Weights alone would not do: behind dozens of random layers values explode or vanish, and every
//! image gets the same label. So batch normalisations take their statistics from drawn images, and
//! the classifier is scaled so that logits spread as those of trained networks do.

use crate::Result;
use crate::masks::MaskSet;
use crate::net::store::Role;
use crate::net::{Mode, Net, Weights};
use crate::rng::Rng;
use tacita_architectures::{Network, Op};
use tch::{Device, Kind, Tensor};

/// Batches that normalisations see: what is left of their first values is `0.9^64`, 0.1 %.
const BATCHES: usize = 64;
/// Batches that the classifier is scaled on.
const SCALING: usize = 4;
/// Standard deviation of the logits over images and classes.
const LOGIT_SPREAD: f64 = 3.0;
/// Side of the coarse grid that images are drawn on, and the share of noise on top.
const GRID: (i64, f64) = (4, 0.3);

/// The network with weights of He et al. (2015), normalisations and classifier fitted to drawn
/// images, and exactly `relus` ReLUs at positions drawn over all layers. Weights and masks depend
/// on the seed alone; statistics can differ in the last bits between machines.
///
/// # Errors
/// libtorch refuses an operation.
pub fn draw(network: &Network, relus: usize, seed: u64) -> Result<Net> {
    let mut net = Net::new(network, Device::Cpu);
    net.store.freeze();
    net.store.fill(seed)?;
    vary_norms(&net, seed)?;
    let masks = MaskSet::random_over(net.layers(), relus, &mut Rng::new(seed, "masks"));
    net.set_masks(&masks)?;
    let mut rng = Rng::new(seed, "images");
    for _ in 0..BATCHES {
        net.forward(&images(&net, &mut rng)?, Mode::Train)?;
    }
    scale_classifier(&net, &mut rng)?;
    Ok(net)
}

/// Scales in 0.75 to 1.25 and shifts around 0, so that no two channels are alike.
fn vary_norms(net: &Net, seed: u64) -> Result<()> {
    for (name, tensor) in net.store.of(Role::Weight).filter(|(_, t)| t.dim() == 1) {
        let mut rng = Rng::new(seed, name);
        let draw = |_| match name.ends_with("weight") {
            true => 0.75 + 0.5 * rng.unit(),
            false => 0.1 * rng.normal(),
        };
        let values: Vec<f32> = (0..tensor.numel()).map(draw).map(|v| v as f32).collect();
        tensor.shallow_clone().f_copy_(&Tensor::f_from_slice(&values)?)?;
    }
    Ok(())
}

/// A batch of normalised images: soft blobs and noise, within what pixels reach.
fn images(net: &Net, rng: &mut Rng) -> Result<Tensor> {
    let s = net.graph().input();
    let batch = (16 * 1024 / (s.height * s.width)).clamp(2, 16);
    let mut normal = |dims: [i64; 4]| {
        let count: i64 = dims.iter().product();
        let values: Vec<f32> = (0..count).map(|_| rng.normal() as f32).collect();
        Tensor::f_from_slice(&values)?.f_view(dims)
    };
    let (grid, noise) = GRID;
    let blobs = normal([batch, s.channels, grid, grid])?;
    let size = [s.height, s.width];
    let blobs = blobs.f_upsample_bilinear2d(size, false, None, None)?;
    let fine = normal([batch, s.channels, s.height, s.width])?.f_mul_scalar(noise)?;
    Ok(blobs.f_add(&fine)?.f_clamp(-2.0, 2.0)?)
}

/// Logits get mean 0 over the images, class by class, and [`LOGIT_SPREAD`].
fn scale_classifier(net: &Net, rng: &mut Rng) -> Result<()> {
    let pass = |_| Ok(net.forward(&images(net, rng)?, Mode::Eval)?.logits);
    let logits = Tensor::f_cat(&(0..SCALING).map(pass).collect::<Result<Vec<_>>>()?, 0)?;
    let mean = logits.f_mean_dim([0].as_slice(), false, Kind::Float)?;
    let spread = logits.f_sub(&mean)?.f_square()?.f_mean(Kind::Float)?.f_sqrt()?;
    let factor = LOGIT_SPREAD / spread.f_double_value(&[])?.max(1e-6);
    for (node, weights) in net.graph().nodes.iter().zip(&net.weights) {
        if let (Op::Linear(..), Weights::Affine(weight, Some(bias))) = (&node.op, weights) {
            let centred = bias.f_sub(&mean)?.f_mul_scalar(factor)?;
            bias.shallow_clone().f_copy_(&centred)?;
            weight.shallow_clone().f_copy_(&weight.f_mul_scalar(factor)?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::values;
    use tacita_architectures::{Options, Shape};

    fn drawn(name: &str, seed: u64) -> Net {
        let input = Shape { channels: 3, height: 16, width: 16 };
        let options = Options { base_width: Some(4), ..Options::named(name) };
        draw(&options.network(input, 10).expect("a network"), 1000, seed).expect("drawn")
    }

    #[test]
    fn values_keep_their_size_and_logits_their_spread() {
        let net = drawn("resnet20", 5);
        let images = images(&net, &mut Rng::new(9, "others")).expect("images");
        let output = net.forward(&images, Mode::Eval).expect("a pass");
        for map in &output.activations {
            let size = f64::try_from(map.square().mean(Kind::Float).sqrt()).expect("a number");
            assert!((0.3..5.0).contains(&size), "{size}");
        }
        let spread = f64::try_from(output.logits.std(true)).expect("a number");
        assert!((1.0..8.0).contains(&spread), "{spread}");
        let labels = values(&output.logits.argmax(1, false)).expect("labels");
        assert!(labels.iter().any(|l| *l != labels[0]), "{labels:?}");
    }

    #[test]
    fn masks_and_weights_follow_the_seed() {
        let (a, b, c) = (drawn("resnet20", 5), drawn("resnet20", 5), drawn("resnet20", 6));
        assert_eq!(a.masks().expect("masks").counts().iter().sum::<usize>(), 1000);
        assert_eq!(a.masks().expect("masks"), b.masks().expect("masks"));
        assert_ne!(a.masks().expect("masks"), c.masks().expect("masks"));
        let weights = |n: &Net| values(n.store.get("conv1.weight").expect("it")).expect("values");
        assert_eq!(weights(&a), weights(&b));
        assert_ne!(weights(&a), weights(&c));
    }
}
