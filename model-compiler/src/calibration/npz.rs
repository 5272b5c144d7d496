//! Images and labels of NumPy archives, in the layout of MedMNIST (Yang et al. 2023) or plainly
//! named.

use std::fmt::Display;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use npyz::Order;
use tacita_image_input::{Pixels, Sample, npy_header};
use zip::ZipArchive;

use super::{Labelled, Part};
use crate::error::{Error, Result};

/// Most bytes of an array that are read.
const MAX_BYTES: usize = 2 << 30;

type Archive = ZipArchive<BufReader<File>>;

/// The first items of an array in row-major order.
struct Array {
    /// Items in all, and the dimensions of one.
    dims: Vec<usize>,
    /// NumPy's name of the type.
    kind: String,
    bytes: Vec<u8>,
}

/// At most `limit` images of the archive's `part`, with their labels if it has one an image.
pub(super) fn read(path: &Path, part: Part, limit: usize) -> Result<Labelled> {
    let at = |e: &dyn Display| Error::input(format!("`{}`: {e}", path.display()));
    let file = File::open(path).map_err(|e| at(&e))?;
    let mut archive = ZipArchive::new(BufReader::new(file))
        .map_err(|e| at(&format!("not a whole NumPy archive: {e}")))?;
    let sets = match part {
        Part::Train => ["train_", "", "test_"],
        Part::Test => ["test_", "", "train_"],
    };
    let images = sets.iter().flat_map(|s| match *s {
        "" => vec![("images".to_owned(), "labels".to_owned()), ("x".to_owned(), "y".to_owned())],
        s => vec![(format!("{s}images"), format!("{s}labels"))],
    });
    let has =
        |archive: &Archive, name: &str| archive.file_names().any(|n| n == format!("{name}.npy"));
    let found = images.into_iter().find(|(images, _)| has(&archive, images));
    let Some((images, labels)) = found else {
        return Err(at(&"no array `images`, `x`, `train_images` or `test_images` in it"));
    };
    let pixels = member(&mut archive, &images, limit).and_then(|a| samples(&a));
    let pixels = pixels.map_err(|e| at(&format!("`{images}`: {e}")))?;
    let mut classes = Vec::new();
    if has(&archive, &labels) {
        let read = member(&mut archive, &labels, limit).and_then(|a| integers(&a));
        classes = read.map_err(|e| at(&format!("`{labels}`: {e}")))?;
        if classes.len() != pixels.len() && !classes.is_empty() {
            let (labels, images) = (classes.len(), pixels.len());
            return Err(at(&format!("{labels} labels for {images} images")));
        }
    }
    Ok(Labelled { images: pixels, labels: classes, names: Vec::new() })
}

/// The first `limit` items of one array.
fn member(archive: &mut Archive, name: &str, limit: usize) -> std::result::Result<Array, String> {
    let mut reader = archive.by_name(&format!("{name}.npy")).map_err(|e| e.to_string())?;
    let header = npy_header(&mut reader)?;
    if header.order() != Order::C {
        return Err("not in row-major order: save it with numpy.ascontiguousarray".into());
    }
    let kind = header.dtype().descr();
    let size = header.dtype().num_bytes().unwrap_or(1);
    let dims = header.shape().iter().map(|&d| usize::try_from(d).unwrap_or(usize::MAX));
    let mut dims: Vec<usize> = dims.collect();
    if let Some(items) = dims.first_mut() {
        *items = (*items).min(limit);
    }
    let len = dims.iter().try_fold(size, |n, d| n.checked_mul(*d)).filter(|n| *n <= MAX_BYTES);
    let len = len.ok_or("over 2 GiB: take fewer images with -n")?;
    let mut bytes = Vec::new();
    reader.take(len as u64).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() < len {
        return Err("shorter than its header says".into());
    }
    Ok(Array { dims, kind, bytes })
}

/// Images, or arrays of floats.
fn samples(a: &Array) -> std::result::Result<Vec<Sample>, String> {
    match super::arrays::items(&a.dims, &a.kind, &a.bytes) {
        Some(arrays) => arrays.map_err(|e| e.to_string()),
        None => pixels(a).map(|all| all.into_iter().map(Sample::from).collect()),
    }
}

/// `[N, H, W]`, `[N, H, W, 1 or 3]` or `[N, 1 or 3, H, W]` bytes as images; grey ones get three
/// equal channels.
fn pixels(a: &Array) -> std::result::Result<Vec<Pixels>, String> {
    if a.kind != "'|u1'" {
        return Err(format!("images of type {}: uint8 is needed, or floats for arrays", a.kind));
    }
    let (height, width, channels, [pixel, channel]) = match a.dims[..] {
        [_, h, w] => (h, w, 1, [1, 0]),
        [_, h, w, c @ (1 | 3)] => (h, w, c, [c, 1]),
        [_, c @ (1 | 3), h, w] => (h, w, c, [1, h * w]),
        _ => {
            return Err(format!("shape {:?}, not [N, H, W], [N, H, W, 3] or [N, 3, H, W]", a.dims));
        }
    };
    let size = height * width * channels;
    let one = |image: &[u8]| {
        let at = |i: usize| (0..3).map(move |c| i * pixel + c.min(channels - 1) * channel);
        let rgb = (0..height * width).flat_map(at).filter_map(|i| image.get(i).copied()).collect();
        Pixels::new(width, height, rgb).map_err(|e| e.to_string())
    };
    a.bytes.chunks_exact(size.max(1)).map(one).collect()
}

/// One label an image; none at all for several labels an image, which are another task.
fn integers(a: &Array) -> std::result::Result<Vec<usize>, String> {
    if !matches!(a.dims[..], [_] | [_, 1]) {
        return Ok(Vec::new());
    }
    let size = match a.kind.as_str() {
        "'|u1'" | "'|i1'" => 1,
        "'<u2'" | "'<i2'" => 2,
        "'<u4'" | "'<i4'" => 4,
        "'<u8'" | "'<i8'" => 8,
        kind => return Err(format!("labels of type {kind}: integers are needed")),
    };
    let value = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |x, b| x << 8 | u64::from(*b));
    Ok(a.bytes.chunks_exact(size).map(|b| value(b) as usize).collect())
}
