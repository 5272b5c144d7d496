//! Telling the layouts of data sets apart.

use super::{Normalise, cifar, idx, listing, medmnist};
use crate::{Error, Result};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Layout of a data set's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Official binary files of CIFAR-10: data_batch_1..5.bin and test_batch.bin.
    #[value(name = "cifar10")]
    Cifar10,
    /// Official binary files of CIFAR-100: train.bin and test.bin.
    #[value(name = "cifar100")]
    Cifar100,
    /// MNIST, Fashion-MNIST and others as train-images-idx3-ubyte and so on, plain or gzipped.
    #[value(name = "idx")]
    Idx,
    /// A MedMNIST archive (.npz).
    #[value(name = "medmnist")]
    MedMnist,
    /// PNG and JPEG files, a folder for each class: train/CLASS/FILE, optionally val/ and
    /// test/, or CLASS/FILE; TinyImageNet as distributed.
    #[value(name = "folder")]
    Folder,
}

impl Format {
    const ALL: [Self; 5] = [Self::MedMnist, Self::Cifar10, Self::Cifar100, Self::Idx, Self::Folder];

    /// Where this layout begins, if it is at `path`.
    fn find(self, path: &Path) -> Option<PathBuf> {
        match self {
            Self::Cifar10 => cifar::find(path, &cifar::TEN),
            Self::Cifar100 => cifar::find(path, &cifar::HUNDRED),
            Self::Idx => idx::find(path),
            Self::MedMnist => medmnist::find(path),
            Self::Folder => listing::find(path),
        }
    }

    /// What marks this layout.
    fn marks(self) -> &'static str {
        match self {
            Self::Cifar10 => {
                "data_batch_1.bin and test_batch.bin, there or in cifar-10-batches-bin"
            }
            Self::Cifar100 => "train.bin and test.bin, there or in cifar-100-binary",
            Self::Idx => "train-images-idx3-ubyte and t10k-images-idx3-ubyte, plain or .gz",
            Self::MedMnist => "a .npz file, or a folder with exactly one",
            Self::Folder => "PNG or JPEG files in train/CLASS/ or in CLASS/",
        }
    }

    /// Normalisation that the literature uses for it.
    pub(super) fn published(self) -> Option<Normalise> {
        match self {
            Self::Cifar10 => Some(Normalise::cifar10()),
            Self::Cifar100 => Some(Normalise::cifar100()),
            Self::Idx | Self::MedMnist | Self::Folder => None,
        }
    }
}

/// The layout at `path` (only `format`, if given) and the folder or file it begins at.
///
/// # Errors
/// There is nothing at `path`, or [`Error::NoImages`] if it is not laid out like that.
pub(super) fn locate(path: &Path, format: Option<Format>) -> Result<(Format, PathBuf)> {
    std::fs::metadata(path).map_err(Error::io(path))?;
    let tried = format.map_or_else(|| Format::ALL.to_vec(), |format| vec![format]);
    let found = tried.iter().find_map(|&format| Some((format, format.find(path)?)));
    found.ok_or_else(|| Error::NoImages {
        path: path.to_owned(),
        looked_for: tried.iter().map(|f| f.marks()).collect::<Vec<_>>().join("; "),
    })
}
