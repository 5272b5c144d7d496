//! The client as a process: what fails before a server is needed, and how.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use tacita_certs::{Authority, Validity};

/// A folder with an image, a text, and a file that passes for a CA.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        image::RgbImage::new(4, 4).save(dir.path().join("cat.png")).unwrap();
        std::fs::write(dir.path().join("text.png"), "no image").unwrap();
        let put = |name: &str, text: &str| {
            std::fs::write(dir.path().join(name), text).unwrap();
            let private = PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(dir.path().join(name), private).unwrap();
        };
        let now = SystemTime::now();
        let day = Duration::from_secs(24 * 3600);
        for (name, until) in [("ca", now + day), ("old", now - day)] {
            let ca = Authority::new(name, Validity { from: now - 9 * day, until }).unwrap();
            let client = ca.client("someone").unwrap();
            put(&format!("{name}.pem"), &ca.own.cert);
            put(&format!("{name}-client.pem"), &client.cert);
            put(&format!("{name}-client.key"), &client.key);
        }
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `infer` against an address where nobody listens.
    fn infer(&self, ca: &str, image: &str) -> Output {
        self.infer_with(ca, image, &[])
    }

    /// The same with further options.
    fn infer_with(&self, ca: &str, image: &str, options: &[&str]) -> Output {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        client()
            .args(["infer", "--json", "--threads", "1", "--wait", "0"])
            .args(["--server", &nobody.to_string()])
            .args(options)
            .current_dir(self.0.path())
            .arg("--ca")
            .arg(self.path(ca))
            .arg(self.path(image))
            .output()
            .unwrap()
    }
}

fn client() -> Command {
    Command::new(Path::new(env!("CARGO_BIN_EXE_tacita-client")))
}

fn error(output: &Output) -> (Option<i32>, String) {
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["event"], "error");
    assert_eq!(line["code"].as_i64(), output.status.code().map(i64::from));
    (output.status.code(), line["message"].as_str().unwrap().to_owned())
}

#[test]
fn errors_have_their_codes() {
    let files = Files::new();
    for (ca, image, code, words) in [
        ("ca.pem", "text.png", 3, "not an image"),
        ("ca.pem", "missing.png", 3, "missing.png"),
        ("missing.pem", "cat.png", 3, "missing.pem"),
        ("cat.png", "cat.png", 3, "no certificate"),
        ("ca.pem", "cat.png", 6, "cannot connect"),
    ] {
        let (got, message) = error(&files.infer(ca, image));
        assert_eq!(got, Some(code), "{message}");
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn a_wrong_command_line_is_a_usage_error_and_help_lists_the_codes() {
    for words in [&["infer"][..], &["guess"], &["info", "--server", "h:1"], &[]] {
        assert_eq!(client().args(words).output().unwrap().status.code(), Some(2), "{words:?}");
    }
    for words in [&["--help"][..], &["infer", "--help"], &["prepare", "--help"]] {
        let help = client().args(words).output().unwrap();
        assert!(String::from_utf8_lossy(&help.stdout).contains("Exit codes:"), "{words:?}");
    }
}

#[test]
fn its_own_certificate_is_looked_at_before_anybody_is_asked() {
    let files = Files::new();
    let identity = |cert, key| ["--cert", cert, "--key", key];
    let (code, message) = error(&files.infer_with(
        "ca.pem",
        "cat.png",
        &identity("old-client.pem", "old-client.key"),
    ));
    assert_eq!(code, Some(3));
    assert!(message.contains("old-client.pem") && message.contains("expired on 20"), "{message}");
    let key = files.path("ca-client.key");
    std::fs::set_permissions(key, PermissionsExt::from_mode(0o644)).unwrap();
    let (code, message) =
        error(&files.infer_with("ca.pem", "cat.png", &identity("ca-client.pem", "ca-client.key")));
    assert_eq!(code, Some(3));
    assert!(message.contains("chmod 600 ca-client.key"), "{message}");
}

#[test]
fn what_is_no_regular_file_is_not_read() {
    let files = Files::new();
    assert!(Command::new("mkfifo").arg(files.path("pipe")).status().unwrap().success());
    for (ca, image) in [("pipe", "cat.png"), ("ca.pem", "pipe"), ("ca.pem", "/dev/zero")] {
        let (code, message) = error(&files.infer(ca, image));
        assert_eq!(code, Some(3), "{message}");
        assert!(message.contains("a regular file is needed"), "{message}");
    }
}

#[test]
fn a_name_that_nobody_has_is_said_to_be_none() {
    let files = Files::new();
    let output = client()
        .args(["info", "--json", "--wait", "600", "--server", "nobody.invalid:1", "--ca"])
        .arg(files.path("ca.pem"))
        .output()
        .unwrap();
    let (code, message) = error(&output);
    assert_eq!(code, Some(6));
    assert!(message.contains("finds no address of `nobody.invalid`"), "{message}");
}

#[test]
fn errors_say_what_became_of_tickets_also_if_there_were_none() {
    let files = Files::new();
    let output = files.infer("ca.pem", "missing.png");
    let event: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&event["ticket_spent"], &event["tickets_lost"]), (&false.into(), &0.into()));
}
