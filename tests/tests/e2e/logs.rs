//! Output that cannot be written, or that strangers cause, does not stop a server.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::support::{Client, Files, Server, binary, network, serving};

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

fn command(files: &Files, options: &[&str]) -> Command {
    let mut command = binary("tacita-server");
    command.args(serving("127.0.0.1:0", files, "net.plan")).args(options).stdin(Stdio::null());
    command
}

/// A server whose output a test handles itself; killed when dropped.
struct Process {
    child: Child,
    addr: String,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let addr = ready["addr"].as_str().unwrap().to_owned();
        Self { child, addr, stdout }
    }

    /// A stranger, then a client that is served.
    fn serves(&self, files: &Files) {
        stranger(&self.addr);
        let client = Client::new(files, &self.addr, "infer").path(&files.picture(0));
        let events = client.run().expect(&["image", "summary"]);
        network().assert_printed(0, &events[0]["logits"]);
    }

    /// Asks it to stop; its exit code.
    fn stop(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Speaks no TLS, and stays until the server hung up.
fn stranger(addr: &str) {
    let mut tcp = TcpStream::connect(addr).unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    // However it hangs up.
    let _ = tcp.read_to_end(&mut Vec::new());
}

#[test]
fn a_full_disk_and_a_closed_pipe_do_not_end_it() {
    let files = Files::new();
    let mut command = command(&files, &[]);
    command.stderr(full());
    let mut server = Process::start(command);
    server.serves(&files);
    let mut server = Closed::of(&mut server);
    server.serves(&files);
    server.serves(&files);
    assert_eq!(server.0.stop(), Some(0));
}

/// A server whose stdout nobody reads any more.
struct Closed<'a>(&'a mut Process);

impl<'a> Closed<'a> {
    fn of(process: &'a mut Process) -> Self {
        // Another pipe takes this one's place: dropping the reader closes it.
        let mut idle = Command::new("true").stdout(Stdio::piped()).spawn().unwrap();
        process.stdout = BufReader::new(idle.stdout.take().unwrap());
        idle.wait().unwrap();
        Self(process)
    }

    fn serves(&mut self, files: &Files) {
        self.0.serves(files);
    }
}

#[test]
fn a_log_that_nobody_reads_holds_nobody_up() {
    let files = Files::new();
    let mut command = command(&files, &[]);
    // So much that the pipe is full soon.
    command.env("TACITA_LOG", "trace").stderr(Stdio::piped());
    let mut server = Process::start(command);
    let pipe = server.child.stderr.take().unwrap();
    for _ in 0..8 {
        server.serves(&files);
    }
    assert_eq!(server.stop(), Some(0));
    // What fits into a pipe, and not a line more: the rest was never written. A pipe is full when no
    // page of its 64 KiB has room for the next line, lines being short.
    let mut written = Vec::new();
    BufReader::new(pipe).read_to_end(&mut written).unwrap();
    assert!((32 << 10..=64 << 10).contains(&written.len()), "{} bytes", written.len());
}

#[test]
fn an_error_that_cannot_be_told_has_its_exit_code() {
    let files = Files::new();
    for log in ["text", "json"] {
        let mut command = binary("tacita-server");
        command.args(["--listen", "127.0.0.1:0", "--plan", "missing.plan", "--log", log]);
        command.arg("--cert").arg(files.path("server.pem"));
        command.arg("--key").arg(files.path("server.key"));
        let ended = command.stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(ended.code(), Some(3), "{log}");
    }
}

#[test]
fn lines_about_strangers_are_limited_and_counted() {
    const STRANGERS: u64 = 60;
    let files = Files::new();
    let mut server = Server::start(&files, &["--stranger-lines", "5"]);
    (0..STRANGERS).for_each(|_| stranger(&server.addr));
    server.terminate();
    let counters = server.counters();
    assert_eq!(server.wait().code(), Some(0));
    server.logged("stopped");
    let log = server.log();
    let told = log.matches("no handshake").count() as u64;
    let windows = 1 + log.matches("more refused or new connections").count() as u64;
    assert!((5..=5 * windows).contains(&told), "{told} lines");
    assert_eq!(counters["no_handshake"], STRANGERS, "{counters}");
    assert_eq!(counters["withheld_lines"], STRANGERS - told, "{counters}");
    assert_eq!(withheld(&log), STRANGERS - told);
}

/// The sum of what the log says of lines that it has not.
fn withheld(log: &str) -> u64 {
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let messages = lines.filter_map(|line| line["fields"]["message"].as_str().map(str::to_owned));
    let counts = messages
        .filter_map(|message| message.split_once(" more refused or new")?.0.parse::<u64>().ok());
    counts.sum()
}
