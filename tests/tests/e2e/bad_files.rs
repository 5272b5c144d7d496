//! Damaged plans: neither the server nor the compiler's inspection takes them.

use std::process::{Command, Output};

use crate::support::{Client, Files, Server, binary, network};

fn server(files: &Files, plan: &str) -> Output {
    let mut command = binary("tacita-server");
    command.args(["--listen", "127.0.0.1:0", "--threads", "1"]).arg("--plan").arg(files.path(plan));
    command.arg("--cert").arg(files.path("server.pem")).arg("--key").arg(files.path("server.key"));
    command.output().unwrap()
}

fn inspect(files: &Files, plan: &str) -> Output {
    let mut command: Command = binary("tacita-compile");
    command.arg("inspect").arg(files.path(plan)).output().unwrap()
}

fn refused(output: &Output, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(words.iter().any(|w| text.contains(w)), "{words:?}: {text}");
    assert!(!text.contains("panicked") && output.stdout.is_empty(), "{text}");
}

#[test]
fn a_truncated_plan_is_refused() {
    let files = Files::new();
    let plan = network().plan.to_bytes().unwrap();
    for len in [0, 1, 8, 12, 100, plan.len() / 2, plan.len() - 33, plan.len() - 1] {
        files.put("cut.plan", &plan[..len]);
        refused(&server(&files, "cut.plan"), &["cut.plan"]);
        refused(&inspect(&files, "cut.plan"), &["cut.plan"]);
    }
    files.put("long.plan", &[&plan[..], &[0]].concat());
    refused(&server(&files, "long.plan"), &["long.plan"]);
    refused(&inspect(&files, "long.plan"), &["long.plan"]);
}

#[test]
fn a_plan_with_a_flipped_bit_is_refused() {
    let files = Files::new();
    let plan = network().plan.to_bytes().unwrap();
    let words = ["damaged", "not a Tacita plan", "version", "unusable", "checksum"];
    for i in 0..24 {
        let mut flipped = plan.clone();
        flipped[i * (plan.len() - 1) / 23] ^= 1 << (i % 8);
        files.put("flipped.plan", &flipped);
        refused(&server(&files, "flipped.plan"), &words);
        refused(&inspect(&files, "flipped.plan"), &words);
    }
}

#[test]
fn the_compilers_plan_is_the_one_served() {
    let files = Files::new();
    files.put("net.onnx", &network().onnx);
    let mut build = binary("tacita-compile");
    build.arg("build").arg(files.path("net.onnx")).arg("-o").arg(files.path("built.plan"));
    build.arg("--drawn-ranges");
    assert!(build.output().unwrap().status.success());
    let inspected = binary("tacita-compile")
        .args(["inspect", "--json"])
        .arg(files.path("built.plan"))
        .output()
        .unwrap();
    let inspected: serde_json::Value = serde_json::from_slice(&inspected.stdout).unwrap();
    let server = Server::start_with("built.plan", &files, &[]);
    assert_eq!(server.ready["plan"], inspected["plan_hash"]);
    let client = Client::new(&files, &server.addr, "infer");
    client.path(&files.picture(0)).run().expect(&["image", "summary"]);
}
