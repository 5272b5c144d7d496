//! What exporters and tools that edit graphs leave behind: half precision, data in other files,
//! disorder, quantised weights, arithmetic on constants, faults.

use tacita_compile::testing::{ConvSpec, ModelBuilder, half};
use tacita_compile::{Error, import_model};
use tacita_onnx::{ModelProto, NodeProto, TensorProto};

use crate::nets::{around, conv, integers, node};
use crate::reference::{assert_imports, evaluate, image, normalised};

const DIMS: [usize; 3] = [3, 6, 6];

pub fn plain(seed: u64) -> ModelProto {
    around(seed, DIMS, |b| {
        let x = b.image();
        let x = conv(b, &x, "conv", [4, 3, 3, 3], |n| n.with_ints("pads", &[1; 4]));
        let x = b.batch_norm("bn", &x, 4);
        b.op("Relu", "relu", &[&x])
    })
}

/// Asserts that `changed` computes what `model` does, within `tolerance`.
pub fn assert_same(changed: &ModelProto, model: &ModelProto, tolerance: f32) {
    let mut network = import_model(changed).unwrap();
    for seed in 0..2 {
        let x = image(seed, DIMS);
        let expected = evaluate(model, &x, DIMS);
        let got = network.clone();
        let x = normalised(&mut network, &x);
        let got = got.evaluate(&x);
        let scale = expected.iter().fold(1.0f32, |m, v| m.max(v.abs()));
        let close = |(e, g): (&f32, &f32)| (e - g).abs() <= tolerance * scale;
        assert!(expected.iter().zip(&got).all(close), "{expected:?}\n{got:?}");
    }
}

/// Stores every float constant as `change` does.
fn stored(model: &ModelProto, change: impl Fn(&mut TensorProto, &[f32])) -> ModelProto {
    let mut model = model.clone();
    for t in &mut model.graph.as_mut().unwrap().initializer {
        let words = t.raw_data.as_chunks::<4>().0.iter();
        let values: Vec<f32> = words.map(|w| f32::from_le_bytes(*w)).collect();
        change(t, &values);
    }
    model
}

#[test]
fn half_precision_is_widened() {
    let model = plain(1);
    let raw = |t: &mut TensorProto, kind: i32, bits: Vec<u16>| {
        (t.data_type, t.raw_data) = (kind, bits.iter().flat_map(|b| b.to_le_bytes()).collect());
    };
    let halves = stored(&model, |t, v| raw(t, 10, v.iter().map(|x| half(*x)).collect()));
    assert_same(&halves, &model, 0.01);
    let brief = |x: &f32| (x.to_bits() >> 16) as u16;
    let short = stored(&model, |t, v| raw(t, 16, v.iter().map(brief).collect()));
    assert_same(&short, &model, 0.06);
    let listed = stored(&model, |t, v| {
        t.raw_data.clear();
        (t.data_type, t.int32_data) = (10, v.iter().map(|x| i32::from(half(*x))).collect());
    });
    assert_same(&listed, &model, 0.01);
    // A graph of halves, with casts at both ends.
    let mut whole = halves;
    let graph = whole.graph.as_mut().unwrap();
    graph.input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().elem_type = 10;
    assert_same(&whole, &model, 0.01);
}

#[test]
fn numbers_that_are_none_are_named() {
    for (bad, word) in
        [(f32::NAN, "NaN"), (f32::INFINITY, "infinite"), (f32::NEG_INFINITY, "infinite")]
    {
        for name in ["conv.weight", "conv.bias", "fc.weight", "bn.running_var"] {
            let model = stored(&plain(2), |t, v| {
                if t.name == name {
                    let mut v = v.to_vec();
                    v[1] = bad;
                    t.raw_data = v.iter().flat_map(|x| x.to_le_bytes()).collect();
                }
            });
            let e = import_model(&model).err().unwrap();
            assert!(matches!(e, Error::Node { .. }));
            let text = e.to_string();
            assert!(text.contains(name) && text.contains(word) && text.contains("1]"), "{text}");
        }
    }
}

#[test]
fn nodes_may_stand_in_any_order() {
    let model = plain(4);
    for turn in 0..4 {
        let mut shuffled = model.clone();
        let nodes = &mut shuffled.graph.as_mut().unwrap().node;
        match turn {
            0 => nodes.reverse(),
            1 => nodes.rotate_left(1),
            2 => nodes.rotate_right(2),
            _ => nodes.swap(0, 3),
        }
        assert_same(&shuffled, &model, 1e-4);
    }
    let mut circle = model;
    let nodes = &mut circle.graph.as_mut().unwrap().node;
    let last = nodes.last().unwrap().output[0].clone();
    nodes[0].input[0] = last;
    assert!(import_model(&circle).err().unwrap().to_string().contains("its own output"));
}

#[test]
fn quantised_weights_are_dequantised() {
    for axis in [None, Some(0), Some(1)] {
        let model = around(5, DIMS, |b| {
            let x = b.image();
            let n: usize = axis.map_or(1, |a: i64| [4, 3][a as usize]);
            let scales = b.uniforms(n, 0.02, 0.01);
            let dims = axis.map_or(vec![], |_| vec![n]);
            b.constant("scale", &dims, &scales);
            let values = b.uniforms(4 * 3 * 9, 0.0, 100.0);
            let whole: Vec<f32> = values.iter().map(|v| v.round()).collect();
            b.constant("q", &[4, 3, 3, 3], &whole);
            // The reference has no DequantizeLinear: it reads a constant that was made here.
            let at = |i: usize| match axis {
                None => 0,
                Some(0) => i / 27,
                _ => i / 9 % 3,
            };
            let float: Vec<f32> =
                whole.iter().enumerate().map(|(i, v)| v * scales[at(i)]).collect();
            let w = b.constant("float", &[4, 3, 3, 3], &float);
            let y = b.push(node("Conv", &[&x, &w], "conv"));
            b.op("Relu", "relu", &[&y])
        });
        let mut dequantise = node("DequantizeLinear", &["q", "scale"], "w");
        if let Some(axis) = axis.filter(|a| *a != 1) {
            dequantise = dequantise.with_int("axis", axis);
        }
        let mut quantised = model.clone();
        let nodes = &mut quantised.graph.as_mut().unwrap().node;
        nodes.iter_mut().find(|n| n.op_type == "Conv").unwrap().input[1] = "w".into();
        nodes.insert(0, dequantise);
        assert_same(&quantised, &model, 1e-4);
    }
}

/// Weight standardisation and normalisation, as exporters leave them when they fold nothing.
#[test]
fn what_reads_constants_alone_is_computed() {
    // The reference knows no Tanh: it reads what was computed here.
    let folded = around(6, DIMS, |b| {
        let x = b.image();
        let values = b.uniforms(4 * 27, 0.1, 1.0);
        b.constant("raw", &[4, 3, 3, 3], &values);
        let mean: Vec<f32> = values.chunks(27).map(|c| c.iter().sum::<f32>() / 27.0).collect();
        let done = values.iter().enumerate().map(|(i, v)| (v - mean[i / 27]).tanh());
        let w = b.constant("done", &[4, 3, 3, 3], &done.collect::<Vec<_>>());
        let y = b.push(node("Conv", &[&x, &w], "conv"));
        b.op("Relu", "relu", &[&y])
    });
    let mut unfolded = folded.clone();
    let graph = unfolded.graph.as_mut().unwrap();
    let mut first = vec![
        node("ReduceMean", &["raw"], "mean").with_ints("axes", &[1, 2, 3]),
        NodeProto::new("Sub", "centred", &["raw", "mean"], "centred"),
        NodeProto::new("Tanh", "squashed", &["centred"], "squashed"),
    ];
    graph.node.iter_mut().find(|n| n.op_type == "Conv").unwrap().input[1] = "squashed".into();
    first.append(&mut graph.node);
    graph.node = first;
    assert_same(&unfolded, &folded, 1e-4);
}

#[test]
fn biases_must_fit_and_shared_ones_are_told() {
    let mut short = plain(7);
    for t in &mut short.graph.as_mut().unwrap().initializer {
        if t.name == "conv.bias" {
            (t.dims, t.raw_data) = (vec![3], vec![0; 12]);
        }
    }
    let text = import_model(&short).err().unwrap().to_string();
    assert!(text.contains("needs 4 values where it gets 3"), "{text}");
    let shared = around(8, DIMS, |b| {
        let x = b.image();
        let bias = b.constant("shared", &[3], &[0.1, 0.2, 0.3]);
        let first = b.uniforms(81, 0.0, 0.3);
        let first = b.constant("w1", &[3, 3, 3, 3], &first);
        let second = b.uniforms(9, 0.0, 0.3);
        let second = b.constant("w2", &[3, 3, 1, 1], &second);
        let x = b.push(node("Conv", &[&x, &first, &bias], "c1"));
        let x = b.op("Relu", "relu", &[&x]);
        b.push(node("Conv", &[&x, &second, &bias], "c2"))
    });
    let network = assert_imports(&shared, DIMS);
    assert!(network.warnings.iter().any(|w| w.contains("share the bias `shared`")));
}

#[test]
fn pools_may_stride_unevenly() {
    for (op, strides, pads) in [
        ("MaxPool", [2, 1], [0, 0, 0, 0]),
        ("AveragePool", [1, 2], [0, 0, 0, 0]),
        ("MaxPool", [3, 2], [1, 1, 1, 1]),
        ("AveragePool", [2, 3], [1, 0, 1, 0]),
    ] {
        let model = around(9, DIMS, |b| {
            let x = b.image();
            let x = conv(b, &x, "conv", [2, 3, 3, 3], |n| n.with_ints("pads", &[1; 4]));
            let pool = node(op, &[&x], "pool")
                .with_ints("kernel_shape", &[3, 3])
                .with_ints("strides", &strides)
                .with_ints("pads", &pads);
            b.push(if op == "AveragePool" { pool.with_int("count_include_pad", 1) } else { pool })
        });
        assert_imports(&model, DIMS);
    }
}

#[test]
fn a_last_activation_that_keeps_the_order_is_left_out() {
    for op in ["Sigmoid", "Softmax", "LogSoftmax"] {
        let mut b = ModelBuilder::new(10, DIMS);
        let x = b.conv("conv", &b.image(), ConvSpec::same(3, 4, 3, 1), true);
        let x = b.op("GlobalAveragePool", "pool", &[&x]);
        let x = b.op("Flatten", "flat", &[&x]);
        let x = b.gemm("fc", &x, 4, 5);
        let logits = b.finish(&x, 5);
        let mut ended = logits.clone();
        let graph = ended.graph.as_mut().unwrap();
        graph.node.push(node(op, &[&x], "last"));
        graph.node.push(node("Identity", &["last"], "out"));
        graph.output[0].name = "out".into();
        assert_same(&ended, &logits, 1e-4);
        let warnings = import_model(&ended).unwrap().warnings.join("\n");
        assert!(warnings.contains(op) && warnings.contains("left to the client"), "{warnings}");
    }
    let mut b = ModelBuilder::new(10, DIMS);
    let x = b.op("GlobalAveragePool", "pool", &[&b.image()]);
    let x = b.op("Flatten", "flat", &[&x]);
    let axes = integers(&mut b, "axes", &[0]);
    let x = b.op("Sigmoid", "gate", &[&x]);
    let x = b.push(NodeProto::new("Unsqueeze", "u", &[&x, &axes], "u"));
    let x = b.op("Flatten", "flat2", &[&x]);
    let x = b.gemm("fc", &x, 3, 5);
    let text = import_model(&b.finish(&x, 5)).err().unwrap().to_string();
    assert!(text.contains("smooth activation"), "{text}");
}
