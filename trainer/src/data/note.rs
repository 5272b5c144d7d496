//! What reports and files say about the data.

use super::{Dataset, ImageShape, Images};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A data set without its images: enough to tell later what a network was trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DataNote {
    /// Name of the data set.
    pub name: String,
    /// SHA-256 of its images: see [`Dataset::hash`].
    pub hash: String,
    /// How many classes.
    pub classes: usize,
    /// Shape of an image.
    pub shape: ImageShape,
    /// Training images.
    pub train: usize,
    /// Validation images.
    pub validation: usize,
    /// Test images.
    pub test: usize,
    /// Mean of each channel, of pixels scaled to [0, 1].
    pub mean: Vec<f32>,
    /// Standard deviation of each channel, of pixels scaled to [0, 1].
    pub std: Vec<f32>,
}

impl Dataset {
    /// The note for this data set.
    pub fn note(&self) -> DataNote {
        DataNote {
            name: self.name.clone(),
            hash: self.hash.clone(),
            classes: self.classes.len(),
            shape: self.shape(),
            train: self.train.len(),
            validation: self.validation.len(),
            test: self.test.len(),
            mean: self.normalise.mean.clone(),
            std: self.normalise.std.clone(),
        }
    }
}

/// The data set in two lines for people.
pub fn describe(dataset: &Dataset) -> String {
    let note = dataset.note();
    let ImageShape { channels, height, width } = note.shape;
    format!(
        "{}: {channels}x{height}x{width}, {} classes; {} training, {} validation, {} test images\n\
         mean {:.4?}, deviation {:.4?}, SHA-256 {}",
        note.name,
        note.classes,
        note.train,
        note.validation,
        note.test,
        note.mean,
        note.std,
        note.hash
    )
}

/// SHA-256 in hexadecimal over each set: channels, rows, columns and number of images as
/// little-endian u64, then labels as little-endian u16, then pixels.
pub(super) fn hash(sets: &[&Images]) -> String {
    let mut hash = Sha256::new();
    for set in sets {
        let ImageShape { channels, height, width } = set.shape;
        for number in [channels, height, width, set.len()] {
            hash.update((number as u64).to_le_bytes());
        }
        hash.update(set.labels.iter().flat_map(|label| label.to_le_bytes()).collect::<Vec<u8>>());
        hash.update(&set.pixels);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
