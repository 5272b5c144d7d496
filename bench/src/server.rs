//! A `tacita-server` process on loopback, stopped when dropped.

use std::fmt::Display;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tacita_protocol::session::BatchSizes;
use tacita_protocol::{Error, Result};

use crate::certs::Certs;
use crate::process::{high_water_mark, sibling};

/// The running server.
pub struct Server {
    child: Child,
    /// Its last event, once its output has ended.
    last: Option<JoinHandle<Value>>,
    /// Where it listens.
    pub addr: String,
}

impl Server {
    /// Starts it on a free port and waits until it listens. It makes tickets up to `batch` at a time,
    /// by default up to what the plan advises.
    ///
    /// # Errors
    /// `Local` if it does not start.
    pub fn start(plan: &Path, certs: &Certs, batch: Option<usize>) -> Result<Self> {
        let mut command = sibling("tacita-server")?;
        if let Some(batch) = batch {
            command.args(["--batches", &BatchSizes::up_to(batch).to_string()]);
        }
        Self::run(command, plan, certs)
    }

    /// As [`Self::start`], with the program and its further options given.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn run(mut command: Command, plan: &Path, certs: &Certs) -> Result<Self> {
        command.args(["--listen", "127.0.0.1:0", "--json"]);
        command.arg("--plan").arg(plan);
        command.arg("--cert").arg(&certs.cert).arg("--key").arg(&certs.key);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null());
        let failed = |what: &str| Error::local(format!("tacita-server {what}"));
        let mut child = command.spawn().map_err(|e| failed(&e.to_string()))?;
        let stdout = child.stdout.take().ok_or_else(|| failed("has no output"))?;
        let mut line = String::new();
        let mut reader = BufReader::new(stdout);
        let read = reader.read_line(&mut line);
        let event: Value = serde_json::from_str(&line).unwrap_or_default();
        match (read, event.get("addr").and_then(Value::as_str)) {
            (Ok(_), Some(addr)) => {
                let addr = addr.to_owned();
                // Read at once so that the server never waits for us.
                let last = std::thread::spawn(move || last_event(reader));
                Ok(Self { child, last: Some(last), addr })
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                Err(failed("did not start: run it by hand to see why"))
            }
        }
    }
}

fn last_event(events: impl BufRead) -> Value {
    let last = events.lines().map_while(std::io::Result::ok).last();
    last.and_then(|line| serde_json::from_str(&line).ok()).unwrap_or_default()
}

/// How a server stopped.
pub struct Stopped {
    /// Seconds from the signal to the end.
    pub seconds: f64,
    /// What it said last.
    pub event: Value,
}

impl Server {
    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop while what `beside` returns is held.
    ///
    /// # Errors
    /// `Local` if it cannot be asked or does not end.
    pub fn stop_beside<T>(mut self, beside: impl FnOnce() -> Result<T>) -> Result<Stopped> {
        let _held = beside()?;
        let failed = |e: &dyn Display| Error::local(format!("tacita-server does not stop: {e}"));
        let pid = Pid::from_child(&self.child);
        let asked = Instant::now();
        kill_process(pid, Signal::TERM).map_err(|e| failed(&e))?;
        self.child.wait().map_err(|e| failed(&e))?;
        let seconds = asked.elapsed().as_secs_f64();
        let event = self.last.take().and_then(|last| last.join().ok()).unwrap_or_default();
        Ok(Stopped { seconds, event })
    }

    /// Most memory that it has held so far, in bytes, where the system tells.
    pub fn peak_memory(&self) -> Option<u64> {
        high_water_mark(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
