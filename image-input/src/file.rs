//! Files of bounded length.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use tacita_protocol::{Error, Result};

/// Reads a file that may not be longer than `limit` bytes.
///
/// # Errors
/// [`Error::Input`] if it cannot be read or is longer.
pub fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let failed = |e| Error::input(format!("cannot read `{}`: {e}", path.display()));
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        let at = path.display();
        return Err(Error::input(format!("`{at}` is over {limit} bytes: too large for its kind")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_limited() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, [7; 100]).unwrap();
        assert_eq!(read_limited(&path, 100).unwrap(), [7; 100]);
        assert!(read_limited(&path, 99).unwrap_err().to_string().contains("too large"));
        let missing = read_limited(&dir.path().join("none"), 1).unwrap_err();
        assert!(matches!(missing, Error::Input { what } if what.contains("none")));
    }
}
