//! Operators that make images larger, on many geometries, against a float runtime that is not ours.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests, outside the test functions"
)]

use prost::Message;
use tacita_compile::read_model;
use tacita_compile::testing::ModelBuilder;
use tacita_onnx::{AttributeProto, ModelProto, NodeProto, ValueInfoProto};
use tract_onnx::onnx;
use tract_onnx::prelude::*;

/// A model of one node over an image of these sizes, whose map has `out` sizes.
fn model(
    seed: u64,
    [c, h, w]: [usize; 3],
    out: [usize; 3],
    node: impl FnOnce(&mut ModelBuilder) -> NodeProto,
) -> ModelProto {
    let mut b = ModelBuilder::new(seed, [c, h, w]);
    let node = node(&mut b);
    let y = b.push(node);
    b.metadata("tacita.mean", "0");
    b.metadata("tacita.std", "1");
    let mut model = b.finish(&y, 1);
    let dims: Vec<i64> = [1, out[0], out[1], out[2]].map(|d| d as i64).into();
    model.graph.as_mut().unwrap().output = vec![ValueInfoProto::float(&y, &dims)];
    model
}

fn node(op: &str, inputs: &[&str]) -> NodeProto {
    NodeProto::new(op, "y", inputs, "y")
}

fn text(mut node: NodeProto, name: &str, value: &str) -> NodeProto {
    let (name, s) = (name.to_owned(), value.as_bytes().to_vec());
    // A string.
    node.attribute.push(AttributeProto { name, s, r#type: 3, ..AttributeProto::default() });
    node
}

/// Both runtimes on one image.
fn agree(model: &ModelProto, [c, h, w]: [usize; 3]) {
    let bytes = model.encode_to_vec();
    let x = ModelBuilder::new(99, [c, h, w]).uniforms(c * h * w, 0.0, 1.0);
    let ours = read_model(model).unwrap().evaluate(&x);
    let tract = onnx().model_for_read(&mut &bytes[..]).unwrap();
    let tract = tract.with_input_fact(0, f32::fact([1, c, h, w]).into()).unwrap();
    let tract = tract.into_optimized().unwrap().into_runnable().unwrap();
    let image = Tensor::from_shape(&[1, c, h, w], &x).unwrap();
    let out = tract.run(tvec!(image.into())).unwrap();
    let theirs: Vec<f32> = out[0].to_plain_array_view::<f32>().unwrap().iter().copied().collect();
    assert_eq!(ours.len(), theirs.len());
    for (a, b) in ours.iter().zip(&theirs) {
        assert!((a - b).abs() < 1e-4, "{a} {b}: {:?}", model.graph.as_ref().unwrap().node);
    }
}

#[test]
fn transposed_convolutions() {
    let mut tried = 0;
    for (k, s, p, extra) in (1..5usize).flat_map(|k| {
        (1..4usize).flat_map(move |s| {
            (0..3usize).flat_map(move |p| (0..s.min(2)).map(move |e| (k, s, p, e)))
        })
    }) {
        let dims = [2, 3, 5];
        let side = |n: usize| ((n - 1) * s + k + extra).checked_sub(2 * p).filter(|n| *n > 0);
        let (Some(h), Some(w)) = (side(3), side(5)) else { continue };
        let model = model(tried, dims, [3, h, w], |b| {
            let weights = b.uniforms(2 * 3 * k * k, 0.0, 1.0);
            let bias = b.uniforms(3, 0.0, 1.0);
            let weights = b.constant("w", &[2, 3, k, k], &weights);
            let bias = b.constant("b", &[3], &bias);
            let image = b.image();
            let n = node("ConvTranspose", &[&image, &weights, &bias]);
            let n =
                n.with_ints("kernel_shape", &[k as i64; 2]).with_ints("strides", &[s as i64; 2]);
            n.with_ints("pads", &[p as i64; 4]).with_ints("output_padding", &[extra as i64; 2])
        });
        agree(&model, dims);
        tried += 1;
    }
    assert!(tried > 40, "{tried}");
}

#[test]
fn resizes() {
    let ways = [
        ("nearest", "asymmetric", "floor"),
        ("nearest", "half_pixel", "round_prefer_floor"),
        ("linear", "half_pixel", "floor"),
        ("linear", "asymmetric", "floor"),
    ];
    for (mode, places, nearest) in ways {
        for (sh, sw) in [(2, 2), (1, 3), (3, 2), (4, 4), (5, 1)] {
            let dims = [2, 4, 3];
            let model = model(1, dims, [2, 4 * sh, 3 * sw], |b| {
                let scales = b.constant("scales", &[4], &[1.0, 1.0, sh as f32, sw as f32]);
                let image = b.image();
                let n = node("Resize", &[&image, "", &scales]);
                let n = text(text(n, "mode", mode), "nearest_mode", nearest);
                text(n, "coordinate_transformation_mode", places)
            });
            agree(&model, dims);
        }
    }
}

#[test]
fn pixel_shuffles() {
    for (mode, block) in [("CRD", 2), ("DCR", 2), ("CRD", 3), ("DCR", 3)] {
        let dims = [2 * block * block, 2, 3];
        let model = model(1, dims, [2, 2 * block, 3 * block], |b| {
            let image = b.image();
            let n = node("DepthToSpace", &[&image]).with_int("blocksize", block as i64);
            text(n, "mode", mode)
        });
        agree(&model, dims);
    }
}
