//! Files written by real exporters, against the logits of the framework that they came from.

use std::path::PathBuf;

use serde_json::Value;
use tacita_compile::pixels::Before;
use tacita_compile::{Calibration, Network, Options, compile, import_model, load, read_model};
use tacita_image_input::{encode, normalise};
use tacita_protocol::plan::{InputSpec, clear};

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
    let path = folder().join(fixture["file"].as_str().unwrap());
    let network = match load(&path).and_then(|model| read_model(&model)) {
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

/// Largest difference of the plan's logits from the float network's, relative to the largest logit.
fn lost_in_fixed_point(network: &Network) -> f32 {
    let images = Calibration::synthetic(network.input, 12);
    let (plan, _) = compile(network, &images, &Options::default()).unwrap();
    let [mean, std] = [&network.mean, &network.std].map(|v| v.clone().unwrap());
    let spec = InputSpec::new(mean, std);
    let scale = f64::from(plan.public.logit_frac()).exp2();
    let (mut off, mut largest) = (0f32, 0f32);
    for image in &images.images {
        let real = normalise(image, network.input, &spec).unwrap();
        let float = network.evaluate(&real.iter().map(|x| *x as f32).collect::<Vec<_>>());
        let tensors = clear::evaluate(&plan, &encode(image, &plan.public).unwrap());
        for (fixed, float) in tensors.last().unwrap().iter().zip(float) {
            off = off.max(((*fixed as f64 / scale) as f32 - float).abs());
            largest = largest.max(float.abs());
        }
    }
    off / largest
}

#[test]
fn what_pytorch_exports_by_default_compiles() {
    let text = std::fs::read_to_string(folder().join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let fixtures = expected["fixtures"].as_array().unwrap().iter();
    let defaults: Vec<&Value> = fixtures.filter(|f| f["exporter"] == "default").collect();
    assert!(defaults.len() >= 6);
    for fixture in defaults {
        let path = folder().join(fixture["file"].as_str().unwrap());
        assert!(path.with_extension("onnx.data").exists());
        let mut network = import_model(&load(&path).unwrap()).unwrap();
        network.feed(&Before::range(0.0, 1.0)).unwrap();
        let off = lost_in_fixed_point(&network);
        assert!(off < 0.03, "{}: logits off by {off}", fixture["file"]);
    }
}
