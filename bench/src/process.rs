//! Starting the product's own binaries, which lie beside this one.

use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use tacita_cli::lower_priority;
use tacita_protocol::{Error, Result};

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

/// The `nice` value of the lowest priority.
const LEAST: i32 = 19;

/// Gives this thread, and what it starts, the lowest priority: it stands for another machine, and is
/// not to take the cores of what is measured.
pub fn stand_aside() {
    lower_priority(LEAST);
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

/// What a command that ran to its end left.
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
    /// Wall seconds.
    pub seconds: f64,
    /// Most memory it held, in bytes; `None` where the system does not tell.
    pub peak_memory: Option<u64>,
}

/// How often a running process is asked for its memory.
const MEMORY_EVERY: Duration = Duration::from_millis(5);

/// Runs a command to its end and measures it.
///
/// # Errors
/// `Local` if it cannot be started; how it ends is for the caller to judge.
pub fn measured(mut command: Command, name: &str) -> Result<Finished> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let failed = |e: std::io::Error| Error::local(format!("{name}: {e}"));
    let start = Instant::now();
    let child = command.spawn().map_err(failed)?;
    let id = child.id();
    let (ended, watch) = channel();
    let watcher = std::thread::spawn(move || peak_memory(id, &watch));
    let output = child.wait_with_output().map_err(failed);
    let seconds = start.elapsed().as_secs_f64();
    drop(ended);
    let peak_memory = watcher.join().unwrap_or_default();
    let output = output?;
    let (status, stdout, stderr) = (output.status, output.stdout, output.stderr);
    Ok(Finished { status, stdout, stderr, seconds, peak_memory })
}

/// Follows the high-water mark of a process until the other end of `watch` is dropped. The mark
/// that `wait4` returns would not do: it starts at the size of the process that started the other.
fn peak_memory(id: u32, watch: &Receiver<()>) -> Option<u64> {
    let mut peak = None;
    loop {
        peak = high_water_mark(id).max(peak);
        if watch.recv_timeout(MEMORY_EVERY) != Err(RecvTimeoutError::Timeout) {
            return peak;
        }
    }
}

/// Most resident memory that a running process has had, in bytes, where the system tells (Linux).
pub fn high_water_mark(id: u32) -> Option<u64> {
    status_bytes(id, "VmHWM:")
}

/// Resident memory of a running process, in bytes, where the system tells (Linux).
pub fn resident_memory(id: u32) -> Option<u64> {
    status_bytes(id, "VmRSS:")
}

fn status_bytes(id: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_measured() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let done = measured(command, "sh").unwrap();
        assert_eq!(done.status.code(), Some(3));
        assert_eq!(
            (done.stdout.as_slice(), done.stderr.as_slice()),
            (&b"out\n"[..], &b"err\n"[..])
        );
        assert!(measured(Command::new("/nowhere/at/all"), "nothing").is_err());
    }

    #[test]
    fn the_high_water_mark_follows_what_is_held() {
        let before = high_water_mark(std::process::id()).unwrap();
        // More than all tests of this process have held so far.
        let more = before + (64 << 20);
        let held = std::hint::black_box(vec![1u8; more as usize]);
        let after = high_water_mark(std::process::id()).unwrap();
        assert!(after >= held.len() as u64, "{before} {after}");
        assert_eq!(high_water_mark(u32::MAX), None);
    }
}
