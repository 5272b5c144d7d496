//! What cannot be imported is refused by name.

use tacita_compile::testing::{ConvSpec, ModelBuilder, ResNet};
use tacita_compile::{Error, import, import_model};
use tacita_onnx::{ModelProto, NodeProto};

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
    for op in ["Sigmoid", "Gelu", "GridSample", "LayerNormalization", "Det", "LSTM"] {
        let e = error(&with_tail(|b, x| b.op(op, "stage1.odd", &[x])));
        let Error::Unsupported { at, .. } = &e else { panic!("{e}") };
        assert_eq!((at.operator.as_str(), at.layer.as_str()), (op, "stage1.odd"));
        let text = e.to_string();
        assert!(text.contains(&format!("`/stage1/odd/{op}`")), "{text}");
        assert!(text.contains("supported are Conv, Gemm"), "{text}");
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
        (conv_with(|n| n.with_int("group", 3)), "3 channels a group in 3 groups"),
        (conv_with(|n| n.with_ints("dilations", &[2, 2])), "does not fit"),
        (conv_with(|n| n.with_ints("dilations", &[1 << 12, 1])), "too large a kernel"),
        (conv_with(|n| n.with_ints("dilations", &[0, 1])), "out of range"),
        (conv_with(|n| n.with_ints("strides", &[0, 1])), "a stride of 0"),
        (conv_with(|n| n.with_ints("pads", &[-1, 0, -1, 0])), "not 4 sizes"),
        (conv_with(|n| n.with_ints("kernel_shape", &[5, 5])), "kernel_shape"),
    ];
    for (text, expected) in cases {
        assert!(text.contains(expected) && text.contains("node `odd` (Conv"), "{text}");
    }
}

#[test]
fn images_must_be_two_dimensional() {
    for (rank, name) in [(3, "weights of 3 dimensions"), (5, "3-dimensional")] {
        let text = error(&with_tail(|b, x| {
            let w = b.constant("odd.weight", &vec![1; rank], &[1.0]);
            b.push(NodeProto::new("Conv", "odd", &[x, &w], "y"))
        }));
        assert!(text.to_string().contains(name), "{text}");
    }
}

#[test]
fn polynomials_and_gates_are_explained() {
    let square = |op: &str| {
        error(&with_tail(|b, x| {
            let two = b.constant("two", &[], &[2.0]);
            b.op(op, "square", &[x, if op == "Pow" { &two } else { x }])
        }))
    };
    for op in ["Mul", "Pow"] {
        let text = square(op).to_string();
        assert!(text.contains("CryptoNets") && text.contains("ReLU, masked"), "{text}");
    }
    let text = error(&with_tail(|b, x| b.op("Sigmoid", "gate", &[x]))).to_string();
    assert!(text.contains("train or fine-tune the network with ReLU"), "{text}");
    let text = error(&with_tail(|b, x| {
        let y = b.op("Relu", "r", &[x]);
        b.op("Mul", "gate", &[x, &y])
    }));
    assert!(text.to_string().contains("squeeze-and-excitation"), "{text}");
}

#[test]
fn other_misuse_says_why() {
    let cases = [
        (with_tail(|b, x| b.op("Relu", "r", &["nowhere", x])), "reads `nowhere`"),
        (
            with_tail(|b, x| {
                let y = b.op("Flatten", "early", &[x]);
                b.conv("late", &y, ConvSpec::same(3, 3, 3, 1), false)
            }),
            "an image [1, channels, rows, columns] or a signal",
        ),
        (
            with_tail(|b, x| {
                let node = NodeProto::new("Transpose", "turn", &[x], "y");
                let y = b.push(node.with_ints("perm", &[0, 1, 3, 2]));
                b.conv("late", &y, ConvSpec::same(3, 3, 3, 1), false)
            }),
            "would have to be rearranged",
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
    let x = b.op("Flatten", "flatten", &[&x]);
    assert!(error(&b.finish(&x, 48)).to_string().contains("one logit a class, or a map"));

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
