//! Files written by real exporters, against the logits of the framework that they came from.

use std::path::PathBuf;

use serde_json::Value;
use tacita_compile::pixels::Before;
use tacita_compile::{Network, read};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"))
}

/// Element `i` of the image, in NCHW order, as the fixtures' generator has it.
fn image(len: usize) -> Vec<f32> {
    let element = |i: usize| ((i * 37 + 11) % 101) as f64 / 101.0 - 0.5;
    (0..len).map(|i| element(i) as f32).collect()
}

/// What the network makes of a raw image: the client normalises as the network asks.
fn logits(network: &Network, raw: &[f32]) -> Vec<f32> {
    let plane = network.input.height * network.input.width;
    let of = |v: &Option<Vec<f32>>, i: usize| v.as_ref().map(|v| v[i / plane]);
    let normal = raw.iter().enumerate().map(|(i, x)| {
        (x - of(&network.mean, i).unwrap_or(0.0)) / of(&network.std, i).unwrap_or(1.0)
    });
    network.evaluate(&normal.collect::<Vec<_>>())
}

/// What is wrong with the import of one fixture.
fn fault(fixture: &Value) -> Option<String> {
    let flag = |key: &str| fixture[key].as_bool().unwrap_or(false);
    let bytes = std::fs::read(folder().join(fixture["file"].as_str().unwrap())).unwrap();
    let network = match read(&bytes) {
        Err(e) if flag("refused") || flag("optional") => {
            let text = e.to_string();
            return (!text.contains("node `")).then(|| format!("refused without naming: {text}"));
        }
        Err(e) => return Some(e.to_string()),
        Ok(_) if flag("refused") => return Some("it was not refused".into()),
        Ok(network) => network,
    };
    if network.top1 != (fixture["final"] == "argmax") {
        return Some("what the client learns is not what the network ends in".into());
    }
    let numbers = |key: &str| -> Vec<f32> {
        let list = fixture[key].as_array().unwrap();
        list.iter().map(|v| v.as_f64().unwrap() as f32).collect()
    };
    let expected = numbers("output");
    let mut network = network;
    if network.feed(&Before::range(0.0, 1.0)).is_err() {
        return Some("its input cannot be fed".into());
    }
    let got = logits(&network, &image(network.input.len()));
    let scale = expected.iter().fold(1.0f32, |m, v| m.max(v.abs()));
    let close = expected.iter().zip(&got).all(|(e, g)| (e - g).abs() <= 1e-4 * scale);
    (!close || expected.len() != got.len()).then(|| format!("{expected:?} expected, got {got:?}"))
}

#[test]
fn every_exported_pattern_imports_or_is_refused() {
    let text = std::fs::read_to_string(folder().join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let fixtures = expected["fixtures"].as_array().unwrap();
    assert!(fixtures.len() > 100);
    let faults: Vec<String> = fixtures
        .iter()
        .filter_map(|f| fault(f).map(|why| format!("{}: {why}", f["file"])))
        .collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), fixtures.len(), faults.join("\n"));
}
