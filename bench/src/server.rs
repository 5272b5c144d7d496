//! A `tacita-server` process on loopback, stopped when dropped.

use std::fmt::Display;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
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
                // Later events are read and dropped so that the server never waits for us.
                std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
                Ok(Self { child, addr })
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                Err(failed("did not start: run it by hand to see why"))
            }
        }
    }
}

impl Server {
    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop while what `beside` returns is held; seconds until it has ended.
    ///
    /// # Errors
    /// `Local` if it cannot be asked or does not end.
    pub fn stop_beside<T>(mut self, beside: impl FnOnce() -> Result<T>) -> Result<f64> {
        let _held = beside()?;
        let failed = |e: &dyn Display| Error::local(format!("tacita-server does not stop: {e}"));
        let pid = Pid::from_child(&self.child);
        let asked = Instant::now();
        kill_process(pid, Signal::TERM).map_err(|e| failed(&e))?;
        self.child.wait().map_err(|e| failed(&e))?;
        Ok(asked.elapsed().as_secs_f64())
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
