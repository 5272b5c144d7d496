//! The program itself: verbs, JSON, exit codes, files.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tacita_compile::calibration::Calibration;
use tacita_compile::testing::ResNet;
use tacita_protocol::plan::Shape;

pub fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tacita-compile")).args(args).output().unwrap()
}

pub fn json(args: &[&str]) -> Value {
    let out = run(args);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn build_inspect_simulate() {
    let dir = tempfile::tempdir().unwrap();
    let (model, plan) = (dir.path().join("m.onnx"), dir.path().join("m.tacita"));
    let small = ResNet { side: 32, widths: [2, 2, 2], classes: 10, ..ResNet::tiny(1, 0.5) };
    std::fs::write(&model, small.bytes()).unwrap();
    let build = ["build", text(&model), "-o", text(&plan), "--json", "--batch", "4"];
    let build = json(&[&build[..], &["--drawn-ranges"]].concat());
    assert_eq!(build["batch"]["batch"], 4);
    assert_eq!(build["layers"].as_array().unwrap().len(), 10);
    assert!(build["warnings"].to_string().contains("--calibrate"));
    private(&plan);

    let inspect = json(&["inspect", text(&plan), "--json"]);
    assert_eq!(inspect["relus"], build["relus"]);
    assert_eq!(inspect["plan_hash"].as_str().unwrap().len(), 64);
    let out = run(&["inspect", text(&plan)]);
    assert!(String::from_utf8_lossy(&out.stdout).contains("layer2.0.act2"));

    let (image, labels) = pictures(dir.path());
    let e = json(&["simulate", text(&plan), "--data", text(&image), "--each", "--json"]);
    let each = &e["each"][0];
    assert_eq!((e["images"].as_u64(), each["image"].as_str()), (Some(1), Some(text(&image))));
    assert_eq!(each["logits"].as_array().unwrap().len(), 10);
    let sum: f64 = each["probabilities"].as_array().unwrap().iter().filter_map(Value::as_f64).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{e}");
    let simulate =
        ["simulate", text(&plan), "--data", text(&labels), "--model", text(&model), "--json"];
    let s = json(&simulate);
    assert_eq!((s["images"].as_u64(), s["rounding"].as_str()), (Some(4), Some("shares")));
    assert_eq!((s["overflows"].as_u64(), s["sign_mistakes"].as_u64()), (Some(0), Some(0)));
    let share = |key: &str| s[key].as_f64().unwrap();
    assert!(share("agreement_float") >= 0.75 && share("agreement_nearest") >= 0.75, "{s}");
    let nearest = json(&[&simulate[..], &["--rounding", "nearest", "-n", "3"]].concat());
    assert_eq!(nearest["images"], 3);
    assert!(nearest["agreement_nearest"].is_null());
    let out = run(&["simulate", text(&plan), "--data", text(&labels), "--each"]);
    assert!(String::from_utf8_lossy(&out.stdout).contains("images a second"));
}

/// What computes the ReLUs of each layer that has some.
fn backends(layers: &Value) -> Vec<String> {
    let layers = layers["layers"].as_array().unwrap().iter();
    layers.filter_map(|l| l["relu"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_plan_says_what_computes_its_relus() {
    let dir = tempfile::tempdir().unwrap();
    let (model, plan) = (dir.path().join("m.onnx"), dir.path().join("m.tacita"));
    let small = ResNet { side: 16, widths: [2, 2, 2], classes: 10, ..ResNet::tiny(1, 0.5) };
    std::fs::write(&model, small.bytes()).unwrap();
    let build = |options: &[&str]| {
        let fixed =
            ["build", text(&model), "-o", text(&plan), "--json", "--batch", "2", "--drawn-ranges"];
        let built = json(&[&fixed[..], options].concat());
        let inspect = json(&["inspect", text(&plan), "--json"]);
        assert_eq!(backends(&built), backends(&inspect));
        (backends(&built), inspect)
    };
    let total = |i: &Value| -> u64 {
        let bytes =
            |phase: &str| i[phase]["up"].as_u64().unwrap() + i[phase]["down"].as_u64().unwrap();
        bytes("offline") + 2 * bytes("online")
    };
    let (garbled, all_garbled) = build(&[]);
    assert!(!garbled.is_empty() && garbled.iter().all(|b| b == "gc"), "{garbled:?}");
    let (looked_up, all_looked_up) = build(&["--relu", "ot"]);
    assert_eq!(looked_up, vec!["ot"; garbled.len()]);
    let rounds = |i: &Value| i["online"]["rounds"].as_u64().unwrap();
    assert_eq!(rounds(&all_looked_up), rounds(&all_garbled) + garbled.len() as u64);
    let (_, chosen) = build(&["--relu", "auto"]);
    assert!(total(&chosen) <= total(&all_garbled).min(total(&all_looked_up)));
    assert_ne!(all_garbled["plan_hash"], all_looked_up["plan_hash"]);
    let out = run(&["estimate", text(&plan), "--relu", "ot"]);
    let shown = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(shown.contains("ReLUs: looked up in all layers (ot)"), "{shown}");
    build(&["--relu", "auto", "--network", "wan"]);
    let wrong = ["build", text(&model), "-o", text(&plan), "--network", "wan"];
    let refused = run(&wrong);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--relu auto"));
}

#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(left, 2, "a temporary file is left behind");
}

#[cfg(not(unix))]
fn private(_: &Path) {}

/// A PNG and a CIFAR batch of four images.
pub fn pictures(dir: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let images = Calibration::pictures(Shape::new(3, 32, 32), 4);
    let png = dir.join("x.png");
    image::save_buffer(&png, &images[0].rgb, 32, 32, image::ColorType::Rgb8).unwrap();
    let mut batch = Vec::new();
    for (label, p) in images.iter().enumerate() {
        batch.push(label as u8);
        for c in 0..3 {
            batch.extend(p.rgb.iter().skip(c).step_by(3));
        }
    }
    let path = dir.join("batch.bin");
    std::fs::write(&path, batch).unwrap();
    (png, path)
}

#[test]
fn exit_codes_tell_who_is_to_blame() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("m.onnx");
    let code = |args: &[&str]| run(args).status.code();
    assert_eq!(code(&["build"]), Some(2));
    assert_eq!(code(&["inspect", "/nonexistent"]), Some(3));
    std::fs::write(&model, "not a model").unwrap();
    let out = run(&["build", text(&model), "-o", text(&dir.path().join("x")), "--json"]);
    assert_eq!((out.status.code(), out.stdout.len()), (Some(3), 0));
    assert!(String::from_utf8_lossy(&out.stderr).contains("not an ONNX model"));
    std::fs::write(&model, ResNet::tiny(1, 0.5).bytes()).unwrap();
    assert_eq!(code(&["build", text(&model), "-o", "/nonexistent/plan"]), Some(7));
    let help = run(&["--help"]);
    assert!(String::from_utf8_lossy(&help.stdout).contains("7  local failure"));
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let model = file("m.onnx");
    std::fs::write(&model, ResNet::tiny(1, 0.5).bytes()).unwrap();
    std::fs::write(file("old.plan"), "old").unwrap();
    std::os::unix::fs::symlink(file("old.plan"), file("link.plan")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(file("socket.plan")).unwrap();
    std::fs::create_dir(file("folder.plan")).unwrap();
    let build = |plan: &Path| {
        run(&["build", text(&model), "-o", text(plan), "--batch", "1", "--drawn-ranges"])
    };
    for name in ["link.plan", "socket.plan", "folder.plan"] {
        let out = build(&file(name));
        assert_eq!(out.status.code(), Some(3), "{name}");
        assert!(String::from_utf8_lossy(&out.stderr).contains("no regular file"), "{name}");
    }
    assert_eq!(std::fs::read(file("old.plan")).unwrap(), b"old");
    assert!(file("link.plan").is_symlink());
    assert!(build(&file("old.plan")).status.success());
    assert_ne!(std::fs::read(file("old.plan")).unwrap(), b"old");
    let lines = String::from_utf8(build(&file("new.plan")).stdout).unwrap();
    let heads: Vec<&str> = lines.lines().filter_map(|l| l.split_whitespace().next()).collect();
    assert_eq!(heads, ["plan", "ReLUs", "bytes", "agreement"]);
}
