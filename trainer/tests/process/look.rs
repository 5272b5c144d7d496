//! Verbs that train nothing.

use super::Place;
use serde_json::{Value, json};

#[test]
fn networks_are_described() {
    let place = Place::new();
    let found = place.answer("describe --net resnet18 --classes 100");
    assert_eq!(found["counts"]["relus"], 557_056);
    assert_eq!(found["stages"], json!([65_536, 262_144, 131_072, 65_536, 32_768]));
    let found = place.answer("describe --net resnet18 --no-stem-relu");
    assert_eq!(found["counts"]["relus"], 491_520);
    assert_eq!(found["layers"].as_array().map(Vec::len), Some(16));
}

#[test]
fn budgets_are_shared_out() {
    // The 50K vector of ResNet18 by the published sensitivities.
    let vector = [
        286, 927, 1065, 1253, 1379, 1775, 2442, 2551, 2784, 3369, 4071, 4138, 4311, 4705, 4951,
        4993, 5000,
    ];
    let found = Place::new().answer("allocate --net resnet18 --relu-budget 50k");
    let layers = found["layers"].as_array().expect("layers");
    let relus: Vec<&Value> = layers.iter().map(|l| &l["relus"]).collect();
    assert_eq!(json!(relus), json!(vector));
    assert_eq!(found["relus"], 50_000);
}

#[test]
fn data_sets_are_described() {
    let place = Place::new();
    let found = place.answer("data --data ../data --validation 20");
    let sizes = ["train", "validation", "test", "classes"].map(|key| found[key].as_u64());
    assert_eq!(sizes, [180, 20, 40, 10].map(Some));
    let limited = place.answer("data --data ../data --validation 20 --limit 30");
    assert_eq!(limited["train"], 30);
    assert_ne!(limited["hash"], found["hash"]);
}
