//! The official binary files of CIFAR-10 and CIFAR-100 (Krizhevsky 2009).
//!
//! A record is a label (CIFAR-100: a coarse and a fine one), then 3x32x32 pixels as red,
//! green and blue planes.

use super::file::{self, bad};
use super::split::Parts;
use super::{ImageShape, Images, Raw, names};
use crate::Result;
use std::path::{Path, PathBuf};

const SHAPE: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };
/// The classes of CIFAR-10 in the order of the labels.
pub(super) const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
/// Largest file, in bytes (the CIFAR-100 training file is 154 MB).
const MAX_FILE_BYTES: u64 = 256 << 20;

/// What tells the two apart.
pub(super) struct Layout {
    name: &'static str,
    /// Folder that the official archive unpacks to.
    folder: &'static str,
    train: &'static [&'static str],
    test: &'static str,
    /// File of class names in the official archive.
    names: &'static str,
    /// How many labels of each kind; the last kind is used.
    labels: &'static [u8],
}

/// CIFAR-10.
pub(super) const TEN: Layout = Layout {
    name: "cifar10",
    folder: "cifar-10-batches-bin",
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    names: "batches.meta.txt",
    labels: &[10],
};

/// CIFAR-100.
pub(super) const HUNDRED: Layout = Layout {
    name: "cifar100",
    folder: "cifar-100-binary",
    train: &["train.bin"],
    test: "test.bin",
    names: "fine_label_names.txt",
    labels: &[20, 100],
};

impl Layout {
    fn known_classes(&self) -> Vec<String> {
        if self.labels.len() == 1 {
            return CLASSES.map(str::to_owned).to_vec();
        }
        names::CIFAR100.split_whitespace().map(str::to_owned).collect()
    }
}

/// The folder with at least one of the files: `path` or the one the archive unpacks to.
pub(super) fn find(path: &Path, layout: &Layout) -> Option<PathBuf> {
    let any = |dir: &PathBuf| {
        let mut files = layout.train.iter().chain([&layout.test]);
        files.any(|file| dir.join(file).is_file())
    };
    [path.to_owned(), path.join(layout.folder)].into_iter().find(any)
}

/// Reads all files in `dir`.
///
/// # Errors
/// One is missing or damaged.
pub(super) fn read(dir: &Path, layout: &Layout) -> Result<Raw> {
    let mut train = Images::new(SHAPE);
    for file in layout.train {
        append(&mut train, &dir.join(file), layout.labels)?;
    }
    let mut test = Images::new(SHAPE);
    append(&mut test, &dir.join(layout.test), layout.labels)?;
    let known = layout.known_classes();
    let classes = names::listed(dir, &[layout.names], known.len())?.unwrap_or(known);
    let parts = Parts { train, validation: None, test: Some(test) };
    Ok(Raw { name: layout.name.to_owned(), classes, parts })
}

/// Appends the records of one file; `kinds` is how many labels of each kind there are.
fn append(images: &mut Images, path: &Path, kinds: &[u8]) -> Result<()> {
    let bytes = file::read(path, MAX_FILE_BYTES)?;
    let record = kinds.len() + SHAPE.bytes();
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
        let have = bytes.len();
        let problem = format!("truncated: {have} bytes are no whole records of {record} bytes");
        return Err(bad(path, problem));
    }
    for (i, record) in bytes.chunks_exact(record).enumerate() {
        let (labels, pixels) = record.split_at(kinds.len());
        if let Some((label, kind)) = labels.iter().zip(kinds).find(|(label, kind)| label >= kind) {
            let problem = format!("label {label} of record {i} is not below {kind}");
            return Err(bad(path, problem));
        }
        images.labels.extend(labels.last().map(|&label| u16::from(label)));
        images.pixels.extend_from_slice(pixels);
    }
    Ok(())
}
