//! Normalised mini-batches, with crop and flip for training.

use crate::Result;
use crate::data::{IMAGE_BYTES, Images};
use crate::rng::Rng;
use crate::shape::{CHANNELS, SIDE};
use tch::Tensor;

/// Channel means of pixels scaled to [0, 1].
pub const MEAN: [f32; 3] = [0.4914, 0.4822, 0.4465];
/// Channel standard deviations of pixels scaled to [0, 1].
pub const STD: [f32; 3] = [0.2023, 0.1994, 0.2010];
/// Black pixels put around an image before a random crop.
const PAD: usize = 4;
const EDGE: usize = SIDE as usize;
const PLANE: usize = EDGE * EDGE;

/// A mini-batch.
#[derive(Debug)]
pub struct Batch {
    /// `[B, 3, 32, 32]`, f32, `(pixel / 255 - mean) / std`.
    pub images: Tensor,
    /// `[B]`, i64.
    pub labels: Tensor,
}

/// Where a crop is cut out of the padded image, and whether it is mirrored.
#[derive(Clone, Copy, Debug)]
struct View {
    down: usize,
    right: usize,
    flip: bool,
}

impl View {
    const WHOLE: Self = Self { down: PAD, right: PAD, flip: false };

    fn random(rng: &mut Rng) -> Self {
        let mut offset = || rng.below(2 * PAD + 1);
        let (down, right) = (offset(), offset());
        Self { down, right, flip: rng.below(2) == 1 }
    }
}

/// Turns bytes into normalised values.
#[derive(Debug)]
pub struct Normaliser {
    /// Value of each byte in each channel.
    table: [[f32; 256]; 3],
}

impl Default for Normaliser {
    fn default() -> Self {
        let value = |c: usize, byte: usize| (byte as f32 / 255.0 - MEAN[c]) / STD[c];
        Self { table: std::array::from_fn(|c| std::array::from_fn(|byte| value(c, byte))) }
    }
}

impl Normaliser {
    /// The images at `indices` as they are.
    ///
    /// # Errors
    /// libtorch refuses the tensors.
    pub fn plain(&self, images: &Images, indices: &[usize]) -> Result<Batch> {
        self.batch(images, indices, |_| View::WHOLE)
    }

    /// The images at `indices`, each cropped out of a black border of four pixels and
    /// mirrored with probability one half.
    ///
    /// # Errors
    /// libtorch refuses the tensors.
    pub fn augmented(&self, images: &Images, indices: &[usize], rng: &mut Rng) -> Result<Batch> {
        self.batch(images, indices, |_| View::random(rng))
    }

    fn batch(
        &self,
        images: &Images,
        indices: &[usize],
        mut view: impl FnMut(usize) -> View,
    ) -> Result<Batch> {
        let mut values = vec![0.0; indices.len() * IMAGE_BYTES];
        for (slot, &i) in values.chunks_exact_mut(IMAGE_BYTES).zip(indices) {
            self.write(slot, images.image(i), view(i));
        }
        let labels: Vec<i64> = indices.iter().map(|&i| i64::from(images.labels[i])).collect();
        let dims = [indices.len() as i64, CHANNELS, SIDE, SIDE];
        Ok(Batch {
            images: Tensor::f_from_slice(&values)?.f_view(dims)?,
            labels: Tensor::f_from_slice(&labels)?,
        })
    }

    /// Writes one view of `image` (three byte planes) to `out` (three planes of values).
    fn write(&self, out: &mut [f32], image: &[u8], view: View) {
        for (channel, table) in self.table.iter().enumerate() {
            let plane = &image[channel * PLANE..][..PLANE];
            let out = &mut out[channel * PLANE..][..PLANE];
            for (y, row) in out.chunks_exact_mut(EDGE).enumerate() {
                let from = (y + view.down).checked_sub(PAD).filter(|&r| r < EDGE);
                for (x, value) in row.iter_mut().enumerate() {
                    let x = if view.flip { EDGE - 1 - x } else { x };
                    let column = (x + view.right).checked_sub(PAD).filter(|&c| c < EDGE);
                    let byte = from.zip(column).map_or(0, |(r, c)| plane[r * EDGE + c]);
                    *value = table[usize::from(byte)];
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

    #[test]
    fn plain_batches_normalise() {
        let images = Images::synthetic(3, 1);
        let batch = Normaliser::default().plain(&images, &[2, 0]).expect("batch");
        assert_eq!(batch.images.size(), [2, 3, 32, 32]);
        let want = (f32::from(images.image(2)[PLANE]) / 255.0 - MEAN[1]) / STD[1];
        assert_eq!(values(&batch.images)[PLANE], want);
        assert_eq!(batch.labels.int64_value(&[1]), i64::from(images.labels[0]));
    }

    #[test]
    fn views_shift_and_mirror() {
        let images = Images::synthetic(1, 1);
        let (n, source) = (Normaliser::default(), images.image(0));
        let mut out = vec![0.0; IMAGE_BYTES];
        n.write(&mut out, source, View { down: 0, right: PAD, flip: false });
        assert_eq!(out[0], n.table[0][0], "rows above the image are black");
        assert_eq!(out[PAD * EDGE], n.table[0][usize::from(source[0])]);
        n.write(&mut out, source, View { down: PAD, right: PAD, flip: true });
        assert_eq!(out[EDGE - 1], n.table[0][usize::from(source[0])]);
    }

    #[test]
    fn augmentation_follows_the_seed() {
        let images = Images::synthetic(2, 1);
        let cut = |seed| {
            let mut rng = Rng::new(seed, "crop");
            values(
                &Normaliser::default().augmented(&images, &[0, 1], &mut rng).expect("batch").images,
            )
        };
        assert_eq!(cut(1), cut(1));
        assert_ne!(cut(1), cut(2));
    }
}
