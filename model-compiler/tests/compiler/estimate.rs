//! `tacita-compile estimate`: bytes, networks, profiles, exit codes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tacita_cli::speed;
use tacita_compile::testing::ResNet;

use super::cli::{json, run, text};

/// The program with an empty configuration folder: no profile of this machine.
fn estimate(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tacita-compile"));
    command.arg("estimate").args(args).env("XDG_CONFIG_HOME", dir).output().unwrap()
}

fn parsed(out: &Output) -> Value {
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn small_plan(dir: &Path) -> PathBuf {
    let (model, plan) = (dir.join("m.onnx"), dir.join("m.tacita"));
    let small = ResNet { side: 16, widths: [2, 2, 2], classes: 10, ..ResNet::tiny(1, 0.5) };
    std::fs::write(&model, small.bytes()).unwrap();
    json(&["build", text(&model), "-o", text(&plan), "--json", "--batch", "2"]);
    plan
}

#[test]
fn bytes_are_those_of_inspect_and_add_up() {
    let dir = tempfile::tempdir().unwrap();
    let plan = small_plan(dir.path());
    let inspect = json(&["inspect", text(&plan), "--json"]);
    // What is inspected is a session of the default extension.
    let options = ["--network", "wan", "--ot", "softspoken", "--json"];
    let e = parsed(&estimate(dir.path(), &[&[text(&plan)], &options[..]].concat()));
    for phase in ["session", "offline", "online"] {
        assert_eq!(e[phase]["up_bytes"], inspect[phase]["up"], "{phase}");
        assert_eq!(e[phase]["down_bytes"], inspect[phase]["down"], "{phase}");
        assert_eq!(e[phase]["rounds"], inspect[phase]["rounds"], "{phase}");
        assert!(e[phase]["seconds"].as_f64().unwrap() > 0.0);
    }
    let layers = e["layers"].as_array().unwrap();
    let sum = |key: &str| layers.iter().map(|l| l[key].as_u64().unwrap()).sum::<u64>();
    let framing = e["online"]["down_bytes"].as_u64().unwrap() - sum("online_down");
    assert!(framing > 0 && framing.is_multiple_of(5), "{framing}");
    assert!(e["profile"].as_str().unwrap().contains("built-in"));
    assert!(e["server_memory"]["peak"].as_u64() > e["server_memory"]["ticket"].as_u64());
}

#[test]
fn networks_and_profiles_change_the_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let plan = small_plan(dir.path());
    let online = |args: &[&str]| {
        let e = parsed(&estimate(dir.path(), &[&[text(&plan), "--json"], args].concat()));
        e["online"]["seconds"].as_f64().unwrap()
    };
    assert!(online(&["--network", "mobile"]) > online(&["--network", "lan"]));
    assert!(online(&["--network", "20ms,1Mbit"]) > online(&["--network", "20ms,2Mbit"]));
    // What `tacita-bench profile` leaves is found by itself.
    let before = online(&["--network", "loopback"]);
    let mut slow = speed::reference().unwrap();
    slow.wire.message = 1.0;
    std::fs::create_dir(dir.path().join("tacita")).unwrap();
    let kept = dir.path().join("tacita").join("profile.json");
    std::fs::write(&kept, serde_json::to_string(&slow).unwrap()).unwrap();
    assert!(online(&["--network", "loopback"]) > before + 1.0);
}

#[test]
fn tables_name_layers_totals_and_units() {
    let dir = tempfile::tempdir().unwrap();
    let plan = small_plan(dir.path());
    let out = estimate(dir.path(), &[text(&plan), "--batch", "3"]);
    let shown = String::from_utf8_lossy(&out.stdout).into_owned();
    for expected in ["layer2.0.act2", "all layers", "3 tickets", "lan (1 ms", "MB", " ms", "MACs"] {
        assert!(shown.contains(expected), "`{expected}` is missing:\n{shown}");
    }
}

#[test]
fn exit_codes_tell_usage_from_input() {
    let dir = tempfile::tempdir().unwrap();
    let plan = small_plan(dir.path());
    let code = |args: &[&str]| estimate(dir.path(), args).status.code();
    assert_eq!(code(&[]), Some(2));
    assert_eq!(code(&[text(&plan), "--network", "carrier pigeon"]), Some(2));
    assert_eq!(code(&[text(&plan), "--cores", "0"]), Some(2));
    assert_eq!(code(&["/nonexistent"]), Some(3));
    assert_eq!(code(&[text(&plan), "--batch", "0"]), Some(3));
    assert_eq!(code(&[text(&plan), "--profile", "/nonexistent"]), Some(3));
    let other = dir.path().join("profile.json");
    std::fs::write(&other, "{}").unwrap();
    let refused = estimate(dir.path(), &[text(&plan), "--profile", text(&other)]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("profile.json"));
    assert_eq!(run(&["estimate", "--help"]).status.code(), Some(0));
}
