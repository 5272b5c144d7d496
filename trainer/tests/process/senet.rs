//! A whole run of SENet, and what can be done with its stages.

use super::{BUDGET, Place, SMALL};
use prost::Message;
use serde_json::Value;
use tacita_onnx::ModelProto;
use tacita_train::results::read_card;

const EPOCHS: &str = "--teacher-epochs 1 --search-epochs 1 --finetune-epochs 1";

#[test]
fn a_run_writes_a_network_and_its_card() {
    let place = Place::new();
    let words = format!("senet {SMALL} {EPOCHS} --relu-budget {BUDGET} --out net.onnx");
    let run = place.answer(&words);
    let card = read_card(&place.path("a/net.json")).expect("a card");
    assert_eq!((card.relus, card.budget, card.method.as_str()), (1500, 1500, "senet"));
    assert_eq!(serde_json::to_value(&card).expect("JSON"), run["model"]);
    let bytes = std::fs::read(place.path("a/net.onnx")).expect("the network");
    assert_eq!(bytes.len() as u64, card.onnx.bytes);
    let model = ModelProto::decode(bytes.as_slice()).expect("a model");
    assert_eq!(model.metadata()["tacita.train.mask_hash"], card.mask_hash);

    measured_again(&place, &run);
    written_again(&place, &model);
    other_settings_are_refused(&place);
}

/// `eval` finds the accuracy that the run reported.
fn measured_again(place: &Place, run: &Value) {
    let stage = "run/finetune-1500";
    let found = place.answer(&format!("eval {stage} --data ../data --threads 1 --device cpu"));
    let stages = run["result"]["stages"].as_array().expect("stages");
    assert_eq!(found["accuracy"], stages[1]["test"]);
    assert_eq!((found["relus"].as_u64(), found["images"].as_u64()), (Some(1500), Some(40)));
    assert_eq!(found["mask_hash"], run["result"]["mask_hash"]);
}

/// `export` writes the same network.
fn written_again(place: &Place, model: &ModelProto) {
    place.answer("export run/finetune-1500 --data ../data --out again.onnx");
    let bytes = std::fs::read(place.path("a/again.onnx")).expect("the network");
    let again = ModelProto::decode(bytes.as_slice()).expect("a model");
    assert!(again.graph == model.graph, "another graph");
}

/// A folder goes on with the settings it was started with, or with none.
fn other_settings_are_refused(place: &Place) {
    let words =
        |more: &str| format!("senet {SMALL} {EPOCHS} --relu-budget {BUDGET} --out net.onnx {more}");
    for (option, setting) in [("--seed 2", "seed"), ("--crop 2", "augment")] {
        let message = place.complaint(&words(option));
        let named = message.contains("run/teacher/manifest.json") && message.contains(setting);
        assert!(named && message.contains("--fresh"), "{message}");
    }
    place.answer(&words("--seed 2 --fresh"));
}
