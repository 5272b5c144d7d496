//! `certs dev`: what it prints works as it stands.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::support::{Files, binary};

/// A shell in the files' folder that finds the programs.
fn shell(files: &Files, words: &str) -> Command {
    let program = binary("tacita-server").get_program().to_owned();
    let programs = std::path::Path::new(&program).parent().unwrap();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", words]).current_dir(files.folder()).env("PATH", programs);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn make(files: &Files, words: &[&str]) -> Output {
    let mut command = binary("tacita-server");
    command.args(["certs", "dev"]).args(words).current_dir(files.folder()).output().unwrap()
}

/// The lines that are commands.
fn commands(text: &str) -> (String, String) {
    let line = |program| text.lines().find(|line| line.trim().starts_with(program)).unwrap();
    (line("tacita-server ").trim().to_owned(), line("tacita-client ").trim().to_owned())
}

/// A server that was started by a command, ended when dropped.
struct Started(Child);

impl Started {
    fn new(files: &Files, words: &str) -> Self {
        let mut child = shell(files, &format!("exec {words} --json")).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["event"], "listening");
        Self(child)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_commands_work_as_printed() {
    let files = Files::new();
    std::fs::copy(files.picture(0), files.path("image.png")).unwrap();
    let made = make(&files, &["my certs", "--name", "model.example", "--name", "10.0.0.7"]);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    for key in ["ca.key", "server.key", "client.key"] {
        let metadata = files.path("my certs").join(key).metadata().unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{key}");
    }
    let (server, client) = commands(std::str::from_utf8(&made.stdout).unwrap());
    // Only the port may be taken on this machine.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let here = |words: &str| words.replace("127.0.0.1:7777", &free.to_string());
    let (server, client) = (here(&server), here(&client));
    let anonymous = client.split(" --cert ").next().unwrap().to_owned() + " image.png";
    {
        let _server = Started::new(&files, &server);
        for name in ["", " --server-name localhost", " --server-name model.example"] {
            let asked = shell(&files, &format!("{client}{name}")).output().unwrap();
            assert_eq!(asked.status.code(), Some(0), "{name}: {asked:?}");
            assert!(!asked.stdout.is_empty());
        }
        assert_eq!(shell(&files, &anonymous).output().unwrap().status.code(), Some(3));
    }
    // Without --client-ca it serves anybody.
    let open = server.split(" --client-ca ").next().unwrap().to_owned();
    let _server = Started::new(&files, &open);
    for words in [&anonymous, &client] {
        let asked = shell(&files, words).output().unwrap();
        assert_eq!(asked.status.code(), Some(0), "{asked:?}");
    }
}

#[test]
fn nothing_is_overwritten() {
    let files = Files::new();
    let made = make(&files, &["certs", "--json"]);
    let event: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(event["event"], "certificates");
    let ca = event["ca"]["cert"].as_str().unwrap();
    let before = std::fs::read(files.path(ca)).unwrap();
    let again = make(&files, &["certs"]);
    assert_eq!(again.status.code(), Some(3), "{again:?}");
    assert!(String::from_utf8_lossy(&again.stderr).contains("is not overwritten"), "{again:?}");
    assert_eq!(std::fs::read(files.path(ca)).unwrap(), before);
    let odd = make(&files, &["more", "--name", "no name"]);
    assert_eq!(odd.status.code(), Some(3), "{odd:?}");
    assert!(!files.path("more").exists());
}
