//! Compiled networks against the reference, in fixed point: what used to be lost on the way.

use prost::Message;
use tacita_compile::lower::lower;
use tacita_compile::pixels::Before;
use tacita_compile::testing::ModelBuilder;
use tacita_compile::{Calibration, Network, Options, Rounding, Simulator, compile, read};
use tacita_image_input::{encode, normalise};
use tacita_onnx::ModelProto;

use crate::nets::{around, conv, integers, node};
use crate::reference::evaluate;

const DIMS: [usize; 3] = [3, 6, 6];

/// Imports, feeds pixels in 0..1, compiles with drawn images, and holds the fixed-point logits of
/// three of them against the reference.
fn assert_fixed(model: &ModelProto) -> Network {
    let mut network = read(&model.encode_to_vec()).unwrap();
    network.feed(&Before::range(0.0, 1.0)).unwrap();
    lower(&mut network).unwrap();
    let images = Calibration::synthetic(network.input, 12);
    let options = Options { batch: Some(1), ..Options::default() };
    let (plan, _) = compile(&network, &images, &options).unwrap();
    let scale = f64::from(plan.public.output().unwrap().frac).exp2();
    for pixels in &images.images[..3] {
        let raw = tacita_protocol::plan::InputSpec::new(vec![0.0; 3], vec![1.0; 3]);
        let raw = normalise(pixels, network.input, &raw).unwrap();
        let raw: Vec<f32> = raw.iter().map(|x| *x as f32).collect();
        let expected = evaluate(model, &raw, DIMS);
        let input = encode(pixels, &plan.public).unwrap();
        let got = Simulator::new(&plan).run(&input, Rounding::Nearest, 0).logits;
        let largest = expected.iter().fold(0.5f32, |m, x| m.max(x.abs()));
        for (e, g) in expected.iter().zip(&got) {
            let g = (*g as f64 / scale) as f32;
            assert!((e - g).abs() < 0.03 * largest, "{expected:?}, got {g}");
        }
    }
    network
}

fn stem(b: &mut ModelBuilder) -> String {
    let image = b.image();
    conv(b, &image, "stem", [4, 3, 3, 3], |n| n.with_ints("pads", &[1; 4]))
}

/// A padded 3x3 convolution behind `x`, and a ReLU.
fn next(b: &mut ModelBuilder, x: &str, from: usize) -> String {
    let y = conv(b, x, "next", [5, from, 3, 3], |n| n.with_ints("pads", &[1; 4]));
    b.op("Relu", "last", &[&y])
}

#[test]
fn bounds_against_overflow_vanish() {
    type Guard = fn(&mut ModelBuilder, &str) -> String;
    let guards: [Guard; 6] = [
        |b, x| {
            let relu = b.op("Relu", "relu", &[x]);
            let most = b.constant("most", &[], &[65504.0]);
            b.op("Min", "guard", &[&relu, &most])
        },
        |b, x| {
            let most = b.constant("most", &[], &[65504.0]);
            let cut = b.op("Min", "guard", &[&most, x]);
            b.op("Relu", "relu", &[&cut])
        },
        |b, x| {
            let low = b.constant("low", &[], &[-65504.0]);
            let high = b.constant("high", &[], &[65504.0]);
            let cut = b.op("Clip", "guard", &[x, &low, &high]);
            b.op("Relu", "relu", &[&cut])
        },
        |b, x| {
            let zero = b.constant("zero", &[], &[0.0]);
            let high = b.constant("high", &[], &[10_000.0]);
            b.op("Clip", "guard", &[x, &zero, &high])
        },
        |b, x| {
            let low = b.constant("low", &[], &[-30_000.0]);
            let cut = b.op("Max", "guard", &[x, &low]);
            b.op("Relu", "relu", &[&cut])
        },
        |b, x| {
            let relu = b.op("Relu", "relu", &[x]);
            let low = b.constant("low", &[], &[-1.0]);
            let high = b.constant("high", &[], &[3e38]);
            b.op("Clip", "guard", &[&relu, &low, &high])
        },
    ];
    for (i, guard) in guards.into_iter().enumerate() {
        let model = around(20 + i as u64, DIMS, |b| {
            let x = stem(b);
            let x = guard(b, &x);
            next(b, &x, 4)
        });
        let network = assert_fixed(&model);
        // Four and five channels of 36 ReLUs: no comparison more.
        assert_eq!(network.relus(), 9 * 36, "guard {i}");
    }
}

#[test]
fn bounds_that_act_stay() {
    for (i, high) in [1.0f32, 6.0, 20.0, 300.0].into_iter().enumerate() {
        let model = around(30 + i as u64, DIMS, |b| {
            let x = stem(b);
            let gain = b.constant("gain", &[], &[high / 2.0]);
            let x = b.op("Mul", "gained", &[&x, &gain]);
            let most = b.constant("most", &[], &[high]);
            let x = b.op("Min", "cut", &[&x, &most]);
            let least = b.constant("least", &[], &[-high]);
            let x = b.op("Max", "cut2", &[&x, &least]);
            let loss = b.constant("loss", &[], &[2.0 / high]);
            let x = b.op("Mul", "lost", &[&x, &loss]);
            next(b, &x, 4)
        });
        assert_eq!(assert_fixed(&model).relus(), (2 * 4 + 5) * 36, "{high}");
    }
}

/// Channels of all sizes, undone by the next layer.
#[test]
fn channels_of_unlike_sizes_keep_their_bits() {
    let sizes: [[f32; 4]; 4] = [
        [1e3, 1.0, 1e-3, 1.0],
        [1e-3, 1e-3, 1e-3, 1e-3],
        [500.0, 500.0, 1.0, 2e-4],
        [1.0, 1.0, 1.0, 4e3],
    ];
    for (i, sizes) in sizes.into_iter().enumerate() {
        for depthwise in [false, true] {
            let model = around(40 + i as u64, DIMS, |b| {
                let x = stem(b);
                let x = b.op("Relu", "relu0", &[&x]);
                let scaled = |b: &mut ModelBuilder,
                              dims: [usize; 4],
                              name: &str,
                              by: &dyn Fn(usize, usize) -> f32| {
                    let taps = dims[2] * dims[3];
                    let spread = (3.0 / (dims[1] * taps) as f32).sqrt();
                    let w = b.uniforms(dims.iter().product(), 0.0, spread);
                    let w: Vec<f32> = w
                        .iter()
                        .enumerate()
                        .map(|(i, w)| w * by(i / taps / dims[1], i / taps % dims[1]))
                        .collect();
                    b.constant(name, &dims, &w)
                };
                let groups = if depthwise { 4 } else { 1 };
                let w = scaled(b, [4, 4 / groups, 3, 3], "w1", &|o, _| sizes[o]);
                let y = b.push(
                    node("Conv", &[&x, &w], "sized")
                        .with_ints("pads", &[1; 4])
                        .with_int("group", groups as i64),
                );
                let y = b.op("Relu", "relu1", &[&y]);
                let w = scaled(b, [5, 4, 1, 1], "w2", &|_, i| 1.0 / sizes[i]);
                let y = b.push(node("Conv", &[&y, &w], "undone"));
                b.op("Relu", "relu2", &[&y])
            });
            let network = assert_fixed(&model);
            assert!(network.warnings.iter().any(|w| w.contains("unlike sizes")));
        }
    }
}

/// `x[from..to]` along an axis.
fn slice_of(b: &mut ModelBuilder, x: &str, name: &str, numbers: [i64; 3]) -> String {
    let part = |b: &mut ModelBuilder, i: usize, v| integers(b, &format!("{name}.{i}"), &[v]);
    let [from, to, axis] = [0, 1, 2].map(|i| part(b, i, numbers[i]));
    let step = part(b, 3, 1);
    b.push(node("Slice", &[x, &from, &to, &axis, &step], name))
}

/// Parts of a tensor, scaled, and put together again.
#[test]
fn scaled_parts_read_their_own_channels() {
    for case in 0..4 {
        let model = around(50 + case, DIMS, |b| {
            let x = stem(b);
            let x = b.op("Relu", "relu", &[&x]);
            let slice = |b: &mut ModelBuilder, name: &str, from: i64, to: i64, axis: i64| {
                slice_of(b, &x, name, [from, to, axis])
            };
            let two = b.constant("two", &[], &[2.0]);
            let each = b.constant("each", &[1, 2, 1, 1], &[0.5, -1.5]);
            let axis = if case == 3 { 2 } else { 1 };
            let (a, c) = match case {
                0 => (slice(b, "a", 0, 2, 1), slice(b, "c", 2, 4, 1)),
                1 => (slice(b, "a", 1, 3, 1), slice(b, "c", 0, 2, 1)),
                2 => (slice(b, "a", 0, 2, 1), slice(b, "c", 0, 3, 1)),
                _ => (slice(b, "a", 0, 3, 2), slice(b, "c", 2, 6, 2)),
            };
            let by = if case == 1 { &each } else { &two };
            let a = b.op("Mul", "scaled", &[&a, by]);
            let all = b.push(node("Concat", &[&a, &c], "all").with_int("axis", axis));
            let channels = [4, 4, 5, 4][case as usize];
            next(b, &all, channels)
        });
        assert_fixed(&model);
    }
}

/// Channel shuffles, and what is cut of them.
#[test]
fn shuffled_channels_are_split_in_order() {
    for case in 0..4 {
        let model = around(60 + case, DIMS, |b| {
            let x = stem(b);
            let x = b.op("Relu", "relu", &[&x]);
            let groups = integers(b, "groups", &[1, 2, 2, 6, 6]);
            let flat = integers(b, "flat", &[1, 4, 6, 6]);
            let x = b.op("Reshape", "grouped", &[&x, &groups]);
            let x = b.push(node("Transpose", &[&x], "turned").with_ints("perm", &[0, 2, 1, 3, 4]));
            let (a, c) = match case {
                0 => {
                    let x = b.op("Reshape", "flattened", &[&x, &flat]);
                    let sizes = integers(b, "sizes", &[2, 2]);
                    let mut split = node("Split", &[&x, &sizes], "a").with_int("axis", 1);
                    split.output.push("c".into());
                    (b.push(split), "c".to_owned())
                }
                1 => {
                    let x = b.op("Reshape", "flattened", &[&x, &flat]);
                    let sizes = integers(b, "sizes", &[1, 3]);
                    let mut split = node("Split", &[&x, &sizes], "a").with_int("axis", 1);
                    split.output.push("c".into());
                    (b.push(split), "c".to_owned())
                }
                2 => {
                    let pick = |b: &mut ModelBuilder, at: i64, name: &str| {
                        let at = integers(b, &format!("at{name}"), &[at]);
                        let y = b.push(
                            node("Gather", &[&x, &at], &format!("g{name}")).with_int("axis", 1),
                        );
                        let to = integers(b, &format!("to{name}"), &[1, 2, 6, 6]);
                        b.push(node("Reshape", &[&y, &to], name))
                    };
                    (pick(b, 1, "a"), pick(b, 0, "c"))
                }
                _ => {
                    let x = b.op("Reshape", "flattened", &[&x, &flat]);
                    let slice = |b: &mut ModelBuilder, name: &str, from: i64, to: i64| {
                        slice_of(b, &x, name, [from, to, 1])
                    };
                    (slice(b, "a", 0, 2), slice(b, "c", 1, 4))
                }
            };
            let channels = [[2, 2], [1, 3], [2, 2], [2, 3]][case as usize];
            let y = conv(b, &a, "pointwise", [2, channels[0], 1, 1], |n| n);
            let y = b.op("Relu", "relu1", &[&y]);
            let all = b.push(node("Concat", &[&y, &c], "all").with_int("axis", 1));
            next(b, &all, 2 + channels[1])
        });
        assert_fixed(&model);
    }
}
