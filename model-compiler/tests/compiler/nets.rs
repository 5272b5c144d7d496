//! Small networks around a pattern.

use tacita_compile::testing::ModelBuilder;
use tacita_onnx::{AttributeProto, ModelProto, NodeProto, TensorProto};

use crate::reference::evaluate;

/// image -> `body` -> flatten -> fully connected, with as many features as `body` makes.
pub fn around(
    seed: u64,
    dims: [usize; 3],
    body: impl Fn(&mut ModelBuilder) -> String,
) -> ModelProto {
    let mut b = ModelBuilder::new(seed, dims);
    let x = body(&mut b);
    let features = evaluate(&b.finish(&x, 1), &vec![0.5; dims.iter().product()], dims).len();
    let mut b = ModelBuilder::new(seed, dims);
    let x = body(&mut b);
    let x = b.op("Flatten", "flatten", &[&x]);
    let x = b.gemm("fc", &x, features, 3);
    b.finish(&x, 3)
}

/// A node named after what it makes.
pub fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto::new(op, output, inputs, output)
}

/// Adds a vector of integers as a constant.
pub fn integers(b: &mut ModelBuilder, name: &str, values: &[i64]) -> String {
    let value = TensorProto::from_i64(name, values);
    b.push(NodeProto {
        attribute: vec![AttributeProto {
            name: "value".into(),
            t: Some(value),
            ..AttributeProto::default()
        }],
        ..NodeProto::new("Constant", "", &[], name)
    })
}

/// A convolution with the given weights' shape and attributes.
pub fn conv(
    b: &mut ModelBuilder,
    x: &str,
    name: &str,
    dims: [usize; 4],
    edit: impl FnOnce(NodeProto) -> NodeProto,
) -> String {
    let [o, i, h, w] = dims;
    let weights = b.uniforms(o * i * h * w, 0.0, 1.0);
    let bias = b.uniforms(o, 0.0, 0.5);
    let weights = b.constant(&format!("{name}.weight"), &dims, &weights);
    let bias = b.constant(&format!("{name}.bias"), &[o], &bias);
    b.push(edit(node("Conv", &[x, &weights, &bias], name)))
}
