//! Input and settings that no run could use: exit code 3, and a message that names the cause.

use super::{Place, SMALL, complaint, text};
use serde_json::Value;

fn senet(more: &str) -> String {
    format!("senet {SMALL} --teacher-epochs 1 --out net.onnx {more}")
}

#[test]
fn missing_data_is_named() {
    let message = Place::new().complaint("data --data ../nowhere");
    assert!(message.contains("../nowhere"), "{message}");
    let place = Place::new();
    std::fs::create_dir_all(place.path("empty")).expect("a folder");
    let message = place.complaint("data --data ../empty");
    assert!(message.contains("../empty") && message.contains("data_batch_1.bin"), "{message}");
}

#[test]
fn a_truncated_batch_is_named() {
    let place = Place::new();
    let batch = place.path("data/data_batch_3.bin");
    let bytes = std::fs::read(&batch).expect("a batch");
    std::fs::write(&batch, &bytes[..bytes.len() - 1]).expect("written");
    let message = place.complaint(&senet("--relu-budget 100"));
    assert!(message.contains("data_batch_3.bin: truncated"), "{message}");
    assert!(!place.path("a/run").exists(), "nothing was trained");
}

#[test]
fn unknown_networks_are_named_with_those_there_are() {
    let message = Place::new().complaint("describe --net resnet19");
    assert!(message.contains("resnet19") && message.contains("wrn22-8"), "{message}");
}

#[test]
fn a_budget_above_the_network_is_refused() {
    let message = Place::new().complaint("allocate --net resnet18 --relu-budget 600k");
    assert!(message.contains("600000") && message.contains("557056"), "{message}");
}

#[test]
fn unknown_layers_are_named() {
    let place = Place::new();
    let message = place.complaint("allocate --net resnet20 --relu-budget 10% --cull s9b9r9");
    assert!(message.contains("s9b9r9") && message.contains("s3b3r2"), "{message}");
}

#[test]
fn a_folder_without_a_stage_is_named() {
    let message = Place::new().complaint("eval elsewhere --data ../data");
    assert!(message.contains("elsewhere/manifest.json"), "{message}");
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let place = Place::new();
    place.answer(&format!("teacher {SMALL} --teacher-epochs 1"));
    let best = place.path("a/run/teacher/best-0001.safetensors");
    let bytes = std::fs::read(&best).expect("weights");
    std::fs::write(&best, &bytes[..bytes.len() / 2]).expect("written");
    let message = place.complaint("eval run/teacher --data ../data --device cpu");
    assert!(message.contains("best-0001.safetensors"), "{message}");
}

#[test]
fn errors_come_as_json_when_asked_for() {
    let output = Place::new().command("describe --net resnet19 --json").output().expect("started");
    let error: Value = serde_json::from_slice(&output.stderr).expect("one line of JSON");
    assert_eq!(error["exit_code"], 3);
    let message = error["error"].as_str().expect("a text");
    assert!(message.contains("resnet19") && !message.contains("tacita-train:"), "{message}");
    assert_eq!(complaint(&output).lines().count(), 1);
}

#[test]
fn wrong_usage_has_a_code_of_its_own() {
    let output = Place::new().command("describe --nets resnet18").output().expect("started");
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}
