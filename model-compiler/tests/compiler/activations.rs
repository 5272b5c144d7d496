//! Activations that are written with ReLUs, against the reference.

use tacita_compile::Network;
use tacita_compile::testing::ModelBuilder;

use crate::nets::{around, conv, node};
use crate::reference::assert_imports;

const DIMS: [usize; 3] = [3, 5, 4];

/// Makes an activation of a value.
type Activation = fn(&mut ModelBuilder, &str) -> String;
/// Makes a masked ReLU of a value, its ReLU and a mask.
type MaskedForm = fn(&mut ModelBuilder, &str, &str, &str) -> String;

/// conv -> `tail` -> conv.
fn check(tail: impl Fn(&mut ModelBuilder, &str) -> String) -> Network {
    let model = around(11, DIMS, |b| {
        let image = b.image();
        let x = conv(b, &image, "first", [3, 3, 3, 3], |n| n.with_ints("pads", &[1; 4]));
        let x = tail(b, &x);
        conv(b, &x, "last", [2, 3, 3, 3], |n| n.with_ints("pads", &[1; 4]))
    });
    assert_imports(&model, DIMS)
}

#[test]
fn clips_of_every_range() {
    let infinite = f32::INFINITY;
    for (low, high, caps) in [
        (0.0, 6.0, Some(6.0)),
        (0.0, 0.5, Some(0.5)),
        (0.0, infinite, None),
        (-0.5, 0.75, Some(1.25)),
        (0.25, infinite, None),
        (-infinite, 0.25, None),
    ] {
        for relu_first in [false, true] {
            let network = check(|b, x| {
                let x = if relu_first { b.op("Relu", "relu", &[x]) } else { x.to_owned() };
                let low = b.constant("low", &[], &[low]);
                let high = b.constant("high", &[], &[high]);
                b.push(node("Clip", &[&x, &low, &high], "clip"))
            });
            let found = network.layers.iter().find_map(|l| l.cap);
            // A ReLU has its lower end; an upper one alone is its cap.
            let of_relu = Some(high).filter(|h| relu_first && low <= 0.0 && h.is_finite());
            assert_eq!(found, of_relu.or(caps), "{low} {high}");
            if low == 0.0 {
                assert_eq!(network.layers.len(), 4, "{low} {high} {relu_first}");
            }
        }
    }
    let attributes = check(|b, x| {
        b.push(node("Clip", &[x], "clip").with_float("min", 0.0).with_float("max", 0.5))
    });
    assert_eq!(attributes.layers[1].cap, Some(0.5));
    assert_eq!(attributes.layers[1].mask.ones(), 60);
}

#[test]
fn masked_clips() {
    for outside in [false, true] {
        let network = check(|b, x| {
            let mask = b.mask(60, 0.5);
            let keep = b.constant("keep", &[1, 3, 5, 4], &mask);
            let pass: Vec<f32> = mask.iter().map(|m| 1.0 - m).collect();
            let pass = b.constant("pass", &[3, 5, 4], &pass);
            let clip = |b: &mut ModelBuilder, x: &str| {
                b.push(node("Clip", &[x], "clip").with_float("min", 0.0).with_float("max", 0.5))
            };
            let p = if outside {
                let kept = b.op("Mul", "kept", &[x, &keep]);
                clip(b, &kept)
            } else {
                let clipped = clip(b, x);
                b.op("Mul", "kept", &[&clipped, &keep])
            };
            let q = b.op("Mul", "passed", &[&pass, x]);
            b.op("Add", "act", &[&p, &q])
        });
        assert_eq!((network.layers.len(), network.layers[1].cap), (4, Some(0.5)));
        assert!((10..50).contains(&network.relus()));
    }
}

#[test]
fn masks_as_differences_and_selections() {
    let forms: [MaskedForm; 4] = [
        |b, x, relu, mask| {
            let less = b.op("Sub", "less", &[relu, x]);
            let change = b.op("Mul", "change", &[&less, mask]);
            b.op("Add", "act", &[x, &change])
        },
        |b, x, relu, mask| {
            let more = b.op("Sub", "more", &[x, relu]);
            let change = b.op("Mul", "change", &[mask, &more]);
            b.op("Sub", "act", &[x, &change])
        },
        |b, x, relu, mask| b.op("Where", "act", &[mask, relu, x]),
        |b, x, relu, mask| {
            let one = b.constant("one", &[1], &[1.0]);
            let rest = b.op("Sub", "rest", &[&one, mask]);
            let p = b.op("Mul", "p", &[x, &rest]);
            let q = b.op("Mul", "q", &[mask, relu]);
            b.op("Add", "act", &[&p, &q])
        },
    ];
    let shapes: [&[usize]; 4] = [&[1, 3, 5, 4], &[3, 1, 1], &[5, 4], &[]];
    for form in forms {
        for dims in shapes {
            let n = dims.iter().product();
            let network = check(|b, x| {
                let mask = b.mask(n, 0.5);
                let mask = b.constant("mask", dims, &mask);
                let relu = b.op("Relu", "relu", &[x]);
                form(b, x, &relu, &mask)
            });
            assert_eq!(network.layers.len(), 4, "{dims:?}");
            assert_eq!(network.layers[1].name, "act");
        }
    }
}

#[test]
fn leaky_and_absolute_values_and_extrema() {
    let cases: [(usize, Activation); 7] = [
        (1, |b, x| b.push(node("LeakyRelu", &[x], "act").with_float("alpha", 0.2))),
        (1, |b, x| {
            let slope = b.constant("slope", &[3, 1, 1], &[0.1, 0.0, 1.5]);
            b.op("PRelu", "act", &[x, &slope])
        }),
        (2, |b, x| b.op("Abs", "act", &[x])),
        (1, |b, x| {
            let half = b.constant("half", &[], &[0.5]);
            b.op("Max", "act", &[x, &half])
        }),
        (1, |b, x| {
            let y = conv(b, x, "other", [3, 3, 1, 1], |n| n);
            b.op("Max", "act", &[x, &y])
        }),
        (1, |b, x| {
            let y = conv(b, x, "other", [3, 3, 1, 1], |n| n);
            b.op("Min", "act", &[x, &y])
        }),
        // What tf2onnx makes of a PReLU whose slopes are 0 and 1.
        (1, |b, x| {
            let relu = b.op("Relu", "relu", &[x]);
            let minus = b.op("Neg", "minus", &[x]);
            let below = b.op("Relu", "below", &[&minus]);
            let slope = b.constant("slope", &[3, 1, 1], &[-1.0, 0.0, -1.0]);
            let scaled = b.op("Mul", "scaled", &[&below, &slope]);
            b.op("Add", "act", &[&relu, &scaled])
        }),
    ];
    for (i, (relus, case)) in cases.into_iter().enumerate() {
        let network = check(case);
        let found = network.layers.iter().filter(|l| l.mask.ones() > 0).count();
        assert_eq!(found, relus, "case {i}");
    }
}
