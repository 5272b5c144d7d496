//! Public ONNX files import and compute what they say. They are not part of the repository.

use std::path::PathBuf;

use prost::Message;
use tacet_compile::read;
use tacet_onnx::ModelProto;

use crate::reference::assert_imports;

fn data() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    std::env::var_os("TACET_DATA").map_or_else(|| default.into(), PathBuf::from)
}

fn bytes(file: &str) -> Option<Vec<u8>> {
    let found = std::fs::read(data().join(file)).ok();
    if found.is_none() {
        println!("skipped: {file} is absent (set TACET_DATA)");
    }
    found
}

#[test]
fn mnist_networks_import() {
    for file in [
        "models/microsoft+onnxruntime-inference-examples/mnist.onnx",
        "models/webonnx+wonnx/opt-mnist.onnx",
    ] {
        let Some(bytes) = bytes(file) else { continue };
        let model = ModelProto::decode(bytes.as_slice()).unwrap();
        let network = assert_imports(&model, [1, 28, 28]);
        assert_eq!(network.classes(), 10);
        // image, two convolutions and their pools, logits
        assert_eq!(network.layers.len(), 6);
    }
}

/// Networks that scripts convert from checkpoints, where their results lie in the data's folder.
#[test]
fn converted_networks_import() {
    let folder = data().join("converted");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is absent", folder.display());
        return;
    };
    for path in files.map(|f| f.unwrap().path()) {
        let bytes = std::fs::read(&path).unwrap();
        let network = read(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let s = network.input;
        assert_imports(
            &ModelProto::decode(bytes.as_slice()).unwrap(),
            [s.channels, s.height, s.width],
        );
    }
}
