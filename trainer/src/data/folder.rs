//! A folder of images a class: decoded, and brought to one shape.

use super::decode::{Header, fill, header};
use super::file::bad;
use super::listing::{Sample, list};
use super::split::Sets;
use super::{ImageShape, Images, LoadOptions};
use crate::{Error, Result};
use rayon::prelude::*;
use std::path::Path;

/// Most bytes of the pixels of all sets together.
const MAX_BYTES: usize = 16 << 30;

/// Name, classes and images of the folder `dir`, split before they are decoded.
///
/// # Errors
/// A folder or file cannot be read or is damaged, or the images are of different sizes and
/// no size is given.
pub(super) fn load(
    dir: &Path,
    options: &LoadOptions,
) -> Result<(String, Vec<String>, Sets<Images>)> {
    let listing = list(dir)?;
    let sets = listing.parts.settle(options)?;
    let shape = common_shape(&sets, options)?;
    let resize = options.size.is_some();
    let images = Sets {
        train: decode(&sets.train, shape, resize)?,
        validation: decode(&sets.validation, shape, resize)?,
        test: decode(&sets.test, shape, resize)?,
    };
    Ok((listing.name, listing.classes, images))
}

/// The shape that all images have or are brought to. Nothing is decoded before all headers
/// are known to agree.
fn common_shape(sets: &Sets<Vec<Sample>>, options: &LoadOptions) -> Result<ImageShape> {
    let samples: Vec<&Sample> =
        [&sets.train, &sets.validation, &sets.test].into_iter().flatten().collect();
    tracing::info!(images = samples.len(), "reading a folder of images");
    let headers: Vec<Header> =
        samples.par_iter().map(|sample| header(&sample.path)).collect::<Result<_>>()?;
    let (height, width) = match options.size {
        Some(size) => size,
        None => common_size(&samples, &headers)?,
    };
    let gray = !options.gray_to_rgb && headers.iter().all(|header| header.gray);
    let shape = ImageShape { channels: if gray { 1 } else { 3 }, height, width };
    let bytes = [samples.len(), shape.channels, height, width]
        .iter()
        .try_fold(1_usize, |n, &d| n.checked_mul(d));
    let fits = bytes.is_some_and(|n| (1..=MAX_BYTES).contains(&n));
    let problem = "gives images without pixels, or over 16 GiB of them";
    if fits { Ok(shape) } else { Err(Error::BadSetting { setting: "--size", problem }) }
}

fn common_size(samples: &[&Sample], headers: &[Header]) -> Result<(usize, usize)> {
    let size = |header: &Header| (header.height, header.width);
    let first = headers.first().map(size).unwrap_or_default();
    match headers.iter().position(|header| size(header) != first) {
        None => Ok(first),
        Some(i) => {
            let ((h, w), (height, width)) = (size(&headers[i]), first);
            let problem = format!(
                "{h} rows and {w} columns, other images have {height} and {width}: give one \
                 size to resize all to"
            );
            Err(bad(&samples[i].path, problem))
        }
    }
}

fn decode(samples: &[Sample], shape: ImageShape, resize: bool) -> Result<Images> {
    let mut pixels = vec![0; samples.len() * shape.bytes()];
    pixels
        .par_chunks_exact_mut(shape.bytes())
        .zip(samples)
        .try_for_each(|(out, sample)| fill(out, &sample.path, shape, resize))?;
    Ok(Images { shape, pixels, labels: samples.iter().map(|sample| sample.label).collect() })
}
