//! The server as a process: its ready line, its exit codes, its end.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tacita_protocol::plan::{
    ConvShape, InputSpec, Linear, Mask, Padding, Plan, PublicPlan, ReluChoices, Reveals,
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
        input: InputSpec { mean: vec![0.5; 4], std: vec![0.5; 4] },
        tensors: vec![
            tensor("image", 4, 0, Vec::new()),
            tensor("logits", 2, 8, vec![Term { input: 0, op: Linear::Conv(conv) }]),
        ],
        labels: Vec::new(),
        batch: 2,
        relu_choices: ReluChoices::default(),
        reveals: Reveals::Logits,
    };
    let logits = TensorSecrets { weights: vec![vec![100; 8]], bias: vec![0; 2] };
    let secret = SecretPlan { tensors: vec![TensorSecrets::default(), logits] };
    Plan::new(public, secret).unwrap()
}

/// A folder with a plan and a certificate.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
        let one = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let other = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        put("tiny.plan", &plan().to_bytes().unwrap());
        put("cert.pem", one.cert.pem().as_bytes());
        put("key.pem", one.signing_key.serialize_pem().as_bytes());
        put("other.pem", other.signing_key.serialize_pem().as_bytes());
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, plan: &str, key: &str, listen: &str) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_tacita-server")));
        command.args(["--threads", "1", "--json", "--listen", listen]);
        command.arg("--plan").arg(self.path(plan));
        command.arg("--cert").arg(self.path("cert.pem"));
        command.arg("--key").arg(self.path(key));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn output(&self, plan: &str, key: &str, listen: &str) -> Output {
        self.command(plan, key, listen).output().unwrap()
    }
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
