//! Normalised mini-batches, with crop and flip for training.

use crate::data::{ImageShape, Images, Normalise};
use crate::rng::Rng;
use crate::{Error, Result};
use clap::ValueEnum;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

/// A mini-batch.
#[derive(Debug)]
pub struct Batch {
    /// `[B, C, H, W]`, f32, `(pixel / 255 - mean) / std`.
    pub images: Tensor,
    /// `[B]`, i64.
    pub labels: Tensor,
}

impl Batch {
    /// The batch on another device.
    #[must_use]
    pub fn to_device(self, device: Device) -> Self {
        if device == Device::Cpu {
            return self;
        }
        Self { images: self.images.to_device(device), labels: self.labels.to_device(device) }
    }
}

/// What lies around an image that a crop is cut out of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Black pixels (bytes of 0, normalised like all others).
    #[default]
    Zero,
    /// The image mirrored at its outermost pixels, which are not repeated.
    Reflect,
}

/// Random changes to training images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Augment {
    /// Pixels of border that a crop of the image's own size may reach into (0: no crop).
    pub crop: usize,
    /// What the border holds.
    pub padding: Padding,
    /// Whether images are mirrored left to right with probability one half.
    pub flip: bool,
}

impl Default for Augment {
    fn default() -> Self {
        Self { crop: 4, padding: Padding::Zero, flip: true }
    }
}

/// Where a crop is cut out of the image, and whether it is mirrored.
#[derive(Clone, Copy, Debug, Default)]
struct View {
    /// Rows and columns that the crop begins after the image's own corner.
    down: isize,
    right: isize,
    flip: bool,
    padding: Padding,
}

impl View {
    /// Draws as much for every kind of augmentation, so that the order of the next epoch
    /// does not depend on it.
    fn random(rng: &mut Rng, augment: Augment) -> Self {
        let mut offset = || rng.below(2 * augment.crop + 1) as isize - augment.crop as isize;
        let (down, right) = (offset(), offset());
        let flip = rng.below(2) == 1 && augment.flip;
        Self { down, right, flip, padding: augment.padding }
    }

    /// Row of the image that row `y` of the view shows, of `height`; none for black.
    fn row(self, y: usize, height: usize) -> Option<usize> {
        self.source(y as isize + self.down, height)
    }

    /// Column of the image that column `x` of the view shows, of `width`; none for black.
    fn column(self, x: usize, width: usize) -> Option<usize> {
        let x = if self.flip { width - 1 - x } else { x };
        self.source(x as isize + self.right, width)
    }

    fn source(self, at: isize, side: usize) -> Option<usize> {
        match self.padding {
            Padding::Zero => usize::try_from(at).ok().filter(|&at| at < side),
            Padding::Reflect => Some(reflect(at, side)),
        }
    }
}

/// The position in `0..side` that `at` falls on between two mirrors.
fn reflect(at: isize, side: usize) -> usize {
    // There and back again, without repeating either end.
    let period = (2 * side as isize - 2).max(1);
    let at = at.rem_euclid(period);
    at.min(period - at) as usize
}

/// Turns bytes into normalised values.
#[derive(Debug)]
pub struct Normaliser {
    /// Value of each byte in each channel.
    tables: Vec<[f32; 256]>,
}

impl Normaliser {
    /// A normaliser for images with as many channels as `normalise` has means.
    pub fn new(normalise: &Normalise) -> Self {
        let table = |(mean, std): (&f32, &f32)| {
            std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / std)
        };
        Self { tables: normalise.mean.iter().zip(&normalise.std).map(table).collect() }
    }

    /// The images at `indices` as they are.
    ///
    /// # Errors
    /// The images have another number of channels, or libtorch refuses the tensors.
    pub fn plain(&self, images: &Images, indices: &[usize]) -> Result<Batch> {
        self.batch(images, indices, &vec![View::default(); indices.len()])
    }

    /// The images at `indices`, each with a crop and a flip of its own. The same state of
    /// `rng` gives the same batch, on any number of threads.
    ///
    /// # Errors
    /// As [`Self::plain`].
    pub fn augmented(
        &self,
        images: &Images,
        indices: &[usize],
        rng: &mut Rng,
        augment: Augment,
    ) -> Result<Batch> {
        let views: Vec<View> = indices.iter().map(|_| View::random(rng, augment)).collect();
        self.batch(images, indices, &views)
    }

    fn batch(&self, images: &Images, indices: &[usize], views: &[View]) -> Result<Batch> {
        let shape = images.shape;
        if self.tables.len() != shape.channels {
            let problem = "is not for images of that many channels";
            return Err(Error::BadSetting { setting: "normalisation", problem });
        }
        let mut values = vec![0.0; indices.len() * shape.bytes()];
        values
            .par_chunks_exact_mut(shape.bytes().max(1))
            .zip(indices)
            .zip(views)
            .for_each(|((slot, &i), &view)| self.write(slot, images.image(i), shape, view));
        let labels: Vec<i64> = indices.iter().map(|&i| i64::from(images.labels[i])).collect();
        let dims = [indices.len(), shape.channels, shape.height, shape.width].map(|d| d as i64);
        Ok(Batch {
            images: Tensor::f_from_slice(&values)?.f_view(dims)?,
            labels: Tensor::f_from_slice(&labels)?,
        })
    }

    /// Writes one view of `image` (byte planes) to `out` (planes of values).
    fn write(&self, out: &mut [f32], image: &[u8], shape: ImageShape, view: View) {
        let (plane, width) = (shape.plane(), shape.width);
        let columns: Vec<_> = (0..width).map(|x| view.column(x, width)).collect();
        let planes = out.chunks_exact_mut(plane).zip(image.chunks_exact(plane));
        for ((out, image), table) in planes.zip(&self.tables) {
            for (y, out) in out.chunks_exact_mut(width).enumerate() {
                let Some(row) = view.row(y, shape.height) else {
                    out.fill(table[0]);
                    continue;
                };
                let row = &image[row * width..][..width];
                for (value, column) in out.iter_mut().zip(&columns) {
                    *value = table[usize::from(column.map_or(0, |c| row[c]))];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(tensor: &Tensor) -> Vec<f32> {
        Vec::try_from(tensor.flatten(0, -1)).expect("f32 values")
    }

    /// Leaves bytes as they are: 255 times a value scaled to [0, 1].
    fn identity(channels: usize) -> Normaliser {
        let std = vec![1.0 / 255.0; channels];
        Normaliser::new(&Normalise { mean: vec![0.0; channels], std })
    }

    /// The view of the image of three rows and four columns with bytes 1 to 12.
    fn seen(view: View) -> Vec<i32> {
        let shape = ImageShape { channels: 1, height: 3, width: 4 };
        let image: Vec<u8> = (1..=12).collect();
        let mut out = vec![-1.0; 12];
        identity(1).write(&mut out, &image, shape, view);
        out.iter().map(|v| v.round() as i32).collect()
    }

    #[test]
    fn plain_batches_normalise() {
        let images = Images::synthetic(3, 1);
        let normalise = Normalise::cifar10();
        let batch = Normaliser::new(&normalise).plain(&images, &[2, 0]).expect("batch");
        assert_eq!(batch.images.size(), [2, 3, 32, 32]);
        let byte = f32::from(images.image(2)[1024]);
        let want = (byte / 255.0 - normalise.mean[1]) / normalise.std[1];
        assert_eq!(values(&batch.images)[1024], want);
        assert_eq!(batch.labels.int64_value(&[1]), i64::from(images.labels[0]));
    }

    #[test]
    fn shapes_other_than_square_keep_their_pixels() {
        let shape = ImageShape { channels: 2, height: 3, width: 5 };
        let images = Images::synthetic_shaped(shape, 4, 3, 1);
        let batch = identity(2).plain(&images, &[0, 1, 2]).expect("batch");
        assert_eq!(batch.images.size(), [3, 2, 3, 5]);
        let bytes = values(&batch.images).into_iter().map(|v| v.round() as u8);
        assert!(bytes.eq(images.pixels.iter().copied()));
        assert!(identity(3).plain(&images, &[0]).is_err(), "other channels");
    }

    #[test]
    fn views_shift_over_black() {
        let at = |down, right| seen(View { down, right, ..View::default() });
        assert_eq!(at(0, 0), (1..=12).collect::<Vec<_>>());
        assert_eq!(at(-1, 0), [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(at(0, 2), [3, 4, 0, 0, 7, 8, 0, 0, 11, 12, 0, 0]);
        assert_eq!(at(3, 0), [0; 12]);
    }

    #[test]
    fn views_shift_into_the_reflection() {
        let padding = Padding::Reflect;
        let at = |down, right| seen(View { down, right, padding, flip: false });
        assert_eq!(at(-1, 0), [5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(at(0, 2), [3, 4, 3, 2, 7, 8, 7, 6, 11, 12, 11, 10]);
        assert_eq!(at(0, -2), [3, 2, 1, 2, 7, 6, 5, 6, 11, 10, 9, 10]);
        // Borders wider than the image go on between the mirrors.
        assert_eq!(
            (-6..=6).map(|i| reflect(i, 3)).collect::<Vec<_>>(),
            [2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]
        );
        assert_eq!(reflect(-3, 1), 0);
    }

    #[test]
    fn views_mirror_the_shifted_image() {
        let flip = |right| seen(View { right, flip: true, ..View::default() });
        assert_eq!(flip(0), [4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9]);
        assert_eq!(flip(1), [0, 4, 3, 2, 0, 8, 7, 6, 0, 12, 11, 10]);
    }

    fn cut(seed: u64, augment: Augment) -> Vec<f32> {
        let images = Images::synthetic(9, 1);
        let mut rng = Rng::new(seed, "crop");
        let order: Vec<usize> = (0..9).rev().collect();
        values(&identity(3).augmented(&images, &order, &mut rng, augment).expect("batch").images)
    }

    #[test]
    fn augmentation_follows_the_seed_and_the_options() {
        let all = Augment::default();
        assert_eq!(cut(1, all), cut(1, all));
        assert_ne!(cut(1, all), cut(2, all));
        assert_ne!(cut(1, all), cut(1, Augment { padding: Padding::Reflect, ..all }));
        let none = Augment { crop: 0, flip: false, ..all };
        assert_eq!(cut(1, none), cut(2, none));
        assert_ne!(cut(1, none), cut(1, Augment { flip: true, ..none }));
    }

    #[test]
    fn augmentation_is_the_same_on_any_number_of_threads() {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
            pool.install(|| cut(3, Augment::default()))
        };
        assert_eq!(on(1), on(2));
        assert_eq!(on(1), on(7));
    }
}
