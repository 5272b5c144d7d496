//! The official binary batches of CIFAR-10 and CIFAR-100.

use std::path::Path;

use tacita_protocol::{Error, Result};

use crate::{Pixels, read_limited};

/// Rows and columns of an image.
const SIDE: usize = 32;
const BYTES: usize = 3 * SIDE * SIDE;
/// Largest batch file, in bytes (the CIFAR-100 training file is 154 MB).
const MAX_FILE_BYTES: u64 = 256 << 20;

/// Labels (fine ones) and images of a CIFAR-10 or CIFAR-100 binary batch file.
///
/// # Errors
/// [`Error::Input`] if the file is missing or its length fits neither format.
pub fn read_cifar(path: &Path) -> Result<Vec<(u8, Pixels)>> {
    let bytes = read_limited(path, MAX_FILE_BYTES)?;
    let Some(labels) = [1, 2].into_iter().find(|l| bytes.len() % (BYTES + l) == 0) else {
        return Err(Error::input(format!(
            "`{}` is no CIFAR binary batch (records of 3073 or 3074 bytes) and no folder of images",
            path.display()
        )));
    };
    let records = bytes.chunks_exact(BYTES + labels);
    records
        .map(|r| {
            let (label, planes) = r.split_at(labels);
            let label = label.last().copied().unwrap_or_default();
            Ok((label, Pixels::new(SIDE, SIDE, interleave(planes))?))
        })
        .collect()
}

/// Channel planes to pixels.
fn interleave(planes: &[u8]) -> Vec<u8> {
    let plane = planes.len() / 3;
    (0..plane)
        .flat_map(|i| (0..3).filter_map(move |c| planes.get(c * plane + i)))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_of_both_kinds_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("batch.bin");
        let mut planes = vec![10; 1024];
        planes.extend([20; 1024]);
        planes.extend([30; 1024]);
        for header in [vec![7], vec![1, 7]] {
            std::fs::write(&path, [header, planes.clone()].concat()).unwrap();
            let records = read_cifar(&path).unwrap();
            assert_eq!((records.len(), records[0].0), (1, 7));
            assert_eq!(records[0].1.rgb[..3], [10, 20, 30]);
        }
        std::fs::write(&path, [0; 100]).unwrap();
        assert!(read_cifar(&path).unwrap_err().to_string().contains("3073"));
    }
}
