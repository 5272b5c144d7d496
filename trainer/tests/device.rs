//! Asking for CUDA where there is none.

#![allow(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::process::{Command, Output};
use tacita_train::cuda::{self, Cuda};

fn bench(device: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tacita-train"));
    command.args([
        "bench",
        "--nets",
        "minionn",
        "--out",
        "/nonexistent/x.json",
        "--device",
        device,
    ]);
    command
}

fn refused(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the program runs");
    let text = String::from_utf8(stderr).expect("UTF-8");
    assert_eq!(status.code(), Some(3), "{text}");
    assert!(stdout.is_empty() && text.contains("or use --device cpu"), "{text}");
    text
}

#[test]
fn cuda_that_is_switched_off_is_named() {
    let text = refused(bench("cuda").env("TACITA_CUDA", "0"));
    assert!(text.contains("no CUDA device 0 (0 found)"), "{text}");
    assert!(text.contains("TACITA_CUDA=0 keeps CUDA off"), "{text}");
}

#[test]
fn a_device_that_is_not_there_comes_with_advice() {
    let text = refused(bench("cuda:99").env_remove("TACITA_CUDA"));
    assert!(text.contains("no CUDA device 99"), "{text}");
    // What to do depends on the machine that the test runs on.
    let advice = match cuda::load() {
        Cuda::Absent(_) => "torch/lib:$LD_LIBRARY_PATH",
        _ => "nvidia-smi",
    };
    assert!(text.contains(advice), "{text}");
}
