//! Files of bounded length.

use crate::{Error, Result};
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

/// A data file that cannot be used.
pub(super) fn bad(path: &Path, problem: impl Into<String>) -> Error {
    Error::BadData { path: path.to_owned(), problem: problem.into() }
}

/// Tells damage to a file's contents from a failure to read it.
pub(super) fn read_error(path: &Path) -> impl FnOnce(std::io::Error) -> Error + '_ {
    |e| match e.kind() {
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
            bad(path, format!("truncated or damaged: {e}"))
        }
        _ => Error::io(path)(e),
    }
}

/// All bytes of a file that may not be longer than `limit`.
///
/// # Errors
/// It cannot be read, or is longer.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(Error::io(path))?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(Error::io(path))?;
    if bytes.len() as u64 > limit {
        return Err(bad(path, format!("over {limit} bytes: too large for its kind")));
    }
    Ok(bytes)
}

/// The text of a file of names.
///
/// # Errors
/// It cannot be read, is longer than `limit`, or is not text.
pub(super) fn text(path: &Path, limit: u64) -> Result<String> {
    String::from_utf8(read(path, limit)?).map_err(|_| bad(path, "is not UTF-8 text"))
}

/// A reader of the contents, unpacked if the name ends in `.gz`.
///
/// # Errors
/// The file cannot be opened.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>> {
    let file = BufReader::new(File::open(path).map_err(Error::io(path))?);
    let packed = path.extension().is_some_and(|end| end == "gz");
    Ok(if packed { Box::new(flate2::bufread::MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// The rest of `reader`, which must be `len` bytes. Memory grows with what is there, not
/// with what a header announces.
///
/// # Errors
/// The rest is shorter or longer, or unpacking fails.
pub(super) fn rest(reader: impl Read, len: usize, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(len as u64 + 1).read_to_end(&mut bytes).map_err(read_error(path))?;
    if bytes.len() < len {
        let have = bytes.len();
        return Err(bad(path, format!("truncated: {have} of the {len} bytes it announces")));
    }
    if bytes.len() > len {
        return Err(bad(path, format!("goes on after the {len} bytes it announces")));
    }
    Ok(bytes)
}

/// Product of the dimensions that a header announces, none of them 0.
///
/// # Errors
/// A dimension is 0, or they announce more than `limit` bytes.
pub(super) fn volume(dims: &[usize], limit: usize, path: &Path) -> Result<usize> {
    let volume = dims.iter().try_fold(1_usize, |n, &d| n.checked_mul(d));
    match volume.filter(|&n| n <= limit) {
        Some(0) => Err(bad(path, "announces no data")),
        Some(n) => Ok(n),
        None => Err(bad(path, format!("announces {dims:?} bytes: more than {limit} in all"))),
    }
}

/// Name of a folder, or of a file without its ending.
pub(super) fn name_of(path: &Path) -> String {
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = if full.is_dir() { full.file_name() } else { full.file_stem() };
    name.map_or_else(|| "images".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_limited() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("file.bin");
        std::fs::write(&path, [7; 100]).expect("written");
        assert_eq!(read(&path, 100).expect("read"), [7; 100]);
        assert!(read(&path, 99).expect_err("too long").to_string().contains("file.bin"));
        assert_eq!(rest([1_u8, 2].as_slice(), 2, &path).expect("read"), [1, 2]);
        let message = |len| rest([1_u8, 2].as_slice(), len, &path).expect_err("len").to_string();
        assert!(message(3).contains("truncated: 2 of the 3"));
        assert!(message(1).contains("goes on"));
        assert!(text(&dir.path().join("none"), 1).is_err());
        assert_eq!(name_of(&path), "file");
    }

    #[test]
    fn volumes_do_not_overflow() {
        let path = Path::new("file");
        assert_eq!(volume(&[3, 4], 12, path).expect("volume"), 12);
        for dims in [[3, 5].as_slice(), &[3, 0], &[usize::MAX, usize::MAX]] {
            assert!(volume(dims, 12, path).is_err());
        }
    }
}
