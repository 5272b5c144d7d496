//! Affine maps wherever they stand: folded where that is exact, kept as depthwise convolutions
//! elsewhere, taken into the input's normalisation in front.

use tacita_compile::lower::lower;
use tacita_compile::pixels::Before;
use tacita_compile::testing::ModelBuilder;
use tacita_compile::{Calibration, FloatOp, Options, compile, read_model};

use crate::nets::{around, conv, integers, node};
use crate::rearranged::cut;
use crate::reference::assert_imports;

const DIMS: [usize; 3] = [3, 6, 6];

fn same(b: &mut ModelBuilder, x: &str, name: &str) -> String {
    conv(b, x, name, [3, 3, 3, 3], |n| n.with_ints("pads", &[1; 4]))
}

#[test]
fn batch_norm_before_the_activation_is_a_depthwise_layer() {
    let model = around(1, DIMS, |b| {
        let image = b.image();
        let stem = same(b, &image, "stem");
        let x = b.batch_norm("bn1", &stem, 3);
        let x = b.op("Relu", "relu1", &[&x]);
        let x = same(b, &x, "conv1");
        let sum = b.op("Add", "add", &[&x, &stem]);
        let x = b.batch_norm("bn2", &sum, 3);
        b.op("Relu", "relu2", &[&x])
    });
    let network = assert_imports(&model, DIMS);
    // image, stem, its activation, the activation of the sum, logits
    assert_eq!(network.layers.len(), 5);
    let FloatOp::Conv { shape, .. } = &network.layers[2].terms[0].op else { panic!() };
    assert_eq!((shape.groups, shape.kernel_h), (3, 1));
    assert_eq!(network.layers[3].terms.len(), 2);
}

#[test]
fn scales_in_front_of_a_convolution_fold_into_it() {
    let model = around(2, DIMS, |b| {
        let image = b.image();
        let x = same(b, &image, "stem");
        let x = b.op("Relu", "relu", &[&x]);
        let half = b.constant("half", &[], &[0.5]);
        let scaled = b.op("Mul", "scaled", &[&x, &half]);
        let y = same(b, &scaled, "padded");
        let z = b.batch_norm("bn", &x, 3);
        let z = conv(b, &z, "unpadded", [3, 3, 1, 1], |n| n);
        let y = b.op("Sub", "difference", &[&y, &z]);
        b.op("Relu", "last", &[&y])
    });
    let network = assert_imports(&model, DIMS);
    assert_eq!(network.layers.len(), 4);
}

#[test]
fn flattened_features_may_each_have_their_own() {
    let model = around(3, DIMS, |b| {
        let image = b.image();
        let x = same(b, &image, "stem");
        let x = b.op("Relu", "relu", &[&x]);
        let x = b.op("Flatten", "flat", &[&x]);
        let x = b.batch_norm("bn", &x, 108);
        let c = b.uniforms(108, 0.0, 1.0);
        let c = b.constant("c", &[1, 108], &c);
        b.op("Add", "add", &[&x, &c])
    });
    assert_eq!(assert_imports(&model, DIMS).layers.len(), 3);
}

/// What may have made a value that a layer of one factor a feature, then a matrix, reads.
type Made = fn(&mut ModelBuilder, &str) -> String;

#[test]
fn a_matrix_takes_in_the_factors_of_flattened_images() {
    let before: &[Made] = &[
        |b, x| b.op("Relu", "relu", &[x]),
        |b, x| conv(b, x, "even", [5, 3, 2, 2], |n| n.with_ints("strides", &[2, 2])),
        |b, x| b.push(node("Transpose", &[x], "last").with_ints("perm", &[0, 2, 3, 1])),
        |b, x| b.push(node("MaxPool", &[x], "pool").with_ints("kernel_shape", &[2, 3])),
    ];
    for (i, before) in before.iter().enumerate() {
        for padding in [0, 1] {
            let model = around(40 + i as u64, DIMS, |b| {
                let image = b.image();
                let x =
                    conv(b, &image, "stem", [3, 3, 3, 3], |n| n.with_ints("pads", &[padding; 4]));
                let x = before(b, &x);
                let x = b.op("Flatten", "flat", &[&x]);
                let features = match (i, padding) {
                    (1, 0) => 5 * 4,
                    (1, _) => 5 * 9,
                    (3, 0) => 3 * 3 * 2,
                    (3, _) => 3 * 5 * 4,
                    (_, 0) => 3 * 16,
                    _ => 3 * 36,
                };
                let x = b.batch_norm("bn", &x, features);
                let w = b.uniforms(features * 7, -0.5, 0.5);
                let w = b.constant("w", &[features, 7], &w);
                b.op("MatMul", "product", &[&x, &w])
            });
            let mut network = assert_imports(&model, DIMS);
            network.feed(&Before::range(0.0, 1.0)).unwrap();
            lower(&mut network).unwrap();
            compile(&network, &Calibration::synthetic(network.input, 1), &Options::default())
                .unwrap();
        }
    }
}

#[test]
fn a_map_that_a_convolution_took_in_is_applied_once() {
    let maps: &[Made] = &[
        |b, x| b.op("Neg", "map", &[x]),
        |b, x| {
            let two = b.constant("two", &[], &[2.0]);
            b.op("Mul", "map", &[x, &two])
        },
        |b, x| b.batch_norm("map", x, 3),
    ];
    let copies: &[Made] = &[
        |b, x| cut(b, x, [1, 1, 4]),
        |b, x| {
            let turned = integers(b, "turned", &[2, 0, 1]);
            b.push(node("Gather", &[x, &turned], "picked").with_int("axis", 1))
        },
        |b, x| b.push(node("DepthToSpace", &[x], "larger").with_int("blocksize", 2)),
    ];
    for (i, map) in maps.iter().enumerate() {
        for (j, copy) in copies.iter().enumerate() {
            for padding in [0, 1] {
                let model = around(50 + i as u64, DIMS, |b| {
                    let image = b.image();
                    let x =
                        conv(b, &image, "stem", [12, 3, 3, 3], |n| n.with_ints("pads", &[1; 4]));
                    let x = copy(b, &x);
                    let x = map(b, &x);
                    conv(b, &x, "reader", [3, 3, 3, 3], |n| n.with_ints("pads", &[padding; 4]))
                });
                let network = assert_imports(&model, DIMS);
                assert!(network.layers.len() <= 5, "map {i}, copy {j}");
            }
        }
    }
}

#[test]
fn constants_of_one_value_an_element_are_added() {
    let model = around(4, DIMS, |b| {
        let image = b.image();
        let x = same(b, &image, "stem");
        let c = b.uniforms(108, 0.0, 1.0);
        let c = b.constant("c", &[3, 6, 6], &c);
        let x = b.op("Add", "add", &[&x, &c]);
        let x = b.op("Relu", "relu", &[&x]);
        let d = b.constant("d", &[3, 6, 6], &[0.0; 108].map(|_: f32| 1.0));
        let x = b.op("Sub", "sub", &[&x, &d]);
        let e = b.uniforms(36, 0.0, 1.0);
        let e = b.constant("e", &[6, 6], &e);
        let x = b.op("Sub", "from", &[&e, &x]);
        b.op("Relu", "last", &[&x])
    });
    let network = assert_imports(&model, DIMS);
    assert_eq!(network.layers.iter().filter(|l| l.name == "constant").count(), 1);
}

#[test]
fn everything_that_scales_a_copy() {
    let model = around(5, DIMS, |b| {
        let image = b.image();
        let x = same(b, &image, "stem");
        let x = b.op("Relu", "relu", &[&x]);
        let two = b.constant("two", &[], &[2.0]);
        let twice = b.op("Add", "twice", &[&x, &x]);
        let x2 = b.op("Div", "half", &[&twice, &two]);
        let pool = node("AveragePool", &[&x2], "pool").with_ints("kernel_shape", &[3, 3]);
        let pool = b.push(pool.with_ints("pads", &[1; 4]).with_int("count_include_pad", 1));
        let minus = b.op("Neg", "minus", &[&pool]);
        let joined = b.push(node("Concat", &[&minus, &x], "joined").with_int("axis", 1));
        let x = b.batch_norm("bn", &joined, 6);
        b.op("Relu", "last", &[&x])
    });
    assert_imports(&model, DIMS);
}

/// image -> `normalise` -> padded convolution, and the same image in another branch.
fn normalised(normalise: impl Fn(&mut ModelBuilder, &str) -> String) -> tacita_compile::Network {
    let model = around(6, DIMS, |b| {
        let image = b.image();
        let x = normalise(b, &image);
        let y = same(b, &x, "conv");
        let y = b.op("Add", "add", &[&y, &x]);
        b.op("Relu", "relu", &[&y])
    });
    assert_imports(&model, DIMS)
}

#[test]
fn the_models_own_normalisation_becomes_the_networks() {
    let network = normalised(|b, x| {
        let mean = b.constant("mean", &[1, 3, 1, 1], &[0.5, 0.4, 0.3]);
        let std = b.constant("std", &[3, 1, 1], &[0.2, 0.25, 0.5]);
        let x = b.op("Sub", "sub", &[x, &mean]);
        b.op("Div", "div", &[&x, &std])
    });
    let close = |v: &Option<Vec<f32>>, e: [f32; 3]| {
        v.as_ref().unwrap().iter().zip(e).all(|(a, b)| (a - b).abs() < 1e-6)
    };
    assert!(close(&network.mean, [0.5, 0.4, 0.3]) && close(&network.std, [0.2, 0.25, 0.5]));
    assert_eq!(network.layers.len(), 3);
    assert!(network.warnings[0].contains("normalises its input itself"), "{:?}", network.warnings);

    let network = normalised(|b, x| b.batch_norm("bn", x, 3));
    assert_eq!(network.layers.len(), 3);
    let bytes = normalised(|b, x| {
        let scale = b.constant("scale", &[], &[1.0 / 255.0]);
        b.op("Mul", "mul", &[x, &scale])
    });
    assert!(close(&bytes.std, [1.0; 3]), "{:?}", bytes.std);
    assert!(bytes.warnings[0].contains("0..255"));
}

#[test]
fn what_is_no_normalisation_stays_a_layer() {
    let negative = normalised(|b, x| b.op("Neg", "neg", &[x]));
    assert_eq!(negative.mean, None);
    let per_pixel = normalised(|b, x| {
        let mean = b.uniforms(108, 0.0, 1.0);
        let mean = b.constant("mean", &[1, 3, 6, 6], &mean);
        b.op("Sub", "sub", &[x, &mean])
    });
    assert_eq!(per_pixel.mean, None);
    let model = around(7, DIMS, |b| {
        let image = b.image();
        let half = b.constant("half", &[], &[0.5]);
        let x = b.op("Mul", "mul", &[&image, &half]);
        let y = same(b, &image, "raw");
        let x = same(b, &x, "scaled");
        b.op("Add", "add", &[&y, &x])
    });
    assert_eq!(assert_imports(&model, DIMS).mean, None);
    assert!(read_model(&model).unwrap().warnings.is_empty());
}
