//! Files of bounded length.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use crate::error::{Error, Result};

/// Reads a file that may not be longer than `limit` bytes, however long it says it is.
///
/// # Errors
/// [`Error::Input`] if it cannot be read or is longer.
pub fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|e| unreadable(path, &e))?;
    read_open(file, path, limit)
}

/// As [`read_limited`], for what has to be a file on a disk: a pipe that nobody writes to would be
/// waited for, and a device never ends.
///
/// # Errors
/// As [`read_limited`], and [`Error::Input`] if it is a folder, a pipe, a socket or a device.
pub fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>> {
    read_open(open_regular(path)?.0, path, limit)
}

/// Opens a file that has to be one on a disk; a link to one is followed.
pub(crate) fn open_regular(path: &Path) -> Result<(File, Metadata)> {
    let failed = |e: io::Error| unreadable(path, &e);
    // Looked at before it is opened, which may already do something to a device, and again after,
    // when nobody can replace it any more.
    check_regular(path, &std::fs::metadata(path).map_err(failed)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits() as i32,
    );
    let file = options.open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    check_regular(path, &metadata)?;
    Ok((file, metadata))
}

pub(crate) fn read_open(file: File, path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| unreadable(path, &e))?;
    if bytes.len() as u64 > limit {
        let at = path.display();
        return Err(Error::input(format!("`{at}` is over {limit} bytes: too large for its kind")));
    }
    Ok(bytes)
}

fn check_regular(path: &Path, metadata: &Metadata) -> Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let kind = if metadata.is_dir() { "a folder" } else { "a pipe, a socket or a device" };
    Err(Error::input(format!(
        "cannot read `{}`: it is {kind}, and a regular file is needed",
        path.display()
    )))
}

fn unreadable(path: &Path, e: &io::Error) -> Error {
    Error::input(format!("cannot read `{}`: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_limited() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, [7; 100]).unwrap();
        for read in [read_limited, read_regular] {
            assert_eq!(read(&path, 100).unwrap(), [7; 100]);
            assert!(read(&path, 99).unwrap_err().to_string().contains("too large"));
            let missing = read(&dir.path().join("none"), 1).unwrap_err();
            assert!(matches!(missing, Error::Input { what } if what.contains("none")));
        }
    }

    #[test]
    fn what_never_ends_is_read_to_the_limit() {
        assert!(
            read_limited(Path::new("/dev/zero"), 1000).unwrap_err().to_string().contains("1000")
        );
    }

    #[test]
    fn only_regular_files_are_regular() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        for path in [dir.path(), &pipe, &link, Path::new("/dev/zero")] {
            let refused = read_regular(path, 10).unwrap_err().to_string();
            assert!(refused.contains("a regular file is needed"), "{refused}");
        }
        let real = dir.path().join("real");
        std::fs::write(&real, "text").unwrap();
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert_eq!(read_regular(&link, 10).unwrap(), b"text");
    }
}
