//! Values that have to be laid out anew before an operator can take them, against the reference.

use tacita_compile::testing::ModelBuilder;
use tacita_compile::{import_model, read_model};
use tacita_onnx::{AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};

use crate::nets::{around, conv, integers, node};
use crate::reference::{assert_imports, image};

const DIMS: [usize; 3] = [2, 4, 6];

/// Blocks of pixels as channels, in the order that `perm` gives them.
fn blocks(b: &mut ModelBuilder, perm: &[i64]) -> String {
    let image = b.image();
    integers(b, "split", &[1, 2, 2, 2, 3, 2]);
    integers(b, "join", &[1, 8, 2, 3]);
    let x = b.push(node("Reshape", &[&image, "split"], "apart"));
    let x = b.push(node("Transpose", &[&x], "turned").with_ints("perm", perm));
    b.push(node("Reshape", &[&x, "join"], "blocks"))
}

/// A slice along one axis.
pub fn cut(b: &mut ModelBuilder, x: &str, [axis, start, end]: [i64; 3]) -> String {
    let numbers = [("start", start), ("end", end), ("axis", axis), ("step", 1)];
    let [s, e, a, d] = numbers.map(|(name, v)| integers(b, name, &[v]));
    b.op("Slice", "cut", &[x, &s, &e, &a, &d])
}

/// What comes behind the blocks.
type Behind = fn(&mut ModelBuilder, &str) -> String;

const BEHIND: &[(&str, Behind)] = &[
    ("a factor a channel", |b, x| {
        let c = b.uniforms(8, 1.0, 0.5);
        let c = b.constant("c", &[8, 1, 1], &c);
        b.op("Mul", "scaled", &[x, &c])
    }),
    ("a bias a channel", |b, x| {
        let c = b.uniforms(8, 0.0, 0.5);
        let c = b.constant("c", &[1, 8, 1, 1], &c);
        b.op("Sub", "moved", &[x, &c])
    }),
    ("a normalisation", |b, x| b.batch_norm("bn", x, 8)),
    ("slopes", |b, x| {
        let c = b.uniforms(8, 0.3, 0.2);
        let c = b.constant("c", &[8, 1, 1], &c);
        b.op("PRelu", "leaky", &[x, &c])
    }),
    ("a slice of rows", |b, x| cut(b, x, [2, 1, 2])),
    ("a slice of channels", |b, x| cut(b, x, [1, 3, 6])),
    ("zeros around", |b, x| {
        integers(b, "pads", &[0, 1, 1, 0, 0, 0, 0, 2]);
        b.op("Pad", "padded", &[x, "pads"])
    }),
    ("a mean over rows", |b, x| {
        integers(b, "axes", &[2]);
        b.op("ReduceMean", "mean", &[x, "axes"])
    }),
    ("itself, rectified, beside it", |b, x| {
        let y = b.op("Relu", "relu", &[x]);
        b.push(node("Concat", &[x, &y], "joined").with_int("axis", 1))
    }),
    ("a convolution of it added", |b, x| {
        let y = conv(b, x, "conv", [8, 8, 3, 3], |n| n.with_ints("pads", &[1; 4]));
        b.op("Add", "sum", &[x, &y])
    }),
];

/// `behind` with the channels last.
fn turned(b: &mut ModelBuilder, x: &str) -> String {
    let x = b.push(node("Transpose", &[x], "last").with_ints("perm", &[0, 2, 3, 1]));
    let c = b.uniforms(8, 1.0, 0.5);
    let c = b.constant("c", &[8], &c);
    let x = b.op("Mul", "scaled", &[&x, &c]);
    integers(b, "pads", &[0, 1, 0, 0, 0, 1, 0, 2]);
    let x = b.op("Pad", "padded", &[&x, "pads"]);
    cut(b, &x, [2, 1, 3])
}

#[test]
fn blocks_of_pixels_are_channels_like_others() {
    for perm in [[0, 1, 3, 5, 2, 4], [0, 3, 5, 1, 2, 4]] {
        for (what, behind) in BEHIND {
            println!("{what} behind {perm:?}");
            let model = around(1, DIMS, |b| {
                let x = blocks(b, &perm);
                let x = behind(b, &x);
                b.op("Relu", "last", &[&x])
            });
            assert_imports(&model, DIMS);
        }
        let model = around(2, DIMS, |b| {
            let x = blocks(b, &perm);
            turned(b, &x)
        });
        assert_imports(&model, DIMS);
    }
}

/// A flattened image, what `behind` makes of it, and a fully connected layer.
fn flattened(behind: impl Fn(&mut ModelBuilder, &str) -> String) -> ModelProto {
    around(3, DIMS, |b| {
        let image = b.image();
        let x = conv(b, &image, "stem", [3, 2, 3, 3], |n| n);
        let x = b.op("Relu", "relu", &[&x]);
        // [1, 3, 2, 4]: channels last, so that the order is not the stored one.
        let x = b.push(node("Transpose", &[&x], "last").with_ints("perm", &[0, 2, 3, 1]));
        let x = b.op("Flatten", "flat", &[&x]);
        behind(b, &x)
    })
}

#[test]
fn flattened_images_are_vectors_like_others() {
    let variants: &[Behind] = &[
        |b, x| {
            let x = b.batch_norm("bn", x, 24);
            b.op("Relu", "rectified", &[&x])
        },
        |b, x| cut(b, x, [1, 5, 20]),
        |b, x| {
            let w = b.uniforms(24 * 24, 0.0, 0.3);
            let w = b.constant("w", &[24, 24], &w);
            let y = b.op("MatMul", "square", &[x, &w]);
            b.op("Add", "sum", &[x, &y])
        },
        |b, x| {
            let image = b.image();
            let y = b.push(node("GlobalAveragePool", &[&image], "mean"));
            let y = b.op("Flatten", "flat2", &[&y]);
            b.push(node("Concat", &[&y, x], "joined").with_int("axis", 1))
        },
        |b, x| {
            integers(b, "order", &[20, 3, 4, 7]);
            b.push(node("Gather", &[x, "order"], "picked").with_int("axis", 1))
        },
    ];
    for behind in variants {
        assert_imports(&flattened(behind), DIMS);
    }
}

#[test]
fn laying_a_vector_out_costs_no_layer() {
    let model = flattened(|b, x| b.batch_norm("bn", x, 24));
    let network = import_model(&model).unwrap();
    assert_eq!(network.layers.len(), 3);
}

#[test]
fn bounds_may_vary_between_channels() {
    for op in ["Max", "Min"] {
        for dims in [vec![4, 1, 1], vec![1, 4, 1, 1], vec![1], vec![4, 4, 6]] {
            let model = around(4, DIMS, |b| {
                let image = b.image();
                let x = conv(b, &image, "conv", [4, 2, 1, 1], |n| n);
                let bounds = b.uniforms(dims.iter().product(), 0.0, 0.4);
                let bounds = b.constant("bounds", &dims, &bounds);
                b.op(op, "bounded", &[&bounds, &x])
            });
            assert_imports(&model, DIMS);
        }
    }
}

#[test]
fn counted_padding_and_windows_over_the_edge() {
    for (kernel, strides, pads) in
        [([2, 3], [3, 2], [1, 1, 0, 1]), ([3, 3], [2, 2], [1; 4]), ([2, 2], [3, 2], [0, 1, 1, 0])]
    {
        let model = around(5, DIMS, |b| {
            let image = b.image();
            let x = conv(b, &image, "conv", [3, 2, 1, 1], |n| n);
            let pool = node("AveragePool", &[&x], "pool").with_ints("kernel_shape", &kernel);
            let pool = pool.with_ints("strides", &strides).with_ints("pads", &pads);
            b.push(pool.with_int("ceil_mode", 1).with_int("count_include_pad", 1))
        });
        assert_imports(&model, DIMS);
    }
}

/// One integer without dimensions.
fn integer(b: &mut ModelBuilder, name: &str, value: i64) -> String {
    let value = TensorProto { dims: vec![], ..TensorProto::from_i64(name, &[value]) };
    let attribute =
        AttributeProto { name: "value".into(), t: Some(value), ..AttributeProto::default() };
    let constant = NodeProto::new("Constant", "", &[], name);
    b.push(NodeProto { attribute: vec![attribute], ..constant })
}

/// A classifier of images with channels last, on which `first` is done before they are turned.
fn channels_last(first: Behind, channels: usize) -> ModelProto {
    let mut b = ModelBuilder::new(6, DIMS);
    let x = first(&mut b, "image");
    let x = b.push(node("Transpose", &[&x], "turned").with_ints("perm", &[0, 3, 1, 2]));
    let x = b.op("GlobalMaxPool", "most", &[&x]);
    let x = b.op("Flatten", "flat", &[&x]);
    let x = b.gemm("fc", &x, channels, 3);
    let mut model = b.finish(&x, 3);
    let [c, h, w] = DIMS.map(|d| d as i64);
    model.graph.as_mut().unwrap().input = vec![ValueInfoProto::float("image", &[1, h, w, c])];
    model
}

#[test]
fn channels_that_come_last_are_seen_whatever_comes_before_the_turn() {
    let first: &[(usize, Behind)] = &[
        (2, |b, x| {
            let row = integer(b, "row", 2);
            let x = b.push(node("Gather", &[x, &row], "one").with_int("axis", 1));
            integers(b, "axes", &[1]);
            b.op("Unsqueeze", "back", &[&x, "axes"])
        }),
        (4, |b, x| {
            let y = b.op("Neg", "minus", &[x]);
            b.push(node("Concat", &[x, &y], "both").with_int("axis", 3))
        }),
        (2, |b, x| b.op("Abs", "abs", &[x])),
    ];
    for (channels, first) in first {
        let model = channels_last(*first, *channels);
        let network = assert_imports(&model, DIMS);
        // The nodes' order says nothing.
        let mut reversed = model.clone();
        reversed.graph.as_mut().unwrap().node.reverse();
        let other = read_model(&reversed).unwrap();
        assert_eq!(other.input, network.input);
        let x = image(3, DIMS);
        assert_eq!(other.evaluate(&x), network.evaluate(&x));
    }
}
