//! Writing files of results, in folders that are made if they are missing.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use tacita_protocol::{Error, Result};

/// Writes a text.
///
/// # Errors
/// `Local` if it cannot be written.
pub fn write(path: &Path, text: &str) -> Result<()> {
    folder(path).and_then(|()| fs::write(path, text)).map_err(|e| failed(path, &e))
}

/// Writes a value as indented JSON.
///
/// # Errors
/// `Local` if it cannot be written.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| failed(path, &e.into()))?;
    write(path, &(text + "\n"))
}

/// Adds a value as a line of JSON.
///
/// # Errors
/// `Local` if it cannot be written.
pub fn append_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let append = || {
        let line = serde_json::to_string(value)? + "\n";
        folder(path)?;
        OpenOptions::new().create(true).append(true).open(path)?.write_all(line.as_bytes())
    };
    append().map_err(|e: io::Error| failed(path, &e))
}

fn folder(path: &Path) -> io::Result<()> {
    path.parent().filter(|p| !p.as_os_str().is_empty()).map_or(Ok(()), fs::create_dir_all)
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::local(format!("cannot write {}: {error}", path.display()))
}
