//! The files of MNIST (LeCun 1998) and of sets in its layout, such as Fashion-MNIST.
//!
//! A file is a magic number (two zeros, the element type, the number of dimensions), the
//! dimensions as big-endian u32, then bytes in row-major order.

use super::file::{bad, name_of, open, read_error, rest, volume};
use super::split::Parts;
use super::{ImageShape, Images, Raw, names};
use crate::Result;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Element type: unsigned byte.
const BYTE: u8 = 8;
/// Most bytes of a file, unpacked (EMNIST, the largest in this layout, has 0.6 GB).
const MAX_BYTES: usize = 1 << 30;

/// `path`, if one of the files is there.
pub(super) fn find(path: &Path) -> Option<PathBuf> {
    let any = ["train", "t10k"].iter().any(|set| file(path, set, "images", 3).is_file());
    any.then(|| path.to_owned())
}

/// Reads the four files in `dir`. Classes are numbered, unless `classes.txt` names them.
///
/// # Errors
/// One is missing or damaged, or they do not belong together.
pub(super) fn read(dir: &Path) -> Result<Raw> {
    let train = set(dir, "train")?;
    let test = set(dir, "t10k")?;
    if test.shape != train.shape {
        let problem = "its images have another size than the training images";
        return Err(bad(&file(dir, "t10k", "images", 3), problem));
    }
    let numbered = names::numbered(train.labels.iter());
    names::check(&test.labels, numbered.len(), &file(dir, "t10k", "labels", 1), "test set")?;
    let classes = names::listed(dir, &[], numbered.len())?.unwrap_or(numbered);
    let parts = Parts { train, validation: None, test: Some(test) };
    Ok(Raw { name: name_of(dir), classes, parts })
}

/// The file as it is called in `dir`; its first name if there is none.
fn file(dir: &Path, set: &str, kind: &str, dims: usize) -> PathBuf {
    let names = ["-", "."].into_iter().flat_map(|dash| {
        ["", ".gz"].map(|end| dir.join(format!("{set}-{kind}{dash}idx{dims}-ubyte{end}")))
    });
    let first = dir.join(format!("{set}-{kind}-idx{dims}-ubyte"));
    names.into_iter().find(|path| path.is_file()).unwrap_or(first)
}

fn set(dir: &Path, set: &str) -> Result<Images> {
    let (dims, pixels) = array::<3>(&file(dir, set, "images", 3))?;
    let path = file(dir, set, "labels", 1);
    let ([count], labels) = array::<1>(&path)?;
    if count != dims[0] {
        return Err(bad(&path, format!("{count} labels for {} images", dims[0])));
    }
    let shape = ImageShape { channels: 1, height: dims[1], width: dims[2] };
    Ok(Images { shape, pixels, labels: labels.into_iter().map(u16::from).collect() })
}

/// Dimensions and bytes of a file of `N` dimensions.
fn array<const N: usize>(path: &Path) -> Result<([usize; N], Vec<u8>)> {
    let mut reader = open(path)?;
    let mut word = || -> Result<[u8; 4]> {
        let mut word = [0; 4];
        reader.read_exact(&mut word).map_err(read_error(path))?;
        Ok(word)
    };
    let magic = word()?;
    if magic != [0, 0, BYTE, N as u8] {
        let problem =
            format!("begins with {magic:02x?}: not an idx file of bytes in {N} dimensions");
        return Err(bad(path, problem));
    }
    let mut dims = [0; N];
    for dim in &mut dims {
        *dim = u32::from_be_bytes(word()?) as usize;
    }
    let len = volume(&dims, MAX_BYTES, path)?;
    Ok((dims, rest(reader, len, path)?))
}
