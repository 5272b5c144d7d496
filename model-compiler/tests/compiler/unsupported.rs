//! What cannot be imported is refused by name.

use tacet_compile::testing::{ConvSpec, ModelBuilder, ResNet};
use tacet_compile::{Error, import, import_model};
use tacet_onnx::{ModelProto, NodeProto};

fn error(model: &ModelProto) -> Error {
    import_model(model).err().expect("it must be refused")
}

/// conv -> the nodes of `tail` -> pool -> fc.
fn with_tail(tail: impl FnOnce(&mut ModelBuilder, &str) -> String) -> ModelProto {
    let mut b = ModelBuilder::new(2, [2, 4, 4]);
    let x = b.conv("stem.conv", &b.image(), ConvSpec::same(2, 3, 3, 1), true);
    let x = tail(&mut b, &x);
    let x = b.op("GlobalAveragePool", "pool", &[&x]);
    let x = b.op("Flatten", "flatten", &[&x]);
    let x = b.gemm("fc", &x, 3, 4);
    b.finish(&x, 4)
}

#[test]
fn unknown_operators_are_named_with_node_and_layer() {
    for op in ["MaxPool", "Sigmoid", "LeakyRelu", "Transpose", "Concat", "LSTM"] {
        let e = error(&with_tail(|b, x| b.op(op, "stage1.odd", &[x])));
        let Error::Unsupported { at, .. } = &e else { panic!("{e}") };
        assert_eq!((at.operator.as_str(), at.layer.as_str()), (op, "stage1.odd"));
        let text = e.to_string();
        assert!(text.contains(&format!("`/stage1/odd/{op}`")), "{text}");
        assert!(text.contains("supported are Conv, BatchNormalization"), "{text}");
        assert_eq!(e.exit_code(), 3);
    }
}

#[test]
fn a_foreign_domain_is_refused() {
    let e = error(&with_tail(|b, x| {
        let node = NodeProto::new("Relu", "fast", &[x], "y");
        b.push(NodeProto { domain: "com.example".into(), ..node })
    }));
    assert!(matches!(e, Error::Unsupported { .. }), "{e}");
}

/// One convolution node with an attribute that is not supported.
fn conv_with(edit: impl FnOnce(NodeProto) -> NodeProto) -> String {
    let e = error(&with_tail(|b, x| {
        let w = b.uniforms(3 * 3 * 9, 0.0, 1.0);
        let w = b.constant("odd.weight", &[3, 3, 3, 3], &w);
        b.push(edit(NodeProto::new("Conv", "odd", &[x, &w], "y")))
    }));
    assert!(matches!(e, Error::Node { .. }), "{e}");
    e.to_string()
}

#[test]
fn convolutions_beyond_the_protocol_say_why() {
    let cases = [
        (conv_with(|n| n.with_int("group", 3)), "grouped"),
        (conv_with(|n| n.with_ints("dilations", &[2, 2])), "dilated"),
        (conv_with(|n| n.with_ints("strides", &[1, 2])), "only one stride"),
        (conv_with(|n| n.with_ints("pads", &[0, 0, 1, 1])), "only symmetric padding"),
        (conv_with(|n| n.with_ints("pads", &[3, 3, 3, 3])), "does not fit"),
        (conv_with(|n| n.with_ints("pads", &[-1, 0, -1, 0])), "not 4 sizes"),
        (conv_with(|n| n.with_ints("kernel_shape", &[5, 5])), "kernel_shape"),
    ];
    for (text, expected) in cases {
        assert!(text.contains(expected) && text.contains("node `odd` (Conv"), "{text}");
    }
}

#[test]
fn batch_norm_that_cannot_be_folded_is_refused() {
    let after_relu = error(&with_tail(|b, x| {
        let x = b.op("Relu", "relu", &[x]);
        b.batch_norm("bn", &x, 3)
    }));
    let after_add = error(&with_tail(|b, x| {
        let y = b.op("Relu", "relu", &[x]);
        let z = b.conv("conv2", &y, ConvSpec::same(3, 3, 3, 1), false);
        let sum = b.op("Add", "add", &[&y, &z]);
        b.batch_norm("bn", &sum, 3)
    }));
    for e in [after_relu, after_add] {
        let text = e.to_string();
        assert!(text.contains("`/bn/BatchNormalization`"), "{text}");
        assert!(text.contains("not a Conv or Gemm that feeds it alone"), "{text}");
    }
}

#[test]
fn other_misuse_says_why() {
    let cases = [
        (with_tail(|b, x| b.op("Mul", "gate", &[x, x])), "masks must be constants"),
        (with_tail(|b, x| b.op("Relu", "r", &["nowhere", x])), "reads `nowhere`"),
        (
            with_tail(|b, x| {
                let c = b.constant("c", &[4, 4], &[0.5; 16].map(|v: f32| v));
                let d: Vec<f32> = (0..16).map(|i| i as f32).collect();
                let d = b.constant("d", &[4, 4], &d);
                let x = b.op("Add", "uniform", &[x, &c]);
                b.op("Add", "position", &[&x, &d])
            }),
            "differs within a channel",
        ),
        (
            with_tail(|b, x| {
                let node = NodeProto::new("AveragePool", "avg", &[x], "y");
                b.push(node.with_ints("kernel_shape", &[2, 2]).with_ints("pads", &[1; 4]))
            }),
            "padded average pooling",
        ),
        (
            with_tail(|b, x| {
                let y = b.op("Flatten", "early", &[x]);
                b.conv("late", &y, ConvSpec::same(3, 3, 3, 1), false)
            }),
            "an image is needed",
        ),
        (with_tail(|b, x| b.op("Softmax", "attention", &[x])), "only supported as the last"),
    ];
    for (model, expected) in cases {
        let text = error(&model).to_string();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn outputs_must_be_logits() {
    let mut b = ModelBuilder::new(2, [2, 4, 4]);
    let x = b.conv("conv", &b.image(), ConvSpec::same(2, 3, 3, 1), true);
    assert!(error(&b.finish(&x, 3)).to_string().contains("one logit a class"));

    let mut b = ModelBuilder::new(2, [1, 2, 2]);
    let x = b.op("Flatten", "flatten", &["image"]);
    let x = b.gemm("fc", &x, 4, 3);
    let x = b.op("Relu", "relu", &[&x]);
    assert!(error(&b.finish(&x, 3)).to_string().contains("ends in the ReLU `relu`"));

    let b = ModelBuilder::new(2, [1, 2, 2]);
    assert!(error(&b.finish("image", 4)).to_string().contains("computes nothing"));
    let b = ModelBuilder::new(2, [1, 2, 2]);
    assert!(error(&b.finish("nowhere", 4)).to_string().contains("no node makes"));
}

#[test]
fn files_that_are_no_model_are_refused() {
    assert!(import(b"this is not protobuf").err().unwrap().to_string().contains("not an ONNX"));
    assert!(import(b"").err().unwrap().to_string().contains("operator set"));
    let mut model = ResNet::tiny(1, 1.0).model();
    model.opset_import[0].version = 99;
    assert!(error(&model).to_string().contains("operator set 99, 7 to 24 are known"));
    model.opset_import[0].version = 6;
    assert!(error(&model).to_string().contains("operator set 6"));
}
