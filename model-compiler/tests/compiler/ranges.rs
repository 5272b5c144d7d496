//! Value ranges that travel in the model.

use std::path::{Path, PathBuf};

use prost::Message;
use serde_json::Value;
use tacita_compile::testing::ResNet;
use tacita_compile::{Calibration, Network, Options, Ranges, compile, import};
use tacita_onnx::{ModelProto, StringStringEntryProto};

use crate::cli::{json, pictures, run, text};

const SMALL: ResNet = ResNet { side: 32, widths: [2, 2, 2], classes: 10, ..ResNet::tiny(1, 0.5) };
/// Protobuf field 4 (`domain`), which this workspace does not know, holding "zz".
const UNKNOWN: [u8; 4] = [0x22, 2, b'z', b'z'];

/// A model file and a CIFAR batch.
fn files(dir: &Path) -> (PathBuf, PathBuf) {
    let model = dir.join("m.onnx");
    std::fs::write(&model, [SMALL.bytes(), UNKNOWN.to_vec()].concat()).unwrap();
    (model, pictures(dir).1)
}

fn network(path: &Path) -> Network {
    import(&std::fs::read(path).unwrap()).unwrap()
}

fn with_ranges(model: ResNet, ranges: &str) -> Network {
    let mut model = model.model();
    let entry = StringStringEntryProto { key: "tacita.ranges".into(), value: ranges.into() };
    model.metadata_props.push(entry);
    import(&model.encode_to_vec()).unwrap()
}

fn magnitudes(report: &Value) -> Vec<u64> {
    let layers = report["layers"].as_array().unwrap().iter();
    layers.map(|l| l["magnitude"].as_u64().unwrap()).collect()
}

#[test]
fn a_calibrated_model_builds_without_images() {
    let dir = tempfile::tempdir().unwrap();
    let (model, data) = files(dir.path());
    let plan = dir.path().join("m.plan");
    let build = ["build", text(&model), "-o", text(&plan), "--json"];
    let from_images = json(&[&build[..], &["--calibrate", text(&data)]].concat());
    let old = ModelProto::decode(std::fs::read(&model).unwrap().as_slice()).unwrap();

    let out = json(&["calibrate", text(&model), "--data", text(&data), "--json"]);
    assert_eq!(out["images"], "4 images of batch.bin");
    assert_eq!(out["layers"].as_array().unwrap().len(), 10);

    let stored = json(&build);
    assert_eq!(stored["calibration"], "4 images of batch.bin, stored in the model");
    assert_eq!(stored["checked_on"], "32 drawn images");
    assert_eq!(stored["images"], 32);
    assert_eq!(stored["warnings"].as_array().unwrap().len(), 0);
    let pairs = magnitudes(&stored).into_iter().zip(magnitudes(&from_images));
    // The allowance for quantisation comes from other images.
    assert!(pairs.into_iter().all(|(a, b)| a.abs_diff(b) <= 1));

    let bytes = std::fs::read(&model).unwrap();
    assert!(bytes.windows(4).any(|w| w == UNKNOWN), "an unknown field is lost");
    let mut new = ModelProto::decode(bytes.as_slice()).unwrap();
    new.metadata_props.retain(|p| !p.key.starts_with("tacita.ranges"));
    assert_eq!(new, old);
}

#[test]
fn calibrating_again_replaces_the_ranges() {
    let dir = tempfile::tempdir().unwrap();
    let (model, data) = files(dir.path());
    let calibrate = |n: &str| {
        let out = run(&["calibrate", text(&model), "--data", text(&data), "-n", n]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        network(&model)
    };
    let (one, four, again) = (calibrate("1"), calibrate("4"), calibrate("1"));
    let largest = |n: &Network| Ranges::stored(n).unwrap().unwrap().layers().to_vec();
    assert_eq!(largest(&one), largest(&again));
    let pairs = largest(&one).into_iter().zip(largest(&four));
    assert!(pairs.clone().all(|(a, b)| a.1 <= b.1) && pairs.into_iter().any(|(a, b)| a.1 < b.1));
    let bytes = std::fs::read(&model).unwrap();
    let entries = ModelProto::decode(bytes.as_slice()).unwrap().metadata_props;
    assert_eq!(entries.iter().filter(|p| p.key == "tacita.ranges").count(), 1);
    assert_eq!(entries.len(), 5);
}

#[test]
fn the_output_may_be_another_file() {
    let dir = tempfile::tempdir().unwrap();
    let (model, data) = files(dir.path());
    let before = std::fs::read(&model).unwrap();
    let other = dir.path().join("other.onnx");
    json(&["calibrate", text(&model), "--data", text(&data), "-o", text(&other), "--json"]);
    assert_eq!(std::fs::read(&model).unwrap(), before);
    assert!(Ranges::stored(&network(&other)).unwrap().is_some());
    assert_eq!(Ranges::stored(&network(&model)).unwrap(), None);
}

#[cfg(unix)]
#[test]
fn rewriting_keeps_links_and_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (model, data) = files(dir.path());
    std::fs::set_permissions(&model, PermissionsExt::from_mode(0o640)).unwrap();
    let link = dir.path().join("link.onnx");
    std::os::unix::fs::symlink(&model, &link).unwrap();
    json(&["calibrate", text(&link), "--data", text(&data), "--json"]);
    assert!(link.is_symlink());
    assert_eq!(std::fs::metadata(&model).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(Ranges::stored(&network(&model)).unwrap().is_some());
}

#[test]
fn ranges_of_another_network_are_refused() {
    let refusal = |network: &Network| Ranges::stored(network).unwrap_err().to_string();
    let tiny = ResNet::tiny(1, 0.5);
    for (ranges, why) in [
        ("[[\"image\", 1.0]]", "cover 1 layers, the network has 10"),
        ("not json", "expected ident"),
        ("[[\"image\", null]]", "invalid type: null"),
    ] {
        let text = refusal(&with_ranges(tiny, ranges));
        assert!(text.contains(why) && text.contains("tacita-compile calibrate"), "{text}");
    }
    let named = |change: &dyn Fn(usize, &mut (String, f32))| {
        let network = import(&tiny.bytes()).unwrap();
        let images = Calibration::synthetic(network.input, 2);
        let mut layers = Ranges::measure(&network, &images).unwrap().layers().to_vec();
        layers.iter_mut().enumerate().for_each(|(i, l)| change(i, l));
        with_ranges(tiny, &serde_json::to_string(&layers).unwrap())
    };
    let text = refusal(&named(&|i, l| l.0 = if i == 3 { "else".into() } else { l.0.clone() }));
    assert!(text.contains("layer `else` stands where"), "{text}");
    let text = refusal(&named(&|_, l| l.1 = -1.0));
    assert!(text.contains("no magnitude"), "{text}");
    assert!(Ranges::stored(&named(&|_, _| ())).unwrap().is_some());
}

#[test]
fn unfit_ranges_do_not_stand_in_the_way_of_new_ones() {
    let dir = tempfile::tempdir().unwrap();
    let (model, data) = files(dir.path());
    let entries = [("tacita.ranges", "[]")];
    let bytes = tacita_onnx::with_metadata(&std::fs::read(&model).unwrap(), &entries).unwrap();
    std::fs::write(&model, bytes).unwrap();
    let plan = dir.path().join("m.plan");
    let build = ["build", text(&model), "-o", text(&plan), "--json"];
    let out = run(&build);
    assert_eq!(out.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&out.stderr).contains("calibrate it again"));
    json(&[&build[..], &["--calibrate", text(&data)]].concat());
    json(&["calibrate", text(&model), "--data", text(&data), "--json"]);
    json(&build);
    // They hold for one normalisation only.
    let out = run(&[&build[..], &["--mean", "0,0,0", "--std", "1,1,1"]].concat());
    assert!(String::from_utf8_lossy(&out.stderr).contains("own mean and std"));
}

#[test]
fn wider_ranges_widen_the_comparisons() {
    let network = import(&SMALL.bytes()).unwrap();
    let images = Calibration::synthetic(network.input, 2);
    let ranges = Ranges::measure(&network, &images).unwrap();
    let wide: Vec<_> = ranges.layers().iter().map(|(n, x)| (n, x * 8.0)).collect();
    let wide = with_ranges(SMALL, &serde_json::to_string(&wide).unwrap());
    let of = |network: &Network, images: &Calibration| {
        let (_, report) = compile(network, images, &Options::default()).unwrap();
        report.layers.iter().map(|l| l.magnitude).collect::<Vec<_>>()
    };
    let stored = Calibration::stored(&wide, 2).unwrap().unwrap();
    let pairs = of(&network, &images).into_iter().zip(of(&wide, &stored)).skip(1);
    assert!(pairs.into_iter().all(|(a, b)| (2..=3).contains(&(b - a))));
}
