//! A `tacita-client` process.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::binaries::binary;
use super::files::Files;
use super::server::Lines;

/// A client that is about to run, or runs; it is killed when dropped.
pub struct Client {
    command: Command,
    wait: u32,
    running: Option<Running>,
}

struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: Lines,
}

/// What a client left.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Client {
    /// A client that speaks JSON and trusts the files' CA.
    pub fn new(files: &Files, addr: &str, verb: &str) -> Self {
        let mut client = Self::plain(files, addr, verb);
        client.command.arg("--json");
        client
    }

    /// A client that speaks to people.
    pub fn plain(files: &Files, addr: &str, verb: &str) -> Self {
        Self::trusting(files, addr, verb, "ca.pem")
    }

    /// A client that trusts another CA.
    pub fn trusting(files: &Files, addr: &str, verb: &str, ca: &str) -> Self {
        let mut command = binary("tacita-client");
        command.args([verb, "--server", addr, "--threads", "1"]);
        command.arg("--ca").arg(files.path(ca)).current_dir(files.folder());
        Self { command, wait: 0, running: None }
    }

    /// Adds words to the command line.
    pub fn with(mut self, words: &[&str]) -> Self {
        self.command.args(words);
        self
    }

    /// Lets it try for so many seconds to find a server that has time for it; by default it tries
    /// once.
    pub fn waiting(mut self, seconds: u32) -> Self {
        self.wait = seconds;
        self
    }

    /// Adds a path to the command line.
    pub fn path(mut self, path: &Path) -> Self {
        self.command.arg(path);
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Ended {
        self.start().end()
    }

    /// Runs it to its end with a stderr that is always full; its exit code and stdout.
    pub fn run_unheard(mut self) -> (Option<i32>, String) {
        let full = File::options().write(true).open("/dev/full").unwrap();
        self.command.args(["--wait", "0"]).stderr(full);
        let output = self.command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    /// Starts it, its stdin held open.
    pub fn start(mut self) -> Self {
        self.command.args(["--wait", &self.wait.to_string()]);
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let stdout = child.stdout.take().map(BufReader::new);
        let stderr = Lines::of(child.stderr.take().unwrap());
        let stdin = child.stdin.take();
        self.running = Some(Running { child, stdin, stdout, stderr });
        self
    }

    /// Waits until it says these words on stderr.
    pub fn said(&mut self, words: &str) {
        let stderr = &self.running().stderr;
        while let Some(line) = stderr.next() {
            if line.contains(words) {
                return;
            }
        }
        panic!("the client ended without saying `{words}`: {}", stderr.all())
    }

    /// Its process.
    pub fn id(&mut self) -> u32 {
        self.running().child.id()
    }

    fn running(&mut self) -> &mut Running {
        self.running.as_mut().expect("it was started")
    }

    /// Writes one line to its stdin.
    pub fn feed(&mut self, path: &Path) {
        let stdin = self.running().stdin.as_mut().unwrap();
        stdin.write_all(&[path.as_os_str().as_bytes(), b"\n"].concat()).unwrap();
    }

    /// Stops reading its stdout.
    pub fn stop_reading(&mut self) {
        self.running().stdout = None;
    }

    /// Waits for the next line of its stdout, a JSON object.
    pub fn event(&mut self) -> Value {
        let mut line = String::new();
        self.running().stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: `{line}`"))
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.running().child.kill().unwrap();
    }

    /// Closes its stdin and waits for its end; what it printed since the last [`Self::event`].
    pub fn end(mut self) -> Ended {
        self.running().stdin = None;
        self.end_unasked()
    }

    /// As [`Self::end`], but its stdin stays open: something else ends it.
    pub fn end_unasked(mut self) -> Ended {
        let Running { mut child, stdin: _stdin, stdout, stderr } = self.running.take().unwrap();
        let mut rest = String::new();
        if let Some(mut stdout) = stdout {
            stdout.read_to_string(&mut rest).unwrap();
        }
        let code = child.wait().unwrap().code();
        while stderr.next().is_some() {}
        Ended { code, stdout: rest, stderr: stderr.all() }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            // It may have ended on its own.
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}

impl Ended {
    /// Its stdout, a JSON object a line.
    pub fn events(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The events of an untroubled run, all of these kinds in order.
    pub fn expect(&self, kinds: &[&str]) -> Vec<Value> {
        assert_eq!(self.code, Some(0), "{self:?}");
        let events = self.events();
        let got: Vec<&str> = events.iter().map(|e| e["event"].as_str().unwrap()).collect();
        assert_eq!(got, kinds, "{self:?}");
        events
    }

    /// Asserts that it failed with this exit code and an error of these words, said once and
    /// with the same code.
    pub fn refused(&self, code: i32, words: &str) {
        assert_eq!(self.code, Some(code), "{self:?}");
        let events = self.events();
        let error = events.last().unwrap();
        assert_eq!(
            (error["event"].as_str(), error["code"].as_i64()),
            (Some("error"), Some(code.into()))
        );
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }
}
