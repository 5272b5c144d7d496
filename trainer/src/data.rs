//! CIFAR-10 in its official binary layout.
//!
//! A file holds records of 3,073 bytes: a label, then 3x32x32 pixels as red, green and blue
//! planes. Part of the training set is held out to choose between models; the test set is
//! only ever reported on.

use crate::rng::Rng;
use crate::shape::{CHANNELS, CLASSES, SIDE};
use crate::{Error, Result};
use std::path::Path;

/// Bytes of an image.
pub const IMAGE_BYTES: usize = (CHANNELS * SIDE * SIDE) as usize;
const RECORD_BYTES: usize = 1 + IMAGE_BYTES;

/// Labelled images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// Pixels `[N, 3, 32, 32]`, row-major.
    pub pixels: Vec<u8>,
    /// Labels `[N]`, below 10.
    pub labels: Vec<u8>,
}

impl Images {
    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of image `index`: three planes of 32x32.
    pub fn image(&self, index: usize) -> &[u8] {
        &self.pixels[index * IMAGE_BYTES..][..IMAGE_BYTES]
    }

    /// Reads one binary file and appends its records.
    ///
    /// # Errors
    /// The file cannot be read, its length is not a multiple of a record, or a label is not
    /// below 10.
    pub fn append_file(&mut self, path: &Path) -> Result<()> {
        let bytes = std::fs::read(path).map_err(Error::io(path))?;
        let bad = |problem| Error::BadData { path: path.to_owned(), problem };
        if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD_BYTES) {
            return Err(bad("length is not a positive multiple of 3073 bytes"));
        }
        for record in bytes.chunks_exact(RECORD_BYTES) {
            if usize::from(record[0]) >= CLASSES.len() {
                return Err(bad("a label is not below 10"));
            }
            self.labels.push(record[0]);
            self.pixels.extend_from_slice(&record[1..]);
        }
        Ok(())
    }

    /// A copy of the images at `indices`.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut chosen = Self::default();
        for &i in indices {
            chosen.labels.push(self.labels[i]);
            chosen.pixels.extend_from_slice(self.image(i));
        }
        chosen
    }

    /// Noise images whose label shows as the brightness of the three colours: enough for
    /// tests to learn something without a data set.
    pub fn synthetic(count: usize, seed: u64) -> Self {
        let mut rng = Rng::new(seed, "synthetic images");
        let mut images = Self::default();
        for _ in 0..count {
            let label = rng.below(CLASSES.len());
            images.labels.push(label as u8);
            for level in [label % 3, label / 3 % 3, label / 9] {
                let base = 90 * level;
                let plane = (0..IMAGE_BYTES / 3).map(|_| (base + rng.below(60)) as u8);
                images.pixels.extend(plane);
            }
        }
        images
    }
}

/// The three sets of a run.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Trained on.
    pub train: Images,
    /// Held out of the training set, to choose between epochs.
    pub validation: Images,
    /// Reported on, never chosen by.
    pub test: Images,
}

impl Dataset {
    /// Reads `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin` from `dir` and
    /// holds `validation` random training images out. `limit` caps the images of each set
    /// (0 means no cap).
    ///
    /// # Errors
    /// A file is missing or malformed, or no training image is left.
    pub fn load(dir: &Path, validation: usize, limit: usize, seed: u64) -> Result<Self> {
        let mut all = Images::default();
        for part in 1..=5 {
            all.append_file(&dir.join(format!("data_batch_{part}.bin")))?;
        }
        let mut test = Images::default();
        test.append_file(&dir.join("test_batch.bin"))?;
        Self::split(&all, test, validation, limit, seed)
    }

    /// Splits `all` into training and validation images by seed.
    ///
    /// # Errors
    /// No training image would be left, or there is nothing to validate on.
    pub fn split(
        all: &Images,
        test: Images,
        validation: usize,
        limit: usize,
        seed: u64,
    ) -> Result<Self> {
        if validation == 0 || validation >= all.len() {
            return Err(Error::BadSetting {
                setting: "--validation",
                problem: "leaves no image to validate on or to train on",
            });
        }
        let mut order: Vec<usize> = (0..all.len()).collect();
        Rng::new(seed, "validation split").shuffle(&mut order);
        let (held, rest) = order.split_at(validation);
        let cap = |n: usize| if limit == 0 { n } else { n.min(limit) };
        let first: Vec<usize> = (0..cap(test.len())).collect();
        Ok(Self {
            train: all.select(&rest[..cap(rest.len())]),
            validation: all.select(&held[..cap(held.len())]),
            test: test.select(&first),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_records_and_refuses_others() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("test_batch.bin");
        let mut bytes = vec![7_u8];
        bytes.extend((0..IMAGE_BYTES).map(|i| i as u8));
        std::fs::write(&path, bytes.repeat(2)).expect("written");
        let mut images = Images::default();
        images.append_file(&path).expect("two records");
        assert_eq!(images.labels, [7, 7]);
        assert_eq!(images.image(1)[..3], [0, 1, 2]);
        std::fs::write(&path, &bytes[1..]).expect("written");
        assert!(matches!(images.append_file(&path), Err(Error::BadData { .. })));
        bytes[0] = 10;
        std::fs::write(&path, &bytes).expect("written");
        assert!(matches!(images.append_file(&path), Err(Error::BadData { .. })));
        assert!(images.append_file(&dir.path().join("absent")).is_err());
    }

    #[test]
    fn split_is_disjoint_and_seeded() {
        let all = Images::synthetic(50, 1);
        let split =
            |seed| Dataset::split(&all, Images::synthetic(5, 2), 10, 0, seed).expect("split");
        let a = split(1);
        assert_eq!((a.train.len(), a.validation.len(), a.test.len()), (40, 10, 5));
        assert_eq!(a.validation, split(1).validation);
        assert_ne!(a.validation, split(2).validation);
        for i in 0..10 {
            assert!((0..40).all(|j| a.train.image(j) != a.validation.image(i)));
        }
        assert!(Dataset::split(&all, Images::default(), 50, 0, 1).is_err());
    }
}
