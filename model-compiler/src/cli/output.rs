//! Standard output and plan files.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tacita_compile::{Error, Result};

/// Prints text to standard output. A reader that stops early (`| head`) is no error.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Error::local(format!("cannot write to standard output: {e}")))
        }
        _ => Ok(()),
    }
}

/// Prints one JSON document.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Error::local(format!("cannot encode the result: {e}")))?;
    print(&(text + "\n"))
}

/// Writes a file that appears whole or not at all, readable by its owner alone.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, bytes, Access::Private)
}

/// Replaces a file whole or not at all. Who may read it stays as it is.
pub fn rewrite(path: &Path, bytes: &[u8]) -> Result<()> {
    // A link is followed: it keeps pointing to the model.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let old = std::fs::metadata(&path).ok().map(|m| m.permissions());
    write_whole(&path, bytes, Access::Like(old))
}

/// Who may read a new file.
enum Access {
    /// Its owner.
    Private,
    /// As before, if it was there; else the process's default.
    Like(Option<Permissions>),
}

fn write_whole(path: &Path, bytes: &[u8], access: Access) -> Result<()> {
    let failed = |e| Error::local(format!("cannot write {}: {e}", path.display()));
    refuse_special(path)?;
    let temporary = beside(path)
        .ok_or_else(|| Error::input(format!("{} is no name for a file", path.display())))?;
    let written =
        write_new(&temporary, bytes, access).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = std::fs::remove_file(&temporary);
    }
    written.map_err(failed)
}

/// A device, a pipe, a folder or a link is not what somebody meant to lose.
fn refuse_special(path: &Path) -> Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(m) if !m.is_file() => Err(Error::input(format!(
            "{} is no regular file, and is not replaced: give another name",
            path.display()
        ))),
        _ => Ok(()),
    }
}

fn beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    Some(path.with_file_name(format!(".{name}.{}.tmp", std::process::id())))
}

fn write_new(path: &Path, bytes: &[u8], access: Access) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if matches!(access, Access::Private) {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file: File = options.open(path)?;
    if let Access::Like(Some(permissions)) = access {
        file.set_permissions(permissions)?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

/// A table with left-aligned columns.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With the given headings.
    pub fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|&h| h.to_owned()).collect()] }
    }

    /// Appends a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table as text.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |c: usize| {
            let cells = self.rows.iter().filter_map(|r| r.get(c));
            cells.map(|x| x.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).map(|(cell, w)| format!("{cell:<w$}"));
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

/// A number of bytes for people.
pub fn bytes(n: u64) -> String {
    let (mut value, mut unit) = (n as f64, "B");
    for next in ["KB", "MB", "GB"] {
        if value < 1000.0 {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    if unit == "B" { format!("{n} B") } else { format!("{value:.2} {unit}") }
}

/// `Some(n)`, `-` for none.
pub fn whole(n: Option<u32>) -> String {
    n.map_or_else(|| "-".into(), |n| n.to_string())
}

/// `Some(x)` with one decimal, `-` for none.
pub fn decimal(x: Option<f64>) -> String {
    x.map_or_else(|| "-".into(), |x| format!("{x:.1}"))
}
