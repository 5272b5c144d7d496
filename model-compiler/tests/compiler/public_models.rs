//! Public ONNX files import and compute what they say. They are not part of the repository.

use std::path::PathBuf;

use prost::Message;
use tacita_compile::read;
use tacita_onnx::ModelProto;

use crate::reference::assert_imports;

fn data() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    std::env::var_os("TACITA_DATA").map_or_else(|| default.into(), PathBuf::from)
}

#[test]
fn mnist_networks_import() {
    for file in [
        "models/microsoft+onnxruntime-inference-examples/mnist.onnx",
        "models/webonnx+wonnx/opt-mnist.onnx",
    ] {
        let Ok(bytes) = std::fs::read(data().join(file)) else {
            println!("skipped: {file} is absent (set TACITA_DATA)");
            continue;
        };
        let model = ModelProto::decode(bytes.as_slice()).unwrap();
        let network = assert_imports(&model, [1, 28, 28]);
        assert_eq!(network.classes(), 10);
        // image, two convolutions and their pools, logits
        assert_eq!(network.layers.len(), 6);
    }
}

/// Networks that scripts convert from checkpoints, in the folder that `TACITA_CONVERTED` names.
#[test]
fn converted_networks_import() {
    let Some(folder) = std::env::var_os("TACITA_CONVERTED").map(PathBuf::from) else {
        println!("skipped: TACITA_CONVERTED names no folder of converted networks");
        return;
    };
    for path in std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()) {
        if path.extension().is_none_or(|e| e != "onnx") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let s = read(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display())).input;
        let model = ModelProto::decode(bytes.as_slice()).unwrap();
        let network = assert_imports(&model, [s.channels, s.height, s.width]);
        println!("{}: {} layers, {} ReLUs", path.display(), network.layers.len(), network.relus());
    }
}
