//! Test images from the official CIFAR-10 binaries.

use std::path::{Path, PathBuf};

use image::ExtendedColorType;
use tacita_image_input::{Pixels, read_cifar};
use tacita_protocol::{Error, Result};

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
    let write = |(i, (class, pixels)): (usize, (usize, Pixels))| {
        Ok(Labelled { path: write_png(&pixels, i, dir)?, class })
    };
    test_pixels(data, n)?.into_iter().enumerate().map(write).collect()
}

/// The first `n` test images with their classes.
///
/// # Errors
/// As [`test_images`].
pub fn test_pixels(data: &Path, n: usize) -> Result<Vec<(usize, Pixels)>> {
    let file = data.join("test_batch.bin");
    let images = read_cifar(&file).map_err(|e| {
        Error::input(format!("{e}; DATA is the folder of the official CIFAR-10 binaries"))
    })?;
    if images.len() < n {
        let (have, at) = (images.len(), file.display());
        return Err(Error::input(format!("{at} holds {have} images, {n} are asked for")));
    }
    Ok(images.into_iter().take(n).map(|(class, pixels)| (usize::from(class), pixels)).collect())
}

/// Writes image `index` of a list into `dir`.
///
/// # Errors
/// `Local` if the file cannot be written.
pub fn write_png(pixels: &Pixels, index: usize, dir: &Path) -> Result<PathBuf> {
    let path = dir.join(format!("test-{index:05}.png"));
    let (width, height) = (pixels.width as u32, pixels.height as u32);
    image::save_buffer(&path, &pixels.rgb, width, height, ExtendedColorType::Rgb8)
        .map_err(|e| Error::local(format!("{}: {e}", path.display())))?;
    Ok(path)
}
