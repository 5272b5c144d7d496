//! Convolutions and pooling of any geometry, drawn at random, against the reference.

use proptest::prelude::*;
use tacita_compile::testing::ModelBuilder;
use tacita_compile::{FloatOp, Network};

use crate::cases;
use crate::nets::{around, conv, integers, node};
use crate::reference::assert_imports;

/// Every window of every layer is one that a plan may have.
fn assert_plannable(network: &Network) {
    for layer in &network.layers {
        assert!(layer.terms.len() <= 16, "{}", layer.name);
        for term in &layer.terms {
            if let FloatOp::Conv { shape, .. } = &term.op {
                assert!(shape.pad.top.max(shape.pad.bottom) < shape.kernel_h, "{shape:?}");
                assert!(shape.pad.left.max(shape.pad.right) < shape.kernel_w, "{shape:?}");
                assert_eq!(shape.output(), layer.shape);
            }
        }
    }
}

prop_compose! {
    fn pads()(p in prop::array::uniform4(0i64..3)) -> [i64; 4] { p }
}

proptest! {
    #![proptest_config(cases(150))]
    #[test]
    fn convolutions_of_any_geometry(
        seed: u64,
        groups in 1usize..4,
        (inner, outer) in (1usize..3, 1usize..3),
        kernel in prop::array::uniform2(1usize..4),
        dilations in prop::array::uniform2(1i64..4),
        strides in prop::array::uniform2(1i64..4),
        pads in pads(),
    ) {
        let dims = [groups * inner, 9, 10];
        let model = around(seed, dims, |b| {
            let shape = [groups * outer, inner, kernel[0], kernel[1]];
            let image = b.image();
            let x = conv(b, &image, "odd", shape, |n| {
                let n = n.with_int("group", groups as i64).with_ints("dilations", &dilations);
                n.with_ints("strides", &strides).with_ints("pads", &pads)
            });
            b.op("Relu", "relu", &[&x])
        });
        assert_plannable(&assert_imports(&model, dims));
    }

    #[test]
    fn pools_of_any_geometry(
        seed: u64,
        kernel in prop::array::uniform2(1i64..4),
        stride in 1i64..4,
        pads in pads(),
        ceil: bool,
        include: bool,
    ) {
        let [kh, kw] = kernel;
        let fit = [pads[0] % kh, pads[1] % kw, pads[2] % kh, pads[3] % kw];
        // Padding that counts and windows over the edge do not go together.
        let ceil = ceil && !include && fit == [0; 4];
        let dims = [2, 7, 8];
        for op in ["AveragePool", "MaxPool"] {
            let model = around(seed, dims, |b| {
                let image = b.image();
                let n = node(op, &[&image], "pool").with_ints("kernel_shape", &kernel);
                let n = n.with_ints("strides", &[stride; 2]).with_ints("pads", &fit);
                let n = n.with_int("ceil_mode", i64::from(ceil));
                let average = op == "AveragePool";
                b.push(if average { n.with_int("count_include_pad", i64::from(include)) } else { n })
            });
            assert_plannable(&assert_imports(&model, dims));
        }
    }

    #[test]
    fn pads_go_into_the_windows_that_follow(
        seed: u64,
        pads in prop::array::uniform4(-1i64..4),
        value in prop::sample::select(vec![0.0f32, 0.5]),
        own in 0i64..2,
    ) {
        let dims = [2, 6, 6];
        let [top, left, bottom, right] = pads;
        let padded = |b: &mut ModelBuilder| {
            integers(b, "pads", &[0, 0, top, left, 0, 0, bottom, right]);
            let value = b.constant("value", &[], &[value]);
            let image = b.image();
            b.push(node("Pad", &[&image, "pads", &value], "padded"))
        };
        let model = around(seed, dims, |b| {
            let x = padded(b);
            conv(b, &x, "conv", [3, 2, 3, 3], |n| n.with_ints("pads", &[own; 4]))
        });
        let network = assert_imports(&model, dims);
        assert_plannable(&network);
        if value == 0.0 && pads.iter().all(|p| (0..3 - own).contains(p)) {
            assert_eq!(network.layers.len(), 3);
        }
        let model = around(seed, dims, |b| {
            let x = padded(b);
            let n = node("AveragePool", &[&x], "pool").with_ints("kernel_shape", &[3, 3]);
            b.push(n.with_int("count_include_pad", own).with_ints("pads", &[own; 4]))
        });
        assert_imports(&model, dims);
        let model = around(seed, dims, |b| {
            let x = padded(b);
            b.push(node("MaxPool", &[&x], "pool").with_ints("kernel_shape", &[2, 2]))
        });
        assert_imports(&model, dims);
    }

    #[test]
    fn means_and_maxima_over_dimensions(
        seed: u64,
        axes in prop::sample::subsequence(vec![2i64, 3], 1..3),
        keep in 0i64..2,
        negative: bool,
    ) {
        let dims = [3, 4, 5];
        let axes: Vec<i64> = axes.into_iter().map(|a| if negative { a - 4 } else { a }).collect();
        for op in ["ReduceMean", "ReduceSum", "ReduceMax"] {
            let model = around(seed, dims, |b| {
                let image = b.image();
                let x = conv(b, &image, "conv", [3, 3, 3, 3], |n| n.with_ints("pads", &[1; 4]));
                b.push(node(op, &[&x], "r").with_ints("axes", &axes).with_int("keepdims", keep))
            });
            assert_imports(&model, dims);
        }
    }
}

#[test]
fn global_pools_and_one_wide_strides() {
    let dims = [2, 4, 6];
    for op in ["GlobalMaxPool", "GlobalAveragePool"] {
        let model = around(1, dims, |b| {
            let image = b.image();
            b.op(op, "pool", &[&image])
        });
        assert_eq!(assert_imports(&model, dims).layers[1].shape.len(), 2);
    }
    let model = around(1, dims, |b| {
        let image = b.image();
        let n = node("MaxPool", &[&image], "pool").with_ints("kernel_shape", &[4, 2]);
        b.push(n.with_ints("strides", &[4, 2]))
    });
    assert_eq!(assert_imports(&model, dims).layers[1].shape.width, 3);
}
