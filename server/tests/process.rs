//! The server as a process: its ready line, its exit codes, its end.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use tacita_certs::{Authority, Validity};
use tacita_protocol::plan::{
    ConvShape, Head, InputSpec, Linear, Mask, Padding, Plan, PublicPlan, ReluChoices, Reveals,
    SecretPlan, Shape, TensorSecrets, TensorSpec, Term,
};

/// A network of one fully connected layer, 4 to 2.
fn plan() -> Plan {
    let tensor = |name: &str, channels: usize, truncate, terms| TensorSpec {
        name: name.into(),
        shape: Shape::new(channels, 1, 1),
        frac: 8,
        truncate,
        magnitude: 12,
        dropped: 0,
        terms,
        mask: Mask::uniform(channels, false),
        unmasked_relus: 0,
    };
    let conv = ConvShape {
        input: Shape::new(4, 1, 1),
        out_channels: 2,
        kernel_h: 1,
        kernel_w: 1,
        stride: 1,
        pad: Padding::NONE,
        groups: 1,
    };
    let public = PublicPlan {
        name: "tiny".into(),
        input: InputSpec::new(vec![0.5; 4], vec![0.5; 4]),
        tensors: vec![
            tensor("image", 4, 0, Vec::new()),
            tensor("logits", 2, 8, vec![Term { input: 0, op: Linear::Conv(conv) }]),
        ],
        labels: Vec::new(),
        batch: 2,
        relu_choices: ReluChoices::default(),
        reveals: Reveals::Logits,
        head: Head::Softmax,
    };
    let logits = TensorSecrets { weights: vec![vec![100; 8]], bias: vec![0; 2] };
    let secret = SecretPlan { tensors: vec![TensorSecrets::default(), logits] };
    Plan::new(public, secret).unwrap()
}

/// A folder with a plan and certificates: `cert.pem` with `key.pem`, and the key of another.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.put("tiny.plan", &plan().to_bytes().unwrap());
        files.pair("cert.pem", "key.pem", Validity::days(30));
        files.pair("stranger.pem", "other.pem", Validity::days(30));
        files
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn put_key(&self, name: &str, text: &str) {
        self.put(name, text.as_bytes());
        std::fs::set_permissions(self.path(name), PermissionsExt::from_mode(0o600)).unwrap();
    }

    fn pair(&self, cert: &str, key: &str, validity: Validity) {
        let signed = authority(validity).server(&["localhost"]).unwrap();
        self.put(cert, signed.cert.as_bytes());
        self.put_key(key, &signed.key);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, plan: &str, key: &str, listen: &str) -> Command {
        self.showing("cert.pem", plan, key, listen)
    }

    /// A server that shows another certificate.
    fn showing(&self, cert: &str, plan: &str, key: &str, listen: &str) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_tacita-server")));
        command.args(["--threads", "1", "--json", "--listen", listen]);
        command.arg("--plan").arg(self.path(plan));
        command.arg("--cert").arg(self.path(cert));
        command.arg("--key").arg(self.path(key));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn output(&self, plan: &str, key: &str, listen: &str) -> Output {
        self.command(plan, key, listen).output().unwrap()
    }
}

fn authority(validity: Validity) -> Authority {
    Authority::new("an authority for tests", validity).unwrap()
}

/// From some days ago to some days from now.
fn around_now(from: i64, until: i64) -> Validity {
    let day = |days: i64| {
        let off = Duration::from_secs(24 * 3600 * days.unsigned_abs());
        if days < 0 { SystemTime::now() - off } else { SystemTime::now() + off }
    };
    Validity { from: day(from), until: day(until) }
}

/// Starts a server and waits for its ready line.
fn start(files: &Files) -> (Child, String) {
    let mut child = files.command("tiny.plan", "key.pem", "127.0.0.1:0").spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line)
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn the_ready_line_names_the_real_port_and_the_plan() {
    let files = Files::new();
    let (child, line) = start(&files);
    signal(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["event"], "listening");
    assert_eq!(ready["plan"], tacita_cli::hex(&plan().hash().unwrap()));
    let address: std::net::SocketAddr = ready["addr"].as_str().unwrap().parse().unwrap();
    assert_ne!(address.port(), 0);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("listening"));
}

#[test]
fn both_signals_end_it_even_with_a_connection_open() {
    for name in ["-INT", "-TERM"] {
        let files = Files::new();
        let (child, line) = start(&files);
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let silent = std::net::TcpStream::connect(ready["addr"].as_str().unwrap()).unwrap();
        signal(&child, name);
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0), "{name}");
        drop(silent);
    }
}

#[test]
fn bad_files_and_addresses_are_configuration_errors() {
    let files = Files::new();
    for (plan, key, listen, words) in [
        ("missing.plan", "key.pem", "127.0.0.1:0", "missing.plan"),
        ("cert.pem", "key.pem", "127.0.0.1:0", "not a Tacita plan"),
        ("tiny.plan", "other.pem", "127.0.0.1:0", "is not the private key of"),
        ("tiny.plan", "cert.pem", "127.0.0.1:0", "no private key"),
        ("tiny.plan", "key.pem", "nowhere", "cannot listen on nowhere"),
    ] {
        let output = files.output(plan, key, listen);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_wrong_command_line_is_a_usage_error_and_help_lists_the_codes() {
    let server = || Command::new(env!("CARGO_BIN_EXE_tacita-server"));
    assert_eq!(server().arg("--nonsense").output().unwrap().status.code(), Some(2));
    let help = server().arg("--help").output().unwrap();
    assert!(String::from_utf8_lossy(&help.stdout).contains("Exit codes:"));
}

/// What a server says that does not start with this certificate and key.
fn no_start(files: &Files, cert: &str, key: &str) -> String {
    let output = files.showing(cert, "tiny.plan", key, "127.0.0.1:0").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    said
}

#[test]
fn certificates_that_no_client_takes_are_refused() {
    let files = Files::new();
    files.pair("old.pem", "old.key", around_now(-30, -2));
    files.pair("new.pem", "new.key", around_now(2, 30));
    let own = authority(Validity::days(9)).own;
    files.put("ca.pem", own.cert.as_bytes());
    files.put_key("ca.key", &own.key);
    files.put("void.pem", b"nothing");
    for (cert, key, words) in [
        ("old.pem", "old.key", &["old.pem", "expired on 20", "renewed"][..]),
        ("new.pem", "new.key", &["new.pem", "valid from 20", "clock"]),
        ("ca.pem", "ca.key", &["ca.pem", "a CA's own", "sign a separate certificate"]),
        ("void.pem", "key.pem", &["void.pem", "no certificate in it"]),
        ("key.pem", "cert.pem", &["no certificate in it, but a private key", "exchanged"]),
    ] {
        std::fs::set_permissions(files.path(cert), PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::set_permissions(files.path(key), PermissionsExt::from_mode(0o600)).unwrap();
        let said = no_start(&files, cert, key);
        assert!(words.iter().all(|w| said.contains(w)), "{words:?}: {said}");
    }
}

#[test]
fn keys_that_are_open_or_locked_are_refused() {
    let files = Files::new();
    std::fs::copy(files.path("key.pem"), files.path("open.key")).unwrap();
    for mode in [0o644, 0o640, 0o660] {
        std::fs::set_permissions(files.path("open.key"), PermissionsExt::from_mode(mode)).unwrap();
        let said = no_start(&files, "cert.pem", "open.key");
        assert!(
            said.contains(&format!("chmod 600 {}", files.path("open.key").display())),
            "{said}"
        );
    }
    files.put_key(
        "locked.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let said = no_start(&files, "cert.pem", "locked.key");
    assert!(said.contains("is encrypted") && said.contains("openssl pkey -in "), "{said}");
}

#[test]
fn days_left_are_told_and_few_are_warned_of() {
    for (days, words) in
        [(30, ["INFO", "is valid for 30 days"]), (5, ["WARN", "expires in 5 days"])]
    {
        let files = Files::new();
        let validity = around_now(-1, days);
        let noon = validity.until + Duration::from_secs(12 * 3600);
        files.pair("cert.pem", "key.pem", Validity { until: noon, ..validity });
        let (child, _) = start(&files);
        signal(&child, "-TERM");
        let output = child.wait_with_output().unwrap();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = log.lines().find(|line| line.contains("cert.pem")).unwrap();
        assert!(words.iter().all(|w| line.contains(w)), "{log}");
    }
}

#[test]
fn a_plan_that_is_no_regular_file_is_refused_unread() {
    let files = Files::new();
    let made = Command::new("mkfifo").arg(files.path("pipe.plan")).status().unwrap();
    assert!(made.success());
    for plan in ["pipe.plan", ".", "/dev/zero"] {
        let output = files.output(plan, "key.pem", "127.0.0.1:0");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("a regular file is needed"), "{said}");
    }
}

#[test]
fn serving_and_verbs_do_not_mix() {
    let server = || Command::new(env!("CARGO_BIN_EXE_tacita-server"));
    for words in [
        &["--plan", "a.plan", "certs", "dev", "x"][..],
        &["certs"],
        &["certs", "dev"],
        &["--plan", "a.plan"],
        &[],
    ] {
        let output = server().args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
    }
}
