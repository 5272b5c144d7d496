//! The client as a process: what fails before a server is needed, and how.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with an image, a text, and a file that passes for a CA.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        image::RgbImage::new(4, 4).save(dir.path().join("cat.png")).unwrap();
        std::fs::write(dir.path().join("text.png"), "no image").unwrap();
        let ca = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        std::fs::write(dir.path().join("ca.pem"), ca.cert.pem()).unwrap();
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `infer` against an address where nobody listens.
    fn infer(&self, ca: &str, image: &str) -> Output {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        client()
            .args(["infer", "--json", "--threads", "1", "--server", &nobody.to_string()])
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
