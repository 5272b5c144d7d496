//! Means and deviations of channels.

use super::Images;
use crate::{Error, Result};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Deviation used for a channel that hardly varies: one step of a byte, so that no input
/// grows beyond reason.
const SMALLEST_STD: f64 = 1.0 / 255.0;

/// How pixels become network inputs: `(pixel / 255 - mean) / std`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalise {
    /// Mean of each channel, of pixels scaled to [0, 1].
    pub mean: Vec<f32>,
    /// Standard deviation of each channel, of pixels scaled to [0, 1].
    pub std: Vec<f32>,
}

impl Normalise {
    /// The values commonly used for CIFAR-10. (The deviations are means over images of the
    /// deviation within an image, not those of all pixels together.)
    pub fn cifar10() -> Self {
        Self { mean: vec![0.4914, 0.4822, 0.4465], std: vec![0.2023, 0.1994, 0.2010] }
    }

    /// The values commonly used for CIFAR-100.
    pub fn cifar100() -> Self {
        Self { mean: vec![0.5071, 0.4867, 0.4408], std: vec![0.2675, 0.2565, 0.2761] }
    }

    /// The values of `images`, summed exactly: the same on every machine.
    pub fn of(images: &Images) -> Self {
        let shape = images.shape;
        let sums = images
            .pixels
            .par_chunks_exact(shape.bytes().max(1))
            .map(|image| image.chunks_exact(shape.plane()).map(Sums::of).collect())
            .reduce(|| vec![Sums::default(); shape.channels], add);
        let count = (images.len() * shape.plane()) as u64;
        let (mean, std) = sums.iter().map(|sums| sums.moments(count)).unzip();
        Self { mean, std }
    }

    /// These values, if they can serve images of that many channels.
    ///
    /// # Errors
    /// [`Error::BadSetting`] if they are too few or too many, not finite, or a deviation is
    /// not above 0.
    pub(crate) fn checked(self, channels: usize) -> Result<Self> {
        let finite = self.mean.iter().chain(&self.std).all(|v| v.is_finite());
        let problem = if [self.mean.len(), self.std.len()] != [channels; 2] {
            "does not have one mean and one deviation for each channel"
        } else if !finite || self.std.iter().any(|&s| s <= 0.0) {
            "has a value that is not finite, or a deviation that is not above 0"
        } else {
            return Ok(self);
        };
        Err(Error::BadSetting { setting: "normalisation", problem })
    }
}

/// Sums over the bytes of a channel.
#[derive(Clone, Copy, Default)]
struct Sums {
    values: u64,
    squares: u64,
}

impl Sums {
    fn of(plane: &[u8]) -> Self {
        let mut sums = Self::default();
        for &byte in plane {
            sums.values += u64::from(byte);
            sums.squares += u64::from(byte) * u64::from(byte);
        }
        sums
    }

    /// Mean and standard deviation of `count` bytes scaled to [0, 1].
    fn moments(self, count: u64) -> (f32, f32) {
        let [n, values, squares] = [count, self.values, self.squares].map(u128::from);
        let spread = (n * squares).saturating_sub(values * values);
        let scale = 255.0 * (count.max(1) as f64);
        let std = (spread as f64).sqrt() / scale;
        ((values as f64 / scale) as f32, std.max(SMALLEST_STD) as f32)
    }
}

fn add(a: Vec<Sums>, b: Vec<Sums>) -> Vec<Sums> {
    let sum =
        |(a, b): (Sums, Sums)| Sums { values: a.values + b.values, squares: a.squares + b.squares };
    a.into_iter().zip(b).map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::super::ImageShape;
    use super::*;

    #[test]
    fn moments_are_those_of_the_pixels() {
        let shape = ImageShape { channels: 2, height: 1, width: 2 };
        let pixels = vec![0, 255, 7, 7, 255, 0, 7, 7];
        let n = Normalise::of(&Images { shape, pixels, labels: vec![0, 1] });
        assert_eq!((n.mean[0], n.std[0]), (0.5, 0.5));
        assert_eq!(n.mean[1], 7.0 / 255.0);
        assert_eq!(n.std[1], SMALLEST_STD as f32, "a flat channel");
    }

    #[test]
    fn unusable_values_are_refused() {
        assert!(Normalise::cifar10().checked(3).is_ok());
        assert!(Normalise::cifar100().checked(1).is_err());
        let with = |mean, std| Normalise { mean: vec![mean], std: vec![std] }.checked(1);
        assert!(with(0.5, 0.5).is_ok());
        assert!(with(0.5, 0.0).is_err());
        assert!(with(f32::NAN, 1.0).is_err());
    }
}
