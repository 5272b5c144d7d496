//! Damaged checkpoints: whatever the bytes, an answer and no panic.

use super::checkpoint::{Options, parse};
use crate::rng::Rng;
use std::path::PathBuf;

fn fixtures() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let entries = std::fs::read_dir(folder).expect("the folder of fixtures");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e != "json"));
    paths.sort();
    assert!(paths.len() >= 10, "the fixtures are all there");
    paths.into_iter().map(|p| (p.clone(), std::fs::read(p).expect("a fixture"))).collect()
}

/// Masks that are not binary are accepted here, so that mutations get past them.
const LENIENT: Options = Options { threshold: Some(0.01), width: None };

#[test]
fn files_cut_anywhere_are_refused() {
    for (path, bytes) in fixtures() {
        // All places in the small files, a sample of those in the others.
        let step = if bytes.len() < 5_000 { 1 } else { 97 };
        for cut in (0..bytes.len()).step_by(step) {
            assert!(parse(bytes[..cut].to_vec(), &LENIENT).is_err(), "{} at {cut}", path.display());
        }
        assert!(parse(bytes, &LENIENT).is_ok(), "{}", path.display());
    }
}

#[test]
fn files_with_changed_bytes_get_an_answer() {
    let mut rng = Rng::new(9, "mutations");
    let (mut refused, mut read) = (0, 0);
    for (_, original) in fixtures() {
        for _ in 0..400 {
            let mut bytes = original.clone();
            for _ in 0..1 + rng.below(4) {
                mutate(&mut bytes, &mut rng);
            }
            match parse(bytes, &LENIENT) {
                Ok(_) => read += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 1_000 && read > 100, "both happen: {refused} and {read}");
}

/// Changes, removes or doubles a few bytes; most often near the start, where the pickle is.
fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let range = if rng.below(3) > 0 { bytes.len().min(2_000) } else { bytes.len() };
    let at = rng.below(range);
    let end = (at + 1 + rng.below(8)).min(bytes.len());
    match rng.below(4) {
        0 => bytes[at] = rng.below(256) as u8,
        1 => bytes[at] ^= 1 << rng.below(8),
        2 => _ = bytes.drain(at..end),
        _ => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
    }
}
