//! Files of results: bounded reading, atomic writing.

use super::{ModelCard, Study};
use crate::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest file that is read: thousands of runs with their histories fit.
const MAX_BYTES: u64 = 64 << 20;

/// Reads all studies (`*.json`) directly in a folder, sorted by file name.
///
/// # Errors
/// The folder or a file cannot be read, or a file is damaged; the error names it.
pub fn read_dir(path: &Path) -> Result<Vec<(String, Study)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(Error::io(path))? {
        let file = entry.map_err(Error::io(path))?.path();
        if file.extension().is_some_and(|e| e == "json") && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    let name = |file: &PathBuf| {
        file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    };
    files.iter().map(|file| Ok((name(file), read(file)?))).collect()
}

/// Reads one study.
///
/// # Errors
/// The file cannot be read, or holds no study.
pub fn read(path: &Path) -> Result<Study> {
    let study: Study = read_json(path)?;
    sound(path, study.problem())?;
    Ok(study)
}

/// Writes a study as JSON; a reader sees the old file or the new, never half of one.
///
/// # Errors
/// The file cannot be written, or [`read`] would refuse it.
pub fn write(path: &Path, study: &Study) -> Result<()> {
    sound(path, study.problem())?;
    write_json(path, study)
}

/// Reads the card of an exported network.
///
/// # Errors
/// The file cannot be read, or holds no card.
pub fn read_card(path: &Path) -> Result<ModelCard> {
    let card: ModelCard = read_json(path)?;
    sound(path, card.problem())?;
    Ok(card)
}

/// Writes the card of an exported network, as [`write()`] does.
///
/// # Errors
/// The file cannot be written, or [`read_card`] would refuse it.
pub fn write_card(path: &Path, card: &ModelCard) -> Result<()> {
    sound(path, card.problem())?;
    write_json(path, card)
}

fn sound(path: &Path, problem: Option<String>) -> Result<()> {
    problem.map_or(Ok(()), |problem| Err(bad(path, problem)))
}

fn bad(path: &Path, problem: String) -> Error {
    Error::BadResult { path: path.to_owned(), problem }
}

/// Reads a whole text of at most [`MAX_BYTES`].
pub(crate) fn read_text(path: &Path) -> Result<String> {
    let file = std::fs::File::open(path).map_err(Error::io(path))?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(Error::io(path))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(bad(path, format!("longer than {MAX_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| bad(path, "not a text in UTF-8".to_owned()))
}

/// Writes a file beside and renames it into place, so that a kill never leaves half of it.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(dir) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    std::fs::write(&partial, bytes).map_err(Error::io(&partial))?;
    std::fs::rename(&partial, path).map_err(Error::io(path))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_str(&read_text(path)?).map_err(|e| bad(path, e.to_string()))
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| bad(path, e.to_string()))?;
    replace(path, (text + "\n").as_bytes())
}
