//! Archives of MedMNIST (Yang et al. 2023): a zip of NumPy arrays `train_images`,
//! `train_labels`, and the same for `val` and `test`.

use super::file::{bad, name_of, rest, volume};
use super::split::Parts;
use super::{ImageShape, Images, Raw, names};
use crate::{Error, Result};
use npyz::{NpyHeader, Order};
use std::fmt::Display;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// Most bytes of an array, unpacked.
const MAX_BYTES: usize = 2 << 30;
/// Magic number, version and length of the header of a NumPy file.
const PREFIX: usize = 10;
/// Longest header; NumPy writes 118 bytes for four dimensions.
const MAX_HEADER: usize = 256;
/// Fewer digits than this in a header: no product of its numbers overflows.
const MAX_DIGITS: usize = 19;

type Archive = ZipArchive<BufReader<File>>;

/// An array of bytes in row-major order.
struct Array {
    dims: Vec<usize>,
    bytes: Vec<u8>,
}

/// The archive: `path` itself, or the only one in that folder.
pub(super) fn find(path: &Path) -> Option<PathBuf> {
    let archive = |path: &PathBuf| path.is_file() && path.extension().is_some_and(|e| e == "npz");
    if !path.is_dir() {
        return Some(path.to_owned()).filter(archive);
    }
    let entries = path.read_dir().ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut archives = entries.filter(archive);
    archives.next().filter(|_| archives.next().is_none())
}

/// Reads the archive. Classes are numbered, unless `classes.txt` beside it names them.
///
/// # Errors
/// It is damaged, lacks an array, or an array is not of the layout.
pub(super) fn read(path: &Path) -> Result<Raw> {
    let file = File::open(path).map_err(Error::io(path))?;
    let mut archive = ZipArchive::new(BufReader::new(file))
        .map_err(|e| bad(path, format!("not a whole zip archive: {e}")))?;
    let [train, validation, test] =
        ["train", "val", "test"].map(|name| set(&mut archive, name, path));
    let (train, validation, test) = (train?, validation?, test?);
    if [validation.shape, test.shape] != [train.shape; 2] {
        return Err(bad(path, "its sets have images of different sizes"));
    }
    let numbered = names::numbered(train.labels.iter());
    names::check(&validation.labels, numbered.len(), path, "val_labels")?;
    names::check(&test.labels, numbered.len(), path, "test_labels")?;
    let dir = path.parent().unwrap_or(Path::new("."));
    let classes = names::listed(dir, &[], numbered.len())?.unwrap_or(numbered);
    let parts = Parts { train, validation: Some(validation), test: Some(test) };
    Ok(Raw { name: name_of(path), classes, parts })
}

fn set(archive: &mut Archive, set: &str, path: &Path) -> Result<Images> {
    let images = member(archive, &format!("{set}_images"), path)?;
    let labels = member(archive, &format!("{set}_labels"), path)?;
    let (height, width, channels) = match images.dims[..] {
        [_, height, width] => (height, width, 1),
        [_, height, width, channels @ (1 | 3)] => (height, width, channels),
        _ => return Err(shape_error(path, set, "images", &images, "[N, H, W] or [N, H, W, 3]")),
    };
    if !matches!(labels.dims[..], [_] | [_, 1]) {
        return Err(shape_error(path, set, "labels", &labels, "[N, 1]: one label an image"));
    }
    if labels.dims[0] != images.dims[0] {
        let (labels, images) = (labels.dims[0], images.dims[0]);
        return Err(bad(path, format!("{set}: {labels} labels for {images} images")));
    }
    let shape = ImageShape { channels, height, width };
    let pixels = if channels == 1 { images.bytes } else { planes(&images.bytes, shape) };
    Ok(Images { shape, pixels, labels: labels.bytes.into_iter().map(u16::from).collect() })
}

fn shape_error(path: &Path, set: &str, kind: &str, array: &Array, want: &str) -> Error {
    bad(path, format!("{set}_{kind} has shape {:?}, not {want}", array.dims))
}

/// `[N, H, W, C]` to `[N, C, H, W]`.
fn planes(bytes: &[u8], shape: ImageShape) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for image in bytes.chunks_exact(shape.bytes()) {
        for channel in 0..shape.channels {
            out.extend(image.iter().skip(channel).step_by(shape.channels));
        }
    }
    out
}

/// Reads one array, of unsigned bytes.
fn member(archive: &mut Archive, name: &str, path: &Path) -> Result<Array> {
    let name = format!("{name}.npy");
    let broken = |e: &dyn Display| bad(path, format!("{name}: {e}"));
    let mut reader = archive.by_name(&name).map_err(|e| broken(&e))?;
    let header = header(&mut reader).map_err(|e| broken(&e))?;
    if header.dtype().descr() != "'|u1'" || header.order() != Order::C {
        return Err(broken(&"not an array of unsigned bytes in row-major order"));
    }
    // Saturated dimensions are over the limit.
    let dims = header.shape().iter().map(|&d| usize::try_from(d).unwrap_or(usize::MAX));
    let dims: Vec<usize> = dims.collect();
    let len = volume(&dims, MAX_BYTES, path);
    // What fails here is the member's fault, also where the archive's checksums fail.
    let bytes = len.and_then(|len| rest(reader, len, path)).map_err(|e| match e {
        Error::Io { source, .. } => broken(&source),
        Error::BadData { problem, .. } => broken(&problem),
        other => other,
    })?;
    Ok(Array { dims, bytes })
}

/// Reads a header of a length and with numbers that cannot harm.
fn header(reader: &mut impl Read) -> std::io::Result<NpyHeader> {
    let refuse = |problem| std::io::Error::new(std::io::ErrorKind::InvalidData, problem);
    let mut bytes = vec![0; PREFIX];
    reader.read_exact(&mut bytes)?;
    if !bytes.starts_with(b"\x93NUMPY\x01\x00") {
        return Err(refuse("not a NumPy array of format 1.0"));
    }
    let len = usize::from(u16::from_le_bytes([bytes[PREFIX - 2], bytes[PREFIX - 1]]));
    if len > MAX_HEADER {
        return Err(refuse("a header that is too long"));
    }
    bytes.resize(PREFIX + len, 0);
    reader.read_exact(&mut bytes[PREFIX..])?;
    let text = &bytes[PREFIX..];
    let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
    if !text.is_ascii() || digits >= MAX_DIGITS {
        return Err(refuse("a header with absurd numbers"));
    }
    NpyHeader::from_reader(bytes.as_slice())
}
