//! Models whose data lie in other files, as PyTorch's exporter writes them by default: the library,
//! and the program from end to end.

use std::path::{Path, PathBuf};
use std::process::Output;

use prost::Message;
use tacita_compile::testing::ResNet;
use tacita_compile::{load, read_model};
use tacita_onnx::{ModelProto, StringStringEntryProto};

use crate::cli::{json, pictures, run, text};
use crate::exporters::{assert_same, plain};

/// Writes the model with all its data in `file`, at odd places, as PyTorch does.
fn split_up(model: &ModelProto, folder: &Path, location: &str, file: &Path) {
    let mut model = model.clone();
    let mut data = vec![7u8; 3];
    for t in &mut model.graph.as_mut().unwrap().initializer {
        let bytes = std::mem::take(&mut t.raw_data);
        let entry = |key: &str, value: String| StringStringEntryProto { key: key.into(), value };
        t.data_location = 1;
        t.external_data = vec![
            entry("location", location.into()),
            entry("offset", data.len().to_string()),
            entry("length", bytes.len().to_string()),
        ];
        data.extend(bytes);
    }
    std::fs::write(file, data).unwrap();
    std::fs::write(folder.join("model.onnx"), model.encode_to_vec()).unwrap();
}

#[test]
fn data_in_other_files_are_read_from_the_models_folder_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (inside, outside) = (dir.path().join("model"), dir.path().join("secret.data"));
    std::fs::create_dir_all(inside.join("sub")).unwrap();
    let model = plain(3);
    let path = inside.join("model.onnx");
    for location in ["model.onnx.data", "sub/weights.bin", "./sub/../model.onnx.data"] {
        split_up(&model, &inside, location, &inside.join(location));
        assert_same(&load(&path).unwrap(), &model, 1e-4);
    }
    // Bytes alone do not say where.
    let message = read_model(&ModelProto::decode(&std::fs::read(&path).unwrap()[..]).unwrap());
    assert!(message.err().unwrap().to_string().contains("outside of the model"));
    let refusal = |location: &str| {
        split_up(&model, &inside, location, &outside);
        load(&path).err().unwrap().to_string()
    };
    for location in
        ["../secret.data", outside.to_str().unwrap(), "sub/../../secret.data", "missing", "sub", ""]
    {
        let text = refusal(location);
        assert!(text.contains("conv.weight") || text.contains("another file"), "{text}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&outside, inside.join("link")).unwrap();
        assert!(refusal("link").contains("own folder"));
    }
    split_up(&model, &inside, "short", &inside.join("short"));
    std::fs::write(inside.join("short"), [0; 50]).unwrap();
    assert!(load(&path).err().unwrap().to_string().contains("50 bytes"));
}

/// A folder with a whole model, one that is split up, and pictures.
struct Place {
    dir: tempfile::TempDir,
    /// The program's pictures: one, and a batch.
    image: PathBuf,
    batch: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("split")).unwrap();
        let (image, batch) = pictures(dir.path());
        let this = Self { dir, image, batch };
        std::fs::write(this.at("whole.onnx"), Self::model().encode_to_vec()).unwrap();
        this.split("model.onnx.data", "split/model.onnx.data");
        this
    }

    fn model() -> ModelProto {
        ResNet { side: 32, widths: [2, 2, 2], classes: 10, ..ResNet::tiny(4, 0.5) }.model()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes the model so that it names `location`, its data to `file`.
    fn split(&self, location: &str, file: &str) {
        split_up(&Self::model(), &self.at("split"), location, &self.at(file));
    }

    fn build(&self, model: &str, plan: &str) -> Output {
        let (model, plan) = (self.at(model), self.at(plan));
        run(&["build", text(&model), "-o", text(&plan), "--batch", "2", "--drawn-ranges"])
    }
}

#[test]
fn the_program_takes_a_model_with_its_data_beside_it() {
    let place = Place::new();
    for (model, plan) in [("whole.onnx", "whole.plan"), ("split/model.onnx", "split.plan")] {
        let out = place.build(model, plan);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
    let plans = ["whole.plan", "split.plan"].map(|p| std::fs::read(place.at(p)).unwrap());
    assert!(plans[0] == plans[1]);
    let (model, plan) = (place.at("split/model.onnx"), place.at("split.plan"));
    let answer = json(&["simulate", text(&plan), "--data", text(&place.image), "--each", "--json"]);
    assert_eq!(answer["each"][0]["logits"].as_array().unwrap().len(), 10);
    assert!(run(&["explain", text(&model)]).status.success());
    let simulate =
        ["simulate", text(&plan), "--data", text(&place.batch), "--model", text(&model), "--json"];
    assert!(json(&simulate)["agreement_float"].as_f64().unwrap() >= 0.75);
    let page = place.at("page.html");
    let with = ["--model", text(&model), "--data", text(&place.batch)];
    let report = [&["report", text(&plan), "-o", text(&page)][..], &with].concat();
    assert!(run(&report).status.success());
}

#[test]
fn ranges_are_stored_beside_the_data_alone() {
    let place = Place::new();
    let model = place.at("split/model.onnx");
    let calibrate = |output: &Path| {
        run(&["calibrate", text(&model), "--data", text(&place.batch), "-o", text(output)])
    };
    let out = calibrate(&place.at("elsewhere.onnx"));
    assert_eq!(out.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&out.stderr).contains("lie in other files"));
    assert!(calibrate(&place.at("split/ranged.onnx")).status.success());
    let (ranged, plan) = (place.at("split/ranged.onnx"), place.at("ranged.plan"));
    let built = json(&["build", text(&ranged), "-o", text(&plan), "--batch", "2", "--json"]);
    assert!(!built["warnings"].to_string().contains("--calibrate"), "{}", built["warnings"]);
}

#[test]
fn the_program_reads_no_data_from_elsewhere() {
    let place = Place::new();
    let outside = place.at("secret.data");
    let refused = |location: &str, file: &str, why: &str| {
        place.split(location, file);
        let out = place.build("split/model.onnx", "never.plan");
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(3), "{said}");
        assert!(said.contains("conv1.weight") && said.contains(why), "{said}");
        assert!(!place.at("never.plan").exists());
    };
    refused("../secret.data", "secret.data", "own folder");
    refused(text(&outside), "secret.data", "own folder");
    refused("lost.data", "secret.data", "keep it beside the model");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&outside, place.at("split/link.data")).unwrap();
        refused("link.data", "secret.data", "own folder");
    }
    // The model alone, its data left behind.
    std::fs::remove_file(place.at("split/model.onnx.data")).unwrap();
    refused("model.onnx.data", "secret.data", "keep it beside the model");
}
