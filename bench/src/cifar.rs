//! Test images from the official CIFAR-10 binaries.

use std::fs;
use std::path::{Path, PathBuf};

use image::RgbImage;
use tacet_protocol::{Error, Result};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const RECORD: usize = 1 + 3 * PLANE;

/// An image file and its true class.
pub struct Labelled {
    /// A PNG of the image.
    pub path: PathBuf,
    /// Its class.
    pub class: usize,
}

/// Writes the first `n` test images as PNG files into `dir`.
///
/// # Errors
/// `Input` if `data` holds no CIFAR-10 test batch or too few images.
pub fn test_images(data: &Path, n: usize, dir: &Path) -> Result<Vec<Labelled>> {
    let file = data.join("test_batch.bin");
    let bytes = fs::read(&file).map_err(|e| {
        Error::input(format!(
            "cannot read {}: {e}; DATA is the folder of the official CIFAR-10 binaries",
            file.display()
        ))
    })?;
    let records = bytes.chunks_exact(RECORD);
    if !records.remainder().is_empty() || records.len() < n {
        return Err(Error::input(format!(
            "{} holds {} images of 3x32x32, {n} are asked for",
            file.display(),
            records.len()
        )));
    }
    records.take(n).enumerate().map(|(i, record)| write_png(record, i, dir)).collect()
}

fn write_png(record: &[u8], index: usize, dir: &Path) -> Result<Labelled> {
    let (class, planes) = record.split_first().unwrap_or((&0, &[]));
    let value =
        |channel: usize, at: usize| planes.get(channel * PLANE + at).copied().unwrap_or_default();
    let image = RgbImage::from_fn(SIDE as u32, SIDE as u32, |x, y| {
        let at = y as usize * SIDE + x as usize;
        image::Rgb([value(0, at), value(1, at), value(2, at)])
    });
    let path = dir.join(format!("test-{index:05}.png"));
    image.save(&path).map_err(|e| Error::local(format!("{}: {e}", path.display())))?;
    Ok(Labelled { path, class: usize::from(*class) })
}
