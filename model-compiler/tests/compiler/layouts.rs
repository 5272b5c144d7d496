//! Transposes, reshapes, slices and concatenation, against the reference.

use proptest::prelude::*;
use tacita_compile::testing::ModelBuilder;
use tacita_compile::{FloatOp, read_model};
use tacita_onnx::{ModelProto, ValueInfoProto};

use crate::cases;
use crate::nets::{around, conv, integers, node};
use crate::reference::assert_imports;

const DIMS: [usize; 3] = [6, 5, 7];

fn slice(b: &mut ModelBuilder, x: &str, name: &str, [axis, start, end, step]: [i64; 4]) -> String {
    let part = |b: &mut ModelBuilder, what: &str, v| integers(b, &format!("{name}.{what}"), &[v]);
    let [s, e] = [part(b, "start", start), part(b, "end", end)];
    let [a, d] = [part(b, "axis", axis), part(b, "step", step)];
    b.push(node("Slice", &[x, &s, &e, &a, &d], name))
}

/// The model as its input would be with channels last: a transpose in front.
fn channels_last(mut model: ModelProto, [c, h, w]: [usize; 3]) -> ModelProto {
    let graph = model.graph.as_mut().unwrap();
    graph.input = vec![ValueInfoProto::float("pixels", &[1, h as i64, w as i64, c as i64])];
    let turn = node("Transpose", &["pixels"], "image").with_ints("perm", &[0, 3, 1, 2]);
    graph.node.insert(0, turn);
    model
}

proptest! {
    #![proptest_config(cases(100))]
    #[test]
    fn slices_and_paddings_add_up(
        seed: u64,
        first in (1i64..4, -6i64..3, -2i64..9, 1i64..4),
        second in (1i64..4, 0i64..2, 1i64..9, 1i64..3),
        pads in prop::array::uniform3((0i64..3, 0i64..3)),
    ) {
        let (a, b2) = (first, second);
        let model = |empty: &mut bool| {
            // A slice that leaves nothing is no test.
            let n = DIMS[a.0 as usize - 1] as i64;
            let at = |i: i64| if i < 0 { (i + n).max(0) } else { i.min(n) };
            let left = (at(a.2) - at(a.1)).max(0).unsigned_abs().div_ceil(a.3 as u64) as i64;
            let size = if a.0 == b2.0 { left } else { DIMS[b2.0 as usize - 1] as i64 };
            *empty = left == 0 || b2.1 >= b2.2.min(size);
        };
        let mut empty = false;
        model(&mut empty);
        prop_assume!(!empty);
        let model = around(seed, DIMS, |b| {
            let image = b.image();
            let x = conv(b, &image, "conv", [6, 6, 1, 1], |n| n);
            let x = b.op("Relu", "relu", &[&x]);
            let x = slice(b, &x, "s1", [a.0, a.1, a.2, a.3]);
            let x = slice(b, &x, "s2", [b2.0, b2.1, b2.2, b2.3]);
            let [c, h, w] = pads;
            integers(b, "pads", &[0, c.0, h.0, w.0, 0, c.1, h.1, w.1]);
            b.push(node("Pad", &[&x, "pads"], "padded"))
        });
        assert_imports(&model, DIMS);
    }

    #[test]
    fn concatenations_along_every_axis(
        seed: u64,
        axis in 1i64..4,
        parts in 2usize..5,
        relu: bool,
        last: bool,
    ) {
        let model = around(seed, DIMS, |b| {
            let mut names = vec![b.image()];
            for i in 1..parts {
                let from = names[0].clone();
                let x = conv(b, &from, &format!("c{i}"), [6, 6, 3, 3], |n| n.with_ints("pads", &[1; 4]));
                names.push(if relu { b.op("Relu", &format!("r{i}"), &[&x]) } else { x });
            }
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let x = b.push(node("Concat", &names, "joined").with_int("axis", axis));
            if axis != 1 {
                return x;
            }
            let x = b.batch_norm("bn", &x, 6 * parts);
            b.op("Relu", "relu", &[&x])
        });
        let model = if last { channels_last(model, DIMS) } else { model };
        let network = assert_imports(&model, DIMS);
        prop_assert_eq!(network.input.channels, 6);
    }

    #[test]
    fn splits_of_channels_rows_and_columns(seed: u64, axis in 1i64..4, first in 1i64..5) {
        let rest = [6, 5, 7][axis as usize - 1] - first;
        prop_assume!(rest > 0);
        let model = around(seed, DIMS, |b| {
            let image = b.image();
            let x = conv(b, &image, "conv", [6, 6, 3, 3], |n| n.with_ints("pads", &[1; 4]));
            let x = b.op("Relu", "relu", &[&x]);
            integers(b, "sizes", &[first, rest]);
            let mut n = node("Split", &[&x, "sizes"], "left").with_int("axis", axis);
            n.output.push("right".into());
            b.push(n);
            b.push(node("Concat", &["right", "left"], "swapped").with_int("axis", axis))
        });
        assert_imports(&model, DIMS);
    }
}

#[test]
fn flattened_images_keep_the_order_that_the_model_sees() {
    for perm in [[0i64, 1, 2, 3], [0, 2, 3, 1], [0, 3, 1, 2], [0, 3, 2, 1]] {
        let model = around(3, DIMS, |b| {
            let image = b.image();
            let x = conv(b, &image, "conv", [4, 6, 1, 1], |n| n);
            let x = b.op("Relu", "relu", &[&x]);
            b.push(node("Transpose", &[&x], "turned").with_ints("perm", &perm))
        });
        assert_eq!(assert_imports(&model, DIMS).layers.len(), 3);
    }
}

#[test]
fn constants_fit_what_the_model_sees() {
    // A bias and a batch normalisation of a transposed image, channels last.
    let model = around(4, DIMS, |b| {
        let image = b.image();
        let x = conv(b, &image, "conv", [4, 6, 3, 3], |n| n);
        let x = b.push(node("Transpose", &[&x], "last").with_ints("perm", &[0, 2, 3, 1]));
        let scale = b.uniforms(4, 1.0, 0.5);
        let scale = b.constant("scale", &[4], &scale);
        let x = b.op("Mul", "scaled", &[&x, &scale]);
        let x = b.op("Relu", "relu", &[&x]);
        let w = b.uniforms(12, 0.0, 1.0);
        let w = b.constant("w", &[4, 3], &w);
        b.op("MatMul", "pixelwise", &[&x, &w])
    });
    let network = assert_imports(&model, DIMS);
    assert_eq!(network.layers.len(), 4);
    assert_eq!(network.layers[2].shape.channels, 3);
}

#[test]
fn shuffled_channels_and_pixels() {
    let shuffle = |groups: i64| {
        around(5, DIMS, |b| {
            let image = b.image();
            integers(b, "split", &[1, groups, 6 / groups, 5, 7]);
            integers(b, "join", &[1, 6, 5, 7]);
            let x = b.push(node("Reshape", &[&image, "split"], "groups"));
            let x = b.push(node("Transpose", &[&x], "turned").with_ints("perm", &[0, 2, 1, 3, 4]));
            let x = b.push(node("Reshape", &[&x, "join"], "shuffled"));
            conv(b, &x, "conv", [6, 2, 3, 3], |n| n.with_int("group", 3))
        })
    };
    for groups in [2, 3] {
        assert_imports(&shuffle(groups), DIMS);
    }
    let dims = [2, 4, 6];
    let model = around(6, dims, |b| {
        let image = b.image();
        integers(b, "split", &[1, 2, 2, 2, 3, 2]);
        integers(b, "join", &[1, 8, 2, 3]);
        let x = b.push(node("Reshape", &[&image, "split"], "blocks"));
        let x = b.push(node("Transpose", &[&x], "turned").with_ints("perm", &[0, 1, 3, 5, 2, 4]));
        let x = b.push(node("Reshape", &[&x, "join"], "unshuffled"));
        conv(b, &x, "conv", [3, 8, 2, 2], |n| n)
    });
    assert_imports(&model, dims);
}

#[test]
fn picked_channels() {
    let model = around(7, DIMS, |b| {
        let image = b.image();
        integers(b, "order", &[5, 4, 0, 1, 2, 3]);
        let x = b.push(node("Gather", &[&image, "order"], "picked").with_int("axis", 1));
        conv(b, &x, "conv", [3, 6, 3, 3], |n| n)
    });
    let network = assert_imports(&model, DIMS);
    assert_eq!(network.layers[1].terms.len(), 3);
}

#[test]
fn option_a_shortcuts_are_one_copy() {
    let dims = [4, 8, 8];
    let model = around(8, dims, |b| {
        let image = b.image();
        let x = slice(b, &image, "s1", [2, 0, i64::MAX, 2]);
        let x = slice(b, &x, "s2", [3, 0, i64::MAX, 2]);
        integers(b, "pads", &[0, 2, 0, 0, 0, 2, 0, 0]);
        let x = b.push(node("Pad", &[&x, "pads"], "wider"));
        let y = conv(b, &image, "conv", [8, 4, 3, 3], |n| {
            n.with_ints("pads", &[1; 4]).with_ints("strides", &[2, 2])
        });
        let x = b.op("Add", "add", &[&y, &x]);
        b.op("Relu", "relu", &[&x])
    });
    let network = assert_imports(&model, dims);
    assert_eq!((network.layers.len(), network.layers[1].terms.len()), (3, 2));
    assert!(
        matches!(network.layers[1].terms[1].op, FloatOp::Copy(c) if c.stride == [2, 2] && c.to == 2)
    );
}

#[test]
fn concatenations_of_many_parts_are_chained() {
    let dims = [2, 3, 3];
    let model = around(9, dims, |b| {
        let mut names = Vec::new();
        for i in 0..20 {
            let image = b.image();
            let x = conv(b, &image, &format!("c{i}"), [2, 2, 1, 1], |n| n);
            names.push(b.op("Relu", &format!("r{i}"), &[&x]));
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        b.push(node("Concat", &names, "joined").with_int("axis", 1))
    });
    let network = assert_imports(&model, dims);
    assert!(network.layers.iter().all(|l| l.terms.len() <= 16));
}

#[test]
fn flat_inputs_are_square_images_or_vectors() {
    let build = |n: i64| {
        let mut b = ModelBuilder::new(1, [1, 1, 1]);
        let x = b.gemm("fc", "image", n as usize, 3);
        let mut model = b.finish(&x, 3);
        model.graph.as_mut().unwrap().input[0] = ValueInfoProto::float("image", &[1, n]);
        read_model(&model)
    };
    assert_eq!(build(16).unwrap().input.width, 4);
    assert!(!build(16).unwrap().graph_input.arrays_only);
    // No square, or one too small for a picture.
    for n in [15, 9] {
        let network = build(n).unwrap();
        assert_eq!((network.input.channels as i64, network.input.width), (n, 1));
        assert!(network.graph_input.arrays_only);
    }
    let mut b = ModelBuilder::new(1, [1, 1, 1]);
    let x = b.op("Identity", "same", &["image"]);
    let mut model = b.finish(&x, 3);
    let input = &mut model.graph.as_mut().unwrap().input[0];
    *input = ValueInfoProto::float("image", &[1, 2, 3, 4, 5]);
    let error = read_model(&model).err().unwrap().to_string();
    assert!(error.contains("4 (batch, channels, rows, columns)"), "{error}");
}
