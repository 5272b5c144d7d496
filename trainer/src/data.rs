//! Labelled images: reading the usual data sets, splitting them, and describing them.
//!
//! Every format ends in the same three sets. Networks are chosen by the validation images
//! alone; the test images are only ever reported on.

mod cifar;
mod decode;
mod file;
mod folder;
mod format;
mod idx;
mod images;
mod listing;
mod medmnist;
mod names;
mod normalise;
mod note;
mod split;
#[cfg(test)]
mod tests;

pub use format::Format;
pub use images::{ImageShape, Images};
pub use normalise::Normalise;
pub use note::{DataNote, describe};
pub use split::Holdout;

use crate::{Error, Result};
use split::{Parts, Sets};
use std::path::Path;

/// The three sets of a run, and what a network has to know about them.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Name for reports: `cifar10`, or the name of the folder or archive.
    pub name: String,
    /// Names of the classes, in the order of the labels.
    pub classes: Vec<String>,
    /// Trained on.
    pub train: Images,
    /// Held out of the training set, to choose between epochs.
    pub validation: Images,
    /// Reported on, never chosen by.
    pub test: Images,
    /// How pixels become network inputs.
    pub normalise: Normalise,
    /// SHA-256 in hexadecimal over shape, labels and pixels of the three sets in order.
    pub hash: String,
}

/// How a data set is read and split.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Layout of the files; found out from what lies there if not given.
    pub format: Option<Format>,
    /// What the validation images are.
    pub validation: Holdout,
    /// Most images of each set (0: no limit). For trying things out.
    pub limit: usize,
    /// Seed of every split that the data set does not bring along.
    pub seed: u64,
    /// Normalisation; if not given the published one for CIFAR, else that of the training
    /// images.
    pub normalise: Option<Normalise>,
    /// Rows and columns to resize the images of a folder to. Without it all must agree; the
    /// other formats are never resized.
    pub size: Option<(usize, usize)>,
    /// Whether gray images are given three equal channels.
    pub gray_to_rgb: bool,
}

/// Images as the files have them: named, but not yet split by the options.
struct Raw {
    name: String,
    classes: Vec<String>,
    parts: Parts<Images>,
}

impl Dataset {
    /// Reads the data set at `path`: a folder, or an archive of MedMNIST.
    ///
    /// # Errors
    /// Nothing known lies there, a file is missing or damaged (the error names it), or the
    /// options leave a set without images.
    pub fn load(path: &Path, options: &LoadOptions) -> Result<Self> {
        let (format, at) = format::locate(path, options.format)?;
        let raw = match format {
            Format::Cifar10 => cifar::read(&at, &cifar::TEN)?,
            Format::Cifar100 => cifar::read(&at, &cifar::HUNDRED)?,
            Format::Idx => idx::read(&at)?,
            Format::MedMnist => medmnist::read(&at)?,
            Format::Folder => {
                let (name, classes, sets) = folder::load(&at, options)?;
                return Self::finish(name, classes, sets, options.normalise.clone());
            }
        };
        check_size(&raw.parts.train, options)?;
        let mut sets = raw.parts.settle(options)?;
        if options.gray_to_rgb {
            sets = sets.map(Images::with_three_channels);
        }
        let normalise = options.normalise.clone().or_else(|| format.published());
        Self::finish(raw.name, raw.classes, sets, normalise)
    }

    /// Splits `all` into training and validation images by seed, with the classes numbered
    /// and the normalisation taken from the training images.
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
        let (train, validation) = split::hold_out(all, validation, limit, seed)?;
        let classes = names::numbered(all.labels.iter().chain(&test.labels));
        let sets = Sets { train, validation, test: split::cap(test, limit) };
        Self::finish("synthetic".to_owned(), classes, sets, None)
    }

    /// A set without images: what has to be known of images that are not at hand. The name is
    /// `unknown` and the classes are numbered.
    ///
    /// # Errors
    /// The normalisation does not fit the channels.
    pub fn unknown(shape: ImageShape, classes: usize, normalise: Normalise) -> Result<Self> {
        let none = || Images::new(shape);
        let sets = Sets { train: none(), validation: none(), test: none() };
        let classes = (0..classes).map(|class| class.to_string()).collect();
        Self::finish("unknown".to_owned(), classes, sets, Some(normalise))
    }

    fn finish(
        name: String,
        classes: Vec<String>,
        sets: Sets<Images>,
        normalise: Option<Normalise>,
    ) -> Result<Self> {
        let Sets { train, validation, test } = sets;
        let normalise = match normalise {
            Some(given) => given.checked(train.shape.channels)?,
            None => Normalise::of(&train),
        };
        let hash = note::hash(&[&train, &validation, &test]);
        Ok(Self { name, classes, train, validation, test, normalise, hash })
    }

    /// The shape that all images have.
    pub fn shape(&self) -> ImageShape {
        self.train.shape
    }
}

/// Refuses a size other than the one the images have: only folders are resized.
fn check_size(images: &Images, options: &LoadOptions) -> Result<()> {
    let have = (images.shape.height, images.shape.width);
    if options.size.is_some_and(|size| size != have) {
        let problem = "is not the size of the images, and only folders of images are resized";
        return Err(Error::BadSetting { setting: "--size", problem });
    }
    Ok(())
}
