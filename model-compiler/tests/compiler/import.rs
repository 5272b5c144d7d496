//! Folding, geometry, residual sums, fully connected layers, against the unfolded reference.

use tacita_compile::testing::{ConvSpec, ModelBuilder, ResNet};
use tacita_compile::{FloatOp, Network, import_model, read_model};
use tacita_onnx::{AttributeProto, ModelProto, NodeProto, TensorProto};

use crate::reference::assert_imports;

/// Ends a network: global average, flatten, fully connected.
fn head(mut b: ModelBuilder, x: &str, channels: usize) -> ModelProto {
    let x = b.op("GlobalAveragePool", "pool", &[x]);
    let x = b.op("Flatten", "flatten", &[&x]);
    let x = b.gemm("fc", &x, channels, 3);
    b.finish(&x, 3)
}

fn terms(network: &Network, layer: usize) -> Vec<&'static str> {
    let name = |op: &FloatOp| match op {
        FloatOp::Conv { .. } => "conv",
        FloatOp::Copy(_) => "identity",
        FloatOp::AvgPool(_) | FloatOp::MaxPool(_) => "pool",
    };
    network.layers[layer].terms.iter().map(|t| name(&t.op)).collect()
}

#[test]
fn batch_norm_folds_into_the_convolution() {
    let dims = [3, 6, 5];
    let mut b = ModelBuilder::new(3, dims);
    let x = b.conv("conv", &b.image(), ConvSpec::same(3, 4, 3, 1), true);
    let x = b.batch_norm("bn", &x, 4);
    let x = b.op("Relu", "relu", &[&x]);
    let network = assert_imports(&head(b, &x, 4), dims);
    assert_eq!(network.layers.len(), 4);
}

#[test]
fn strides_paddings_and_kernels() {
    let dims = [2, 9, 7];
    for stride in [1, 2, 3] {
        for kernel in [1, 2, 3, 5] {
            for pad in 0..kernel {
                let spec = ConvSpec { from: 2, to: 3, kernel, stride, pad };
                let mut b = ModelBuilder::new(4, dims);
                let x = b.conv("conv", &b.image(), spec, true);
                let x = b.op("Relu", "relu", &[&x]);
                assert_imports(&head(b, &x, 3), dims);
            }
        }
    }
}

/// A 3x3 convolution whose padding is named instead of given.
fn auto_padded(mode: &str, size: usize, stride: i64) -> ModelProto {
    let mut b = ModelBuilder::new(5, [1, size, size]);
    let w = b.uniforms(9, 0.0, 1.0);
    let w = b.constant("conv.weight", &[1, 1, 3, 3], &w);
    let mut node = NodeProto::new("Conv", "conv", &["image", &w], "c");
    node.attribute.push(AttributeProto {
        name: "auto_pad".into(),
        s: mode.as_bytes().to_vec(),
        ..AttributeProto::default()
    });
    let x = b.push(node.with_ints("strides", &[stride, stride]));
    head(b, &x, 1)
}

#[test]
fn named_paddings() {
    let shape = |model: &ModelProto| read_model(model).unwrap().layers[1].shape;
    assert_eq!(shape(&auto_padded("SAME_UPPER", 8, 1)).height, 8);
    assert_eq!(shape(&auto_padded("SAME_LOWER", 7, 2)).height, 4);
    assert_eq!(shape(&auto_padded("VALID", 8, 1)).height, 6);
    let even = read_model(&auto_padded("SAME_UPPER", 8, 2)).unwrap();
    let FloatOp::Conv { shape, .. } = &even.layers[1].terms[0].op else { panic!() };
    assert_eq!((shape.pad.top, shape.pad.bottom, even.layers[1].shape.height), (0, 1, 4));
}

#[test]
fn residual_blocks_become_sums_of_terms() {
    let model = ResNet::tiny(6, 0.5).model();
    let network = assert_imports(&model, [3, 8, 8]);
    // image, stem, three blocks of two, pool, logits
    assert_eq!(network.layers.len(), 10);
    assert_eq!(terms(&network, 3), ["conv", "identity"]);
    assert_eq!(terms(&network, 5), ["conv", "conv"]);
    assert_eq!(network.layers[3].name, "layer1.0.act2");
    assert_eq!(network.labels.len(), 5);
    assert_eq!(network.mean.as_deref().map(<[f32]>::len), Some(3));
}

#[test]
fn sums_of_many_terms_and_of_a_value_with_itself() {
    let dims = [2, 4, 4];
    let mut b = ModelBuilder::new(7, dims);
    let spec = ConvSpec::same(2, 2, 3, 1);
    let image = b.image();
    let a = b.conv("a", &image, spec, true);
    let c = b.conv("c", &image, spec, true);
    let sum = b.op("Sum", "sum", &[&a, &c, &image]);
    let twice = b.op("Add", "twice", &[&sum, &sum]);
    let x = b.op("Relu", "relu", &[&twice]);
    let network = assert_imports(&head(b, &x, 2), dims);
    assert_eq!(terms(&network, 1), ["conv", "conv", "identity"]);
    assert_eq!(terms(&network, 2), ["identity", "identity"]);
    assert_eq!(network.layers[1].unmasked_relus, 0);

    let mut b = ModelBuilder::new(7, dims);
    let mut x = b.image();
    for i in 0..20 {
        let y = b.conv(&format!("c{i}"), "image", spec, false);
        x = b.op("Add", &format!("add{i}"), &[&x, &y]);
    }
    let network = assert_imports(&head(b, &x, 2), dims);
    assert!(network.layers.iter().all(|l| l.terms.len() <= 16));
}

#[test]
fn convolutions_read_by_convolutions_are_cut() {
    let dims = [2, 4, 4];
    let mut b = ModelBuilder::new(8, dims);
    let x = b.conv("a", &b.image(), ConvSpec::same(2, 3, 1, 1), true);
    let x = b.conv("b", &x, ConvSpec::same(3, 2, 3, 1), true);
    let x = b.op("Relu", "relu", &[&x]);
    let network = assert_imports(&head(b, &x, 2), dims);
    assert_eq!((network.layers[1].name.as_str(), network.layers[1].unmasked_relus), ("a", 0));
}

#[test]
fn average_pools_of_any_window() {
    for (kernel, stride) in [(2, 2), (3, 2), (2, 1), (6, 1)] {
        let dims = [2, 6, 6];
        let mut b = ModelBuilder::new(9, dims);
        let x = b.conv("a", &b.image(), ConvSpec::same(2, 3, 3, 1), true);
        let x = b.op("Relu", "relu", &[&x]);
        let node = NodeProto::new("AveragePool", "avg", &[&x], "avg");
        let node = node.with_ints("kernel_shape", &[kernel, kernel]);
        let x = b.push(node.with_ints("strides", &[stride, stride]));
        let network = assert_imports(&head(b, &x, 3), dims);
        assert_eq!(terms(&network, 2), ["pool"]);
    }
}

#[test]
fn fully_connected_layers_in_every_spelling() {
    let dims = [2, 3, 3];
    let build = |spelling: usize| {
        let mut b = ModelBuilder::new(10, dims);
        let x = b.conv("a", &b.image(), ConvSpec::same(2, 2, 3, 1), true);
        let x = b.op("Relu", "relu", &[&x]);
        let to = TensorProto {
            dims: vec![2],
            data_type: 7,
            int64_data: vec![0, -1],
            ..TensorProto::default()
        };
        let x = if spelling == 0 {
            b.op("Flatten", "flatten", &[&x])
        } else {
            let node = NodeProto::new("Constant", "", &[], "to");
            b.push(NodeProto {
                attribute: vec![AttributeProto {
                    name: "value".into(),
                    t: Some(to),
                    ..AttributeProto::default()
                }],
                ..node
            });
            b.push(NodeProto::new("Reshape", "reshape", &[&x, "to"], "flat"))
        };
        let w = b.uniforms(18 * 4, 0.0, 0.5);
        let c = b.uniforms(4, 0.0, 0.5);
        let (w, c) = (b.constant("w", &[18, 4], &w), b.constant("c", &[4], &c));
        let x = match spelling {
            0 => {
                let node = NodeProto::new("Gemm", "fc", &[&x, &w, &c], "y");
                b.push(node.with_float("alpha", 0.5).with_float("beta", 2.0))
            }
            1 => {
                let y = b.push(NodeProto::new("MatMul", "fc", &[&x, &w], "y"));
                b.op("Add", "fc.add", &[&c, &y])
            }
            _ => b.push(NodeProto::new("MatMul", "fc", &[&x, &w], "y")),
        };
        let x = b.op("Relu", "relu2", &[&x]);
        let x = b.op("Dropout", "dropout", &[&x]);
        let x = b.gemm("last", &x, 4, 3);
        let x = b.op("Identity", "out", &[&x]);
        b.finish(&x, 3)
    };
    for spelling in 0..3 {
        let network = assert_imports(&build(spelling), dims);
        assert_eq!(network.layers.len(), 4, "{spelling}");
        assert_eq!(network.layers[2].unmasked_relus, 4);
    }
}

#[test]
fn a_final_softmax_is_dropped_with_a_warning() {
    let mut b = ModelBuilder::new(11, [1, 2, 2]);
    let x = b.op("Flatten", "flatten", &["image"]);
    let x = b.gemm("fc", &x, 4, 3);
    let x = b.op("Softmax", "softmax", &[&x]);
    let network = import_model(&b.finish(&x, 3)).unwrap();
    assert!(
        network.warnings.iter().any(|w| w.contains("Softmax") && w.contains("left to the client"))
    );
}

#[test]
fn a_symbolic_batch_is_fine() {
    let mut model = ResNet::tiny(12, 1.0).model();
    let input = &mut model.graph.as_mut().unwrap().input[0];
    let dims = &mut input.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap();
    dims.shape.as_mut().unwrap().dim[0].value =
        Some(tacita_onnx::DimensionValue::Param("batch".into()));
    assert!(import_model(&model).is_ok());
}
