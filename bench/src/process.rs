//! Starting the product's own binaries, which lie beside this one.

use std::path::PathBuf;
use std::process::Command;

use tacet_protocol::{Error, Result};

/// A command that runs one of the product's binaries.
///
/// # Errors
/// `Local` if it has not been built.
pub fn sibling(name: &str) -> Result<Command> {
    let here = std::env::current_exe()
        .map_err(|e| Error::local(format!("cannot find this program's folder: {e}")))?;
    let path: PathBuf = here.with_file_name(name);
    if !path.is_file() {
        return Err(Error::local(format!(
            "{} is not built: run `make demo`, or `cargo build --release` first",
            path.display()
        )));
    }
    Ok(Command::new(path))
}

/// Runs a command to its end; its log goes to our stderr.
///
/// # Errors
/// `Local` if it fails.
pub fn run(mut command: Command, name: &str) -> Result<()> {
    let status = command.status().map_err(|e| Error::local(format!("{name}: {e}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::local(format!("{name} failed ({status}): its log is above")))
}

/// Most resident memory that a running process has had, in bytes, where the system tells (Linux).
pub fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kilobytes)
}
