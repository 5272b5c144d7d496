//! Labelled images of one shape, as bytes.

use crate::rng::Rng;
use serde::{Deserialize, Serialize};

/// Shape of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageShape {
    /// Channels: 3 (red, green, blue) or 1 (gray).
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl ImageShape {
    /// Bytes of an image.
    pub fn bytes(self) -> usize {
        self.channels * self.plane()
    }

    /// Bytes of one channel.
    pub(crate) fn plane(self) -> usize {
        self.height * self.width
    }
}

/// Labelled images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Shape of each.
    pub shape: ImageShape,
    /// Pixels `[N, C, H, W]`, row-major.
    pub pixels: Vec<u8>,
    /// Labels `[N]`.
    pub labels: Vec<u16>,
}

impl Images {
    /// No images yet.
    pub fn new(shape: ImageShape) -> Self {
        Self { shape, pixels: Vec::new(), labels: Vec::new() }
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels `[C, H, W]` of image `index`, which must be below [`Self::len`].
    pub fn image(&self, index: usize) -> &[u8] {
        let bytes = self.shape.bytes();
        &self.pixels[index * bytes..][..bytes]
    }

    /// A copy of the images at `indices`.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut pixels = Vec::with_capacity(indices.len() * self.shape.bytes());
        indices.iter().for_each(|&i| pixels.extend_from_slice(self.image(i)));
        let labels = indices.iter().map(|&i| self.labels[i]).collect();
        Self { shape: self.shape, pixels, labels }
    }

    /// The same images with a gray channel repeated three times; colours stay as they are.
    pub(super) fn with_three_channels(self) -> Self {
        if self.shape.channels != 1 {
            return self;
        }
        let planes = self.pixels.chunks_exact(self.shape.bytes().max(1));
        let pixels = planes.flat_map(|plane| plane.repeat(3)).collect();
        Self { shape: ImageShape { channels: 3, ..self.shape }, pixels, labels: self.labels }
    }

    /// Noise images, 3x32x32 in 10 classes: see [`Self::synthetic_shaped`].
    pub fn synthetic(count: usize, seed: u64) -> Self {
        Self::synthetic_shaped(ImageShape { channels: 3, height: 32, width: 32 }, 10, count, seed)
    }

    /// Noise images whose label shows as the brightness of the channels: enough for tests to
    /// learn something without a data set. At most 181 levels a channel can be told apart.
    pub fn synthetic_shaped(shape: ImageShape, classes: usize, count: usize, seed: u64) -> Self {
        let mut rng = Rng::new(seed, "synthetic images");
        let mut images = Self::new(shape);
        // Digits of the label, one a channel.
        let enough = |radix: &usize| radix.saturating_pow(shape.channels as u32) >= classes;
        let radix = (3..classes).find(enough).unwrap_or(classes.max(3));
        let step = (180 / (radix - 1)).max(1);
        let noise = (step * 2 / 3).max(1);
        for _ in 0..count {
            let mut label = rng.below(classes);
            images.labels.push(label as u16);
            for _ in 0..shape.channels {
                let base = step * (label % radix);
                label /= radix;
                let plane = (0..shape.plane()).map(|_| (base + rng.below(noise)).min(255) as u8);
                images.pixels.extend(plane);
            }
        }
        images
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthetic_images_follow_their_seed_and_label() {
        // Written out for three channels and ten classes.
        let mut rng = Rng::new(7, "synthetic images");
        let images = Images::synthetic(5, 7);
        for i in 0..5 {
            let label = rng.below(10);
            assert_eq!(usize::from(images.labels[i]), label);
            let levels = [label % 3, label / 3 % 3, label / 9];
            for (plane, level) in images.image(i).chunks(1024).zip(levels) {
                assert!(plane.iter().all(|&p| usize::from(p) == 90 * level + rng.below(60)));
            }
        }
    }

    #[test]
    fn synthetic_classes_stay_apart_in_one_channel() {
        let shape = ImageShape { channels: 1, height: 4, width: 4 };
        let images = Images::synthetic_shaped(shape, 10, 60, 1);
        assert_eq!((images.len(), images.pixels.len()), (60, 960));
        let max = |i| images.image(i).iter().copied().max();
        let min = |i| images.image(i).iter().copied().min();
        for (i, j) in (0..60).flat_map(|i| (0..60).map(move |j| (i, j))) {
            assert!(images.labels[i] >= images.labels[j] || max(i) < min(j));
        }
    }

    #[test]
    fn gray_becomes_three_equal_channels() {
        let shape = ImageShape { channels: 1, height: 1, width: 2 };
        let gray = Images { shape, pixels: vec![1, 2, 3, 4], labels: vec![0, 1] };
        let rgb = gray.with_three_channels();
        assert_eq!(rgb.image(1), [3, 4, 3, 4, 3, 4]);
        assert_eq!(rgb.clone().with_three_channels(), rgb);
    }
}
