//! A `tacita-client` process.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;

use super::binaries::binary;
use super::files::Files;

/// A client that is about to run, or runs; it is killed when dropped.
pub struct Client {
    command: Command,
    running: Option<Running>,
}

struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    stderr: JoinHandle<String>,
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
        Self { command, running: None }
    }

    /// Adds words to the command line.
    pub fn with(mut self, words: &[&str]) -> Self {
        self.command.args(words);
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

    /// Starts it, its stdin held open.
    pub fn start(mut self) -> Self {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || drain(stderr));
        let stdin = child.stdin.take();
        self.running = Some(Running { child, stdin, stdout, stderr });
        self
    }

    fn running(&mut self) -> &mut Running {
        self.running.as_mut().expect("it was started")
    }

    /// Writes one line to its stdin.
    pub fn feed(&mut self, path: &Path) {
        let stdin = self.running().stdin.as_mut().unwrap();
        writeln!(stdin, "{}", path.display()).unwrap();
    }

    /// Waits for the next line of its stdout, a JSON object.
    pub fn event(&mut self) -> Value {
        let mut line = String::new();
        self.running().stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: `{line}`"))
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.running().child.kill().unwrap();
    }

    /// Closes its stdin and waits for its end; what it printed since the last [`Self::event`].
    pub fn end(mut self) -> Ended {
        let Running { mut child, stdin, mut stdout, stderr } = self.running.take().unwrap();
        drop(stdin);
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        let code = child.wait().unwrap().code();
        Ended { code, stdout: rest, stderr: stderr.join().unwrap() }
    }
}

fn drain(mut pipe: ChildStderr) -> String {
    let mut text = Vec::new();
    // What there is until the process ends will do.
    let _ = pipe.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
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
