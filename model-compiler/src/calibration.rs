//! What value ranges come from: images of a folder or a CIFAR binary batch, the model itself, or
//! drawn images.

use std::path::{Path, PathBuf};

use tacet_image_input::{Pixels, read_cifar};
use tacet_protocol::plan::Shape;

use crate::error::{Error, Result};
use crate::network::Network;
use crate::ranges::Ranges;

/// Images that the compiler measures on: value ranges, unless they are given, and what
/// quantisation does to the logits.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// The images, all of the network's size.
    pub images: Vec<Pixels>,
    /// Where they come from, for the report.
    pub source: String,
    /// Ranges measured earlier; the images then serve to check the logits alone.
    pub ranges: Option<Ranges>,
}

impl Calibration {
    /// Deterministic drawn images: ramps, boxes and noise. Better than nothing; real images give
    /// tighter and more trustworthy ranges.
    pub fn synthetic(shape: Shape, count: usize) -> Self {
        let images = (0..count).map(|i| draw(shape, i as u64)).collect();
        Self { images, source: format!("{count} drawn images"), ranges: None }
    }

    /// The ranges that the model file carries, beside `count` drawn images for the checks; `None`
    /// if it carries none.
    ///
    /// # Errors
    /// [`Error::Input`] if the ranges are damaged or another network's.
    pub fn stored(network: &Network, count: usize) -> Result<Option<Self>> {
        let ranges = Ranges::stored(network)?;
        Ok(ranges.map(|r| Self { ranges: Some(r), ..Self::synthetic(network.input, count) }))
    }

    /// At most `limit` images from a folder of PNG and JPEG files, or from a CIFAR batch file.
    ///
    /// # Errors
    /// [`Error::Input`] if there are none, or one is unreadable or of another size.
    pub fn from_path(path: &Path, shape: Shape, limit: usize, resize: bool) -> Result<Self> {
        let images = if path.is_dir() {
            let files = image_files(path)?;
            let decode = |p: &PathBuf| Pixels::load(p)?.fit(shape, resize).map_err(|e| about(p, e));
            files.iter().take(limit).map(decode).collect::<Result<Vec<_>>>()?
        } else {
            let batch = read_cifar(path)?.into_iter().take(limit);
            batch.map(|(_, p)| Ok(p.fit(shape, resize)?)).collect::<Result<Vec<_>>>()?
        };
        if images.is_empty() {
            return Err(Error::input(format!("no PNG or JPEG images in {}", path.display())));
        }
        // The file's name alone: this text may travel in a model.
        let name = path.file_name().map_or("a folder".into(), |n| n.to_string_lossy());
        let source = format!("{} images of {name}", images.len());
        Ok(Self { images, source, ranges: None })
    }
}

fn about(path: &Path, e: tacet_protocol::Error) -> Error {
    Error::input(format!("`{}`: {e}", path.display()))
}

fn image_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |e| Error::input(format!("cannot read {}: {e}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        if extension.is_some_and(|e| ["png", "jpg", "jpeg"].contains(&e.as_str())) {
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

/// SplitMix64 (Steele, Lea, Flood 2014): reproducible drawing, nothing secret.
pub(crate) fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_images_are_reproducible_and_varied() {
        let shape = Shape::new(3, 8, 8);
        let (a, b) = (Calibration::synthetic(shape, 3), Calibration::synthetic(shape, 3));
        assert_eq!(a.images, b.images);
        assert_ne!(a.images[0], a.images[1]);
    }
}
