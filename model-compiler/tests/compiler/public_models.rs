//! Public ONNX files must import or be refused clearly. They are not part of the repository.

use std::path::PathBuf;

use tacet_compile::{Error, import};

fn data() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    std::env::var_os("TACET_DATA").map_or_else(|| default.into(), PathBuf::from)
}

#[test]
fn mnist_networks_are_refused_by_operator() {
    for file in [
        "models/microsoft+onnxruntime-inference-examples/mnist.onnx",
        "models/webonnx+wonnx/opt-mnist.onnx",
    ] {
        let path = data().join(file);
        let Ok(bytes) = std::fs::read(&path) else {
            println!("skipped: {file} is absent (set TACET_DATA)");
            continue;
        };
        match import(&bytes) {
            Ok(network) => println!("{file}: {} layers", network.layers.len()),
            Err(e @ (Error::Unsupported { .. } | Error::Node { .. })) => println!("{file}: {e}"),
            Err(e) => panic!("{file}: {e}"),
        }
    }
}
