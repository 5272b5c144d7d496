//! A `tacita-server` process.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::binaries::binary;
use super::files::Files;

/// The process; it is killed when this is dropped.
pub struct Server {
    child: Child,
    events: Lines,
    log: Lines,
    /// Where it listens.
    pub addr: String,
    /// Its ready line.
    pub ready: Value,
}

/// What a session came to, by the server's own account.
#[derive(Debug)]
pub struct Served {
    pub tickets: Option<u64>,
    pub inferences: Option<u64>,
    /// What ended it, if not the client's goodbye or the server's own decision.
    pub error: Option<String>,
    /// The whole event.
    pub event: Value,
}

impl Server {
    /// Starts it on a free port of loopback, with further options, and waits until it listens.
    pub fn start(files: &Files, options: &[&str]) -> Self {
        Self::start_with("net.plan", files, options)
    }

    /// As [`Self::start`], with another plan.
    pub fn start_with(plan: &str, files: &Files, options: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", plan, files, options)
    }

    /// As [`Self::start_with`], at another address.
    pub fn start_at(listen: &str, plan: &str, files: &Files, options: &[&str]) -> Self {
        let mut command = binary("tacita-server");
        command.args(serving(listen, files, plan));
        command.args(options).current_dir(files.folder());
        // Tests wait for lines about each of their strangers.
        if !options.contains(&"--stranger-lines") {
            command.args(["--stranger-lines", "1000000"]);
        }
        Self::run(command)
    }

    /// Runs a command that starts a server with JSON on stdout and as its log.
    pub fn run(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let events = Lines::of(child.stdout.take().unwrap());
        let log = Lines::of(child.stderr.take().unwrap());
        let mut server = Self { child, events, log, addr: String::new(), ready: Value::Null };
        server.ready = server.event("listening");
        server.addr = server.ready["addr"].as_str().unwrap().to_owned();
        server
    }

    /// Waits for the next event, which has to be of this kind.
    fn event(&self, kind: &str) -> Value {
        let Some(line) = self.events.next() else {
            panic!("the server ended instead of a {kind} event; its log:\n{}", self.log.all())
        };
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["event"], kind, "{event}");
        event
    }

    /// Waits until a session ends, the first that no call has reported yet.
    pub fn session_end(&self) -> Served {
        let event = self.event("session");
        Served {
            tickets: event["tickets"].as_u64(),
            inferences: event["inferences"].as_u64(),
            error: event["error"].as_str().map(str::to_owned),
            event,
        }
    }

    /// Waits for a log line with these words; returns it. Each line is looked at once.
    pub fn logged(&self, words: &str) -> String {
        while let Some(line) = self.log.next() {
            if line.contains(words) {
                return line;
            }
        }
        panic!("the server ended without logging `{words}`; its log:\n{}", self.log.all())
    }

    /// Everything logged so far.
    pub fn log(&self) -> String {
        self.log.all()
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.id()]).status().unwrap();
        assert!(sent.success());
    }

    /// Its process number.
    pub fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// Its counters, after it was asked to stop; events before them are passed over.
    pub fn counters(&self) -> Value {
        loop {
            let Some(line) = self.events.next() else { panic!("no counters:\n{}", self.log.all()) };
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["event"] == "stopped" {
                return event["counters"].clone();
            }
        }
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

/// Options of a server on a free port of loopback.
pub fn serving(listen: &str, files: &Files, plan: &str) -> Vec<OsString> {
    let mut options: Vec<OsString> = ["--listen", listen, "--json", "--log", "json"]
        .iter()
        .chain(&["--threads", "1"])
        .map(OsString::from)
        .collect();
    for (name, file) in [("--plan", plan), ("--cert", "server.pem"), ("--key", "server.key")] {
        options.extend([name.into(), files.path(file).into()]);
    }
    options
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a pipe, read on a thread so that the process never waits for us.
pub struct Lines {
    next: Receiver<String>,
    seen: Arc<Mutex<String>>,
}

impl Lines {
    pub fn of(pipe: impl Read + Send + 'static) -> Self {
        let (to, next) = channel();
        let seen = Arc::new(Mutex::new(String::new()));
        let all = Arc::clone(&seen);
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                let mut all = all.lock().unwrap();
                all.push_str(&line);
                all.push('\n');
                // Whoever reads the whole needs no single lines.
                let _ = to.send(line);
            }
        });
        Self { next, seen }
    }

    /// The next line; `None` after the last.
    pub fn next(&self) -> Option<String> {
        self.next.recv().ok()
    }

    pub fn all(&self) -> String {
        self.seen.lock().unwrap().clone()
    }
}
