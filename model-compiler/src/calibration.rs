//! What value ranges come from: images of a folder, a CIFAR binary batch or a NumPy archive, arrays,
//! the model itself, or drawn images.

mod arrays;
mod npz;

use std::path::{Path, PathBuf};

use tacita_image_input::{Pixels, Sample, is_npy, read_cifar};
use tacita_protocol::plan::Shape;

use crate::draw::splitmix;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::ranges::Ranges;

/// Images that the compiler measures on: value ranges, unless they are given, and what
/// quantisation does to the logits.
#[derive(Clone, Debug, Default)]
pub struct Calibration {
    /// The images, or arrays, all of the network's size.
    pub images: Vec<Sample>,
    /// The class of each image; empty if unknown.
    pub labels: Vec<usize>,
    /// The file of each image; empty if they have none of their own.
    pub names: Vec<String>,
    /// Where they come from, for the report.
    pub source: String,
    /// Ranges must hold for any image, not for these: bounds are computed from the weights.
    pub any_image: bool,
    /// Ranges measured earlier; the images then serve to check the logits alone.
    pub ranges: Option<Ranges>,
}

/// Extensions of picture files.
const PICTURES: &[&str] = &["png", "jpg", "jpeg"];
/// Those of a folder's files that are read: pictures, and arrays.
const FILES: &[&str] = &["png", "jpg", "jpeg", "npy"];

/// Which part of a data set that has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `data_batch_*.bin` or `train.bin` of a CIFAR folder, `train_images` of an archive.
    Train,
    /// `test_batch.bin` or `test.bin`, `test_images`.
    Test,
}

/// Images of any size.
struct Labelled {
    images: Vec<Sample>,
    /// Empty if unknown.
    labels: Vec<usize>,
    /// Empty if they are in one file.
    names: Vec<String>,
}

impl Calibration {
    /// Deterministic drawn images: ramps, boxes and noise. Better than nothing; real images give
    /// tighter and more trustworthy ranges.
    pub fn synthetic(shape: Shape, count: usize) -> Self {
        let images = Self::pictures(shape, count).into_iter().map(Sample::from).collect();
        let source = format!("{count} drawn images");
        Self { images, source, ..Self::default() }
    }

    /// The pictures of [`Self::synthetic`].
    pub fn pictures(shape: Shape, count: usize) -> Vec<Pixels> {
        (0..count).map(|i| draw(shape, i as u64)).collect()
    }

    /// The ranges that the model file carries, beside `count` drawn images for the checks; `None`
    /// if it carries none.
    ///
    /// # Errors
    /// [`Error::Input`] if the ranges are damaged or another network's.
    pub fn stored(network: &Network, count: usize) -> Result<Option<Self>> {
        let ranges = Ranges::stored(network)?;
        Ok(ranges.map(|r| {
            let largest = r.largest().first().copied().unwrap_or(1.0);
            Self { ranges: Some(r), ..Self::drawn_up_to(network, count, largest) }
        }))
    }

    /// What [`Self::synthetic`] draws for a network of pictures; for one of arrays, numbers from -1
    /// to 1 (what its input tensor holds, that is).
    pub fn drawn(network: &Network, count: usize) -> Self {
        Self::drawn_up_to(network, count, 1.0)
    }

    fn drawn_up_to(network: &Network, count: usize, largest: f32) -> Self {
        if !network.graph_input.arrays_only {
            return Self::synthetic(network.input, count);
        }
        let images = (0..count).map(|i| arrays::draw(network, i as u64, largest)).collect();
        let source = format!("{count} drawn arrays");
        Self { images, source, ..Self::default() }
    }

    /// [`Self::read`] of training images.
    ///
    /// # Errors
    /// As there.
    pub fn from_path(path: &Path, shape: Shape, limit: usize, resize: bool) -> Result<Self> {
        Self::read(path, Part::Train, shape, limit, resize)
    }

    /// At most `limit` images from a folder of PNG and JPEG files or one of these, a CIFAR batch
    /// file or the folder of those, or a NumPy archive (`.npz`), of which the last two know their
    /// labels; or arrays in the network's own units: a `.npy` file of one or of many (the first
    /// dimension counts them), a folder of such files, or an archive of floats.
    ///
    /// # Errors
    /// [`Error::Input`] if there are none, or one is unreadable or of another size.
    pub fn read(path: &Path, part: Part, shape: Shape, limit: usize, resize: bool) -> Result<Self> {
        let Labelled { images, labels, names } = match batches(path, part)? {
            _ if has_extension(path, &["npz"]) => npz::read(path, part, limit)?,
            _ if is_npy(path) => arrays::read(path, shape, limit)?,
            _ if has_extension(path, PICTURES) => pictures(&[path.to_owned()], shape, resize)?,
            Some(batches) => cifar(&batches, limit)?,
            None if path.is_dir() => {
                let files = files_with(path, FILES)?;
                pictures(files.get(..limit).unwrap_or(&files), shape, resize)?
            }
            None => cifar(&[path.to_owned()], limit)?,
        };
        if images.is_empty() {
            return Err(Error::input(format!("no images in {}", path.display())));
        }
        let fit = |s: Sample| s.fit(shape, resize).map_err(|e| about(path, e));
        let images = images.into_iter().map(fit).collect::<Result<Vec<_>>>()?;
        // The file's name alone: this text may travel in a model.
        let name = path.file_name().map_or("a folder".into(), |n| n.to_string_lossy());
        let what = if images.iter().any(|s| s.picture().is_none()) { "arrays" } else { "images" };
        let source = format!("{} {what} of {name}", images.len());
        Ok(Self { images, labels, names, source, any_image: false, ranges: None })
    }
}

/// The batch files of a CIFAR folder; `None` if it is none.
fn batches(path: &Path, part: Part) -> Result<Option<Vec<PathBuf>>> {
    if !path.is_dir() {
        return Ok(None);
    }
    let wanted = match part {
        Part::Train => ["data_batch_", "train.bin"],
        Part::Test => ["test_batch.bin", "test.bin"],
    };
    let files = files_with(path, &["bin"])?;
    let name = |p: &PathBuf| p.file_name().map(|n| n.to_string_lossy().into_owned());
    let is_wanted = |p: &PathBuf| name(p).is_some_and(|n| wanted.iter().any(|w| n.starts_with(w)));
    let files: Vec<PathBuf> = files.into_iter().filter(is_wanted).collect();
    Ok(Some(files).filter(|f| !f.is_empty()))
}

fn cifar(batches: &[PathBuf], limit: usize) -> Result<Labelled> {
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for path in batches {
        let left = limit.saturating_sub(images.len());
        for (label, pixels) in read_cifar(path)?.into_iter().take(left) {
            labels.push(usize::from(label));
            images.push(pixels.into());
        }
    }
    Ok(Labelled { images, labels, names: Vec::new() })
}

fn pictures(files: &[PathBuf], shape: Shape, resize: bool) -> Result<Labelled> {
    let load = |p: &PathBuf| -> Result<Sample> {
        Ok(if is_npy(p) { Sample::load(p)? } else { Pixels::load_for(p, shape, resize)?.into() })
    };
    let images = files.iter().map(load).collect::<Result<_>>()?;
    let names = files.iter().map(|p| p.display().to_string()).collect();
    Ok(Labelled { images, labels: Vec::new(), names })
}

fn about(path: &Path, e: tacita_protocol::Error) -> Error {
    Error::input(format!("`{}`: {e}", path.display()))
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    extension.is_some_and(|e| extensions.contains(&e.as_str()))
}

/// Files of a folder by extension, sorted by name.
fn files_with(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>> {
    let failed = |e| Error::input(format!("cannot read {}: {e}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if has_extension(&path, extensions) {
            files.push(path);
        }
    }
    // The order of a directory listing is not stable; the plan must be.
    files.sort();
    Ok(files)
}

/// A ramp, three boxes and some noise, in colours that the seed draws.
fn draw(shape: Shape, seed: u64) -> Pixels {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = |n: usize| (splitmix(&mut state) % n.max(1) as u64) as usize;
    let (w, h) = (shape.width, shape.height);
    let (from, to) = ([next(256), next(256), next(256)], [next(256), next(256), next(256)]);
    let boxes = [(); 3].map(|()| {
        let (x, y) = (next(w), next(h));
        (x..x + 1 + next(w / 2), y..y + 1 + next(h / 2), [next(256), next(256), next(256)])
    });
    let noise = 1 + next(48);
    let mut rgb = Vec::with_capacity(3 * w * h);
    for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
        let inside = boxes.iter().find(|(bx, by, _)| bx.contains(&x) && by.contains(&y));
        for c in 0..3 {
            let ramp = (from[c] * (w + h - x - y) + to[c] * (x + y)) / (w + h).max(1);
            let base = inside.map_or(ramp, |(_, _, colour)| colour[c]);
            rgb.push((base + next(noise)).saturating_sub(noise / 2).min(255) as u8);
        }
    }
    Pixels { width: w, height: h, rgb }
}

#[cfg(test)]
mod tests;
