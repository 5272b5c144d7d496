//! What a network's pixels mean: by element type, by metadata and flags, by what the graph does
//! first; and an error where nothing says.

use tacita_compile::pixels::Before;
use tacita_compile::testing::ModelBuilder;
use tacita_compile::{Calibration, Network, Options, compile, import_model, read_model};
use tacita_onnx::ModelProto;

use crate::nets::{around, conv, integers, node};
use crate::reference::{assert_imports, evaluate};

const DIMS: [usize; 3] = [3, 6, 6];

/// The model with a graph input of another element type.
fn typed(mut model: ModelProto, kind: i32) -> ModelProto {
    let input = &mut model.graph.as_mut().unwrap().input[0];
    input.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().elem_type = kind;
    model
}

fn padded(b: &mut ModelBuilder, x: &str) -> String {
    let y = conv(b, x, "conv", [4, 3, 3, 3], |n| n.with_ints("pads", &[1; 4]));
    b.op("Relu", "relu", &[&y])
}

fn cast(b: &mut ModelBuilder, x: &str, name: &str, to: i64) -> String {
    b.push(node("Cast", &[x], name).with_int("to", to))
}

fn normalise(b: &mut ModelBuilder, x: &str, mean: [f32; 3], std: [f32; 3]) -> String {
    let mean = b.constant("mean", &[1, 3, 1, 1], &mean);
    let std = b.constant("std", &[3, 1, 1], &std);
    let x = b.op("Sub", "sub", &[x, &mean]);
    b.op("Div", "div", &[&x, &std])
}

/// -> a 3x3 convolution, behind what `first` makes of the image.
fn model(first: impl Fn(&mut ModelBuilder, &str) -> String) -> ModelProto {
    around(3, DIMS, |b| {
        let image = b.image();
        let x = first(b, &image);
        padded(b, &x)
    })
}

/// Logits that the network gives for bytes, as a client would feed them.
fn fed(network: &Network, bytes: &[u8]) -> Vec<f32> {
    let plane = network.input.height * network.input.width;
    let (mean, std) = (network.mean.as_ref().unwrap(), network.std.as_ref().unwrap());
    let value = |(i, p): (usize, &u8)| (f32::from(*p) / 255.0 - mean[i / plane]) / std[i / plane];
    network.evaluate(&bytes.iter().enumerate().map(value).collect::<Vec<_>>())
}

/// Asserts that the network gives for bytes what the graph gives for `before` of them.
fn assert_fed(model: &ModelProto, network: &Network, before: impl Fn(f32) -> f32) {
    let bytes: Vec<u8> = (0..108).map(|i| (i * 53 % 256) as u8).collect();
    let raw: Vec<f32> = bytes.iter().map(|p| before(f32::from(*p))).collect();
    let (expected, got) = (evaluate(model, &raw, DIMS), fed(network, &bytes));
    let scale = expected.iter().fold(1.0f32, |m, x| m.max(x.abs()));
    for (e, g) in expected.iter().zip(&got) {
        assert!((e - g).abs() < 1e-3 * scale, "{expected:?} {got:?}");
    }
}

#[test]
fn bytes_are_pixels_in_0_to_255() {
    let models = [
        model(|b, x| cast(b, x, "float", 1)),
        model(|b, x| {
            let x = cast(b, x, "float", 1);
            normalise(b, &x, [123.7, 116.3, 103.5], [58.4, 57.1, 57.4])
        }),
        model(|b, x| {
            let x = cast(b, x, "wide", 6);
            let x = cast(b, &x, "float", 10);
            let scale = b.constant("scale", &[], &[1.0 / 255.0]);
            b.op("Mul", "mul", &[&x, &scale])
        }),
        model(|b, x| {
            let x = b.push(node("Transpose", &[x], "last").with_ints("perm", &[0, 2, 3, 1]));
            let x = cast(b, &x, "float", 1);
            b.push(node("Transpose", &[&x], "first").with_ints("perm", &[0, 3, 1, 2]))
        }),
    ];
    for model in models {
        let network = read_model(&typed(model.clone(), 2)).unwrap();
        assert!(network.graph_input.bytes);
        assert_fed(&model, &network, |p| p);
        let mut network = network;
        assert!(network.feed(&Before::range(0.0, 1.0)).is_err());
    }
}

#[test]
fn arithmetic_of_bytes_and_other_integers_are_refused() {
    let sum = model(|b, x| {
        let one = integers(b, "one", &[1]);
        let x = b.op("Div", "div", &[x, &one]);
        cast(b, &x, "float", 1)
    });
    let message = import_model(&typed(sum, 2)).err().unwrap().to_string();
    assert!(message.contains("cast the image to float"), "{message}");
    let plain = model(|b, x| cast(b, x, "float", 1));
    for (kind, name) in [(3, "int8"), (6, "int32"), (9, "bool")] {
        let message = import_model(&typed(plain.clone(), kind)).err().unwrap().to_string();
        assert!(message.contains(name) && message.contains("uint8"), "{message}");
    }
}

#[test]
fn casts_of_what_the_image_makes_are_refused() {
    for (to, name) in [(6, "int32"), (7, "int64"), (9, "bool"), (2, "uint8"), (3, "int8")] {
        let truncated = around(4, DIMS, |b| {
            let image = b.image();
            let x = padded(b, &image);
            let x = cast(b, &x, "whole", to);
            cast(b, &x, "back", 1)
        });
        let message = import_model(&truncated).err().unwrap().to_string();
        assert!(message.contains(name) && message.contains("`whole`"), "{message}");
    }
    // The image itself, where it is of floats.
    let message = import_model(&model(|b, x| cast(b, x, "whole", 6))).err().unwrap().to_string();
    assert!(message.contains("int32"), "{message}");
    for to in [1, 10, 11, 16] {
        assert_imports(&model(|b, x| cast(b, x, "float", to)), DIMS);
    }
}

/// Flags and metadata say what comes before the graph; what the graph does comes on top.
#[test]
fn what_comes_before_the_graph_does_not_replace_what_is_in_it() {
    let inside = model(|b, x| normalise(b, x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]));
    let statistics = model(|b, x| b.batch_norm("bn", x, 3));
    let none = model(|b, x| b.op("Identity", "same", &[x]));
    for model in [inside, statistics, none] {
        let mut network = import_model(&model).unwrap();
        network.feed(&Before::range(0.0, 1.0)).unwrap();
        assert_fed(&model, &network, |p| p / 255.0);
        network.feed(&Before::range(0.0, 255.0)).unwrap();
        assert_fed(&model, &network, |p| p);
        network.feed(&Before { mean: vec![0.5], std: vec![0.25] }).unwrap();
        assert_fed(&model, &network, |p| (p / 255.0 - 0.5) / 0.25);
    }
}

/// The normalisation of the graph tells what it is for, through everything that leaves pixels in
/// their range.
#[test]
fn the_graph_hints_at_its_range() {
    type First = fn(&mut ModelBuilder, &str) -> String;
    let scaled: First = |b, x| {
        let scale = b.constant("scale", &[], &[255.0]);
        b.op("Div", "scaled", &[x, &scale])
    };
    let bytes: [First; 6] = [
        scaled,
        |b, x| normalise(b, x, [123.7, 116.3, 103.5], [58.4, 57.1, 57.4]),
        |b, x| normalise(b, x, [103.9, 116.8, 123.7], [1.0; 3]),
        |b, x| normalise(b, x, [127.5; 3], [127.5; 3]),
        |b, x| {
            let pads = integers(b, "pads", &[0, 0, 0, 0, 0, 0, 0, 0]);
            let x = b.op("Pad", "pad", &[x, &pads]);
            let (low, high) = (b.constant("low", &[], &[0.0]), b.constant("high", &[], &[255.0]));
            let x = b.op("Clip", "clip", &[&x, &low, &high]);
            let scale = b.constant("scale", &[], &[1.0 / 255.0]);
            b.op("Mul", "scaled", &[&x, &scale])
        },
        |b, x| {
            let x = b.push(
                node("MaxPool", &[x], "pool")
                    .with_ints("kernel_shape", &[2, 2])
                    .with_ints("pads", &[0, 0, 1, 1]),
            );
            let scale = b.constant("scale", &[], &[255.0]);
            b.op("Div", "scaled", &[&x, &scale])
        },
    ];
    for (i, first) in bytes.into_iter().enumerate() {
        let model = model(first);
        let network = import_model(&model).unwrap();
        assert!(network.mean.is_some(), "model {i}");
        assert_fed(&model, &network, |p| p);
    }
    let units: [First; 4] = [
        |b, x| normalise(b, x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        |b, x| normalise(b, x, [0.5; 3], [1.0; 3]),
        |b, x| {
            let (two, one) = (b.constant("two", &[], &[2.0]), b.constant("one", &[], &[1.0]));
            let x = b.op("Mul", "mul", &[x, &two]);
            b.op("Sub", "sub", &[&x, &one])
        },
        // The gamma of one channel says nothing about pixels; the means do.
        |b, x| {
            let mut inputs = vec![x.to_owned()];
            for (name, v) in [
                ("gamma", [0.01, 0.8, 1.1]),
                ("beta", [0.1, 0.2, 0.3]),
                ("mean", [0.5, 0.4, 0.5]),
                ("var", [1.0, 0.5, 1.0]),
            ] {
                inputs.push(b.constant(name, &[3], &v));
            }
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            b.op("BatchNormalization", "bn", &inputs)
        },
    ];
    for (i, first) in units.into_iter().enumerate() {
        let model = model(first);
        let network = import_model(&model).unwrap();
        assert!(network.mean.is_some(), "model {i}");
        assert_fed(&model, &network, |p| p / 255.0);
    }
}

#[test]
fn where_nothing_says_the_compiler_asks() {
    type First = fn(&mut ModelBuilder, &str) -> String;
    let unknown: [First; 4] = [
        |b, x| b.op("Identity", "same", &[x]),
        |b, x| b.op("Relu", "relu0", &[x]),
        // Normalised before, and again: means near 0.
        |b, x| normalise(b, x, [0.0, 0.01, -0.02], [1.0; 3]),
        |b, x| {
            let two = b.constant("two", &[], &[2.0]);
            b.op("Mul", "mul", &[x, &two])
        },
    ];
    for (i, first) in unknown.into_iter().enumerate() {
        let mut network = import_model(&model(first)).unwrap();
        assert!(network.mean.is_none(), "model {i}");
        let images = Calibration::synthetic(network.input, 2);
        let build = |network: &Network| compile(network, &images, &Options::default());
        let message = build(&network).err().unwrap().to_string();
        assert!(message.contains("--pixels 0..1"), "{message}");
        network.feed(&Before::range(0.0, 1.0)).unwrap();
        assert!(build(&network).is_ok());
    }
}
