//! Networks that make images larger, and their answers that are maps.

use proptest::prelude::*;
use tacita_compile::testing::{ConvSpec, ModelBuilder};
use tacita_compile::{
    Calibration, FloatOp, Layer, Network, Options, Rounding, Simulator, compile, import_model,
    lower, read_model,
};
use tacita_onnx::{AttributeProto, ModelProto, NodeProto};
use tacita_protocol::plan::clear;

use crate::cases;
use crate::nets::{around, conv, node};
use crate::reference::{assert_imports, evaluate, image, normalised};

/// With a string attribute.
fn with_text(mut node: NodeProto, name: &str, value: &str) -> NodeProto {
    let (name, s) = (name.to_owned(), value.as_bytes().to_vec());
    node.attribute.push(AttributeProto { name, s, ..AttributeProto::default() });
    node
}

/// A transposed convolution of these weights (inputs, outputs of a group, rows, columns).
fn transposed(
    b: &mut ModelBuilder,
    x: &str,
    dims: [usize; 4],
    groups: usize,
    edit: impl FnOnce(NodeProto) -> NodeProto,
) -> String {
    let w = b.uniforms(dims.iter().product(), 0.0, 1.0);
    let bias = b.uniforms(dims[1] * groups, 0.0, 0.5);
    let w = b.constant("up.weight", &dims, &w);
    let bias = b.constant("up.bias", &[dims[1] * groups], &bias);
    let n = node("ConvTranspose", &[x, &w, &bias], "up").with_int("group", groups as i64);
    b.push(edit(n))
}

/// Convolutions that are left once everything is lowered.
fn convs(network: &Network) -> usize {
    let conv = |l: &Layer| l.terms.iter().filter(|t| matches!(t.op, FloatOp::Conv { .. })).count();
    network.layers.iter().map(conv).sum()
}

proptest! {
    #![proptest_config(cases(200))]
    #[test]
    fn transposed_convolutions_of_any_geometry(
        seed: u64,
        groups in 1usize..4,
        (inner, outer) in (1usize..3, 1usize..3),
        kernel in prop::array::uniform2(1usize..5),
        strides in prop::array::uniform2(1i64..4),
        dilations in prop::array::uniform2(1i64..3),
        pads in prop::array::uniform4(0i64..4),
        extra in prop::array::uniform2(0i64..3),
        normalise: bool,
    ) {
        let dims = [groups * inner, 4, 5];
        // Something must be left, and extra rows are fewer than the stride or the dilation.
        let extra = [0, 1].map(|k| extra[k].min(strides[k].max(dilations[k]) - 1));
        let full = [0, 1].map(|k| {
            (dims[1 + k] as i64 - 1) * strides[k]
                + (kernel[k] as i64 - 1) * dilations[k]
                + 1
                + extra[k]
        });
        let left = |k: usize| full[k] > pads[k] + pads[k + 2];
        prop_assume!(left(0) && left(1));
        let model = around(seed, dims, |b| {
            let image = b.image();
            let weights = [groups * inner, outer, kernel[0], kernel[1]];
            let x = transposed(b, &image, weights, groups, |n| {
                let n = n.with_ints("strides", &strides).with_ints("dilations", &dilations);
                n.with_ints("pads", &pads).with_ints("output_padding", &extra)
            });
            let x = if normalise { b.batch_norm("bn", &x, groups * outer) } else { x };
            b.op("Relu", "relu", &[&x])
        });
        let network = assert_imports(&model, dims);
        // The normalisation is part of the convolution; the other is the classifier.
        prop_assert_eq!(convs(&network), 2);
    }

    #[test]
    fn output_sizes_may_be_asked_for(
        seed: u64,
        kernel in 2i64..6,
        stride in 2i64..4,
        cut in 0i64..3,
        mode in prop::sample::select(vec!["", "SAME_UPPER", "SAME_LOWER"]),
    ) {
        let dims = [2, 3, 4];
        let full = |n: i64| (n - 1) * stride + kernel;
        prop_assume!(full(3) > cut && (mode.is_empty() || kernel >= stride));
        let model = around(seed, dims, |b| {
            let (image, k) = (b.image(), kernel as usize);
            transposed(b, &image, [2, 2, k, k], 1, |n| {
                let n = n.with_ints("strides", &[stride; 2]);
                match mode {
                    "" => n.with_ints("output_shape", &[full(3) - cut, full(4) - cut]),
                    mode => with_text(n, "auto_pad", mode),
                }
            })
        });
        assert_imports(&model, dims);
    }

    #[test]
    fn channels_become_blocks(seed: u64, block in 1usize..4, own in 1usize..4, crd: bool) {
        let dims = [2, 3, 4];
        let model = around(seed, dims, |b| {
            let image = b.image();
            let wide = own * block * block;
            let x = conv(b, &image, "wide", [wide, 2, 3, 3], |n| n.with_ints("pads", &[1; 4]));
            let n = node("DepthToSpace", &[&x], "blocks").with_int("blocksize", block as i64);
            let x = b.push(with_text(n, "mode", if crd { "CRD" } else { "DCR" }));
            let x = b.batch_norm("bn", &x, own);
            b.op("Relu", "relu", &[&x])
        });
        let network = assert_imports(&model, dims);
        prop_assert_eq!(convs(&network), 2);
    }
}

/// conv -> relu -> twice as large -> joined with the image twice as large -> conv: a map.
fn map_model(seed: u64, channels: usize) -> ModelProto {
    let mut b = ModelBuilder::new(seed, [1, 6, 6]);
    let image = b.image();
    let x = b.conv("stem", &image, ConvSpec::same(1, 4, 3, 1), true);
    let x = b.op("Relu", "relu", &[&x]);
    let up = transposed(&mut b, &x, [4, 3, 2, 2], 1, |n| n.with_ints("strides", &[2, 2]));
    let up = b.op("Relu", "relu2", &[&up]);
    let scales = b.constant("scales", &[4], &[1.0, 1.0, 2.0, 2.0]);
    let n = node("Resize", &[&image, "", &scales], "large");
    let large = b.push(with_text(with_text(n, "mode", "nearest"), "nearest_mode", "floor"));
    let joined = b.push(node("Concat", &[&up, &large], "joined").with_int("axis", 1));
    let y = b.conv("head", &joined, ConvSpec::same(4, channels, 3, 1), true);
    b.metadata("tacita.mean", "0.5");
    b.metadata("tacita.std", "0.25");
    b.finish(&y, channels)
}

#[test]
fn maps_are_compiled_and_judged_pixel_by_pixel() {
    for channels in [1, 3] {
        let network = import_model(&map_model(3, channels)).unwrap();
        assert_eq!(network.map().map(|s| (s.channels, s.height)), Some((channels, 12)));
        let images = Calibration::synthetic(network.input, 40);
        let options = Options { batch: Some(1), ..Options::default() };
        let (plan, report) = compile(&network, &images, &options).unwrap();
        assert!(report.max_logit_error < 0.05 * report.max_logit, "{report:?}");
        assert_eq!(plan.public.map().unwrap().len(), channels * 144);
        let simulator = Simulator::new(&plan);
        let all = simulator.simulate(&images.images, Rounding::Shares(1), &|| ()).unwrap();
        assert_eq!(all.classes.len(), 40 * 144);
        let budget = tacita_compile::Budget { max_loss: 2.0, max_class_loss: 6.0, seed: 1 };
        let (plan, report) =
            tacita_compile::compile_within(&network, &images, &options, &budget, &mut |_| ())
                .unwrap();
        let judged = report.judgement.unwrap();
        assert_eq!(judged.counted, "pixels");
        assert_eq!(judged.agreement.of, judged.images * 144);
        assert!(judged.agreement.share > 0.95, "{judged:?}");
        assert!(judged.classes.iter().all(|c| c.class < channels.max(2)));
        assert_eq!(plan.public.map(), network.map());
    }
}

#[test]
fn a_map_s_own_decision_is_the_client_s() {
    type Tail<'a> = &'a dyn Fn(&mut ModelBuilder, &str) -> String;
    let of = |tail: Tail<'_>| {
        let mut b = ModelBuilder::new(2, [3, 4, 4]);
        let image = b.image();
        let x = b.conv("conv", &image, ConvSpec::same(3, 3, 3, 1), true);
        let y = tail(&mut b, &x);
        import_model(&b.finish(&y, 3))
    };
    let plain = of(&|_, x| x.to_owned()).unwrap();
    let ends: [Tail<'_>; 4] = [
        &|b, x| b.op("Sigmoid", "sigmoid", &[x]),
        &|b, x| b.push(node("Softmax", &[x], "softmax").with_int("axis", 1)),
        &|b, x| {
            let class = b.push(node("ArgMax", &[x], "class").with_int("axis", 1));
            b.push(node("Cast", &[&class], "cast").with_int("to", 7))
        },
        &|b, x| b.push(node("ArgMax", &[x], "class").with_int("axis", 1).with_int("keepdims", 0)),
    ];
    for end in ends {
        let network = of(end).unwrap();
        assert!(!network.top1 && network.map().is_some());
        assert_eq!(network.layers.len(), plain.layers.len());
        assert!(
            network.warnings.iter().any(|w| w.contains("left to the client")),
            "{:?}",
            network.warnings
        );
    }
    for axis in [2, 3] {
        let error =
            of(&|b, x| b.push(node("ArgMax", &[x], "class").with_int("axis", axis))).err().unwrap();
        assert!(error.to_string().contains("last operator"), "{error}");
    }
}

/// A network of signals: conv 1-D, relu, pools, upsampling, classifier.
fn signal_model(seed: u64) -> ModelProto {
    let mut b = ModelBuilder::new(seed, [2, 1, 24]);
    let w = b.uniforms(4 * 2 * 5, 0.0, 0.5);
    b.constant("stem.weight", &[4, 2, 5], &w);
    let image = b.image();
    let n = node("Conv", &[&image, "stem.weight"], "stem").with_ints("pads", &[2, 2]);
    let x = b.push(n.with_ints("kernel_shape", &[5]).with_ints("strides", &[1]));
    let x = b.batch_norm("bn", &x, 4);
    let x = b.op("Relu", "relu", &[&x]);
    let n = node("MaxPool", &[&x], "pool").with_ints("kernel_shape", &[2]);
    let x = b.push(n.with_ints("strides", &[2]));
    let w = b.uniforms(4 * 3 * 4, 0.0, 0.5);
    b.constant("up.weight", &[4, 3, 4], &w);
    let n = node("ConvTranspose", &[&x, "up.weight"], "up").with_ints("strides", &[2]);
    let x = b.push(n.with_ints("pads", &[1, 1]));
    let n = node("AveragePool", &[&x], "mean").with_ints("kernel_shape", &[3]);
    let x = b.push(n.with_ints("strides", &[3]));
    let x = b.op("Flatten", "flatten", &[&x]);
    let x = b.gemm("fc", &x, 24, 3);
    let mut model = b.finish(&x, 3);
    model.graph.as_mut().unwrap().input[0] =
        tacita_onnx::ValueInfoProto::float("image", &[1, 2, 24]);
    model
}

/// The same on images of one row.
fn as_images(model: &ModelProto) -> ModelProto {
    let mut model = model.clone();
    let graph = model.graph.as_mut().unwrap();
    graph.input[0] = tacita_onnx::ValueInfoProto::float("image", &[1, 2, 1, 24]);
    for t in graph.initializer.iter_mut().filter(|t| t.dims.len() == 3) {
        t.dims.insert(2, 1);
    }
    for a in graph.node.iter_mut().flat_map(|n| &mut n.attribute) {
        match (a.name.as_str(), a.ints.as_slice()) {
            ("pads", &[l, r]) => a.ints = vec![0, l, 0, r],
            ("kernel_shape" | "strides", &[n]) => a.ints = vec![1, n],
            _ => {}
        }
    }
    model
}

#[test]
fn signals_are_images_of_one_row() {
    let model = signal_model(4);
    let mut network = read_model(&model).unwrap();
    assert!(network.graph_input.arrays_only);
    assert_eq!(network.graph_input.dims, [2, 24]);
    let x = image(7, [2, 1, 24]);
    let expected = evaluate(&as_images(&model), &x, [2, 1, 24]);
    let own = normalised(&mut network, &x);
    for (e, g) in expected.iter().zip(network.evaluate(&own)) {
        assert!((e - g).abs() < 1e-4, "{e} {g}");
    }
    // They need nothing said about pixels, and are calibrated on arrays.
    let mut network = read_model(&model).unwrap();
    lower::lower(&mut network).unwrap();
    let arrays = Calibration::drawn(&network, 12);
    let options = Options { batch: Some(1), ..Options::default() };
    let (plan, report) = compile(&network, &arrays, &options).unwrap();
    assert!(report.max_logit_error < 0.05, "{report:?}");
    let spec = plan.public.input.arrays.as_ref().unwrap();
    assert!(!plan.public.input.pictures && spec.dims == [2, 24]);
    let input = tacita_image_input::encode(&arrays.images[0], &plan.public).unwrap();
    assert_eq!(clear::evaluate(&plan, &input).pop().unwrap().len(), 3);
    let any = Calibration { any_image: true, ..arrays };
    let error = compile(&network, &any, &options).err().unwrap().to_string();
    assert!(error.contains("takes arrays"), "{error}");
}

#[test]
fn flat_inputs_are_vectors() {
    let mut b = ModelBuilder::new(1, [1, 1, 1]);
    let x = b.gemm("fc1", "image", 7, 5);
    let x = b.op("Relu", "relu", &[&x]);
    let w = b.uniforms(10, 0.0, 1.0);
    b.constant("fc2.weight", &[5, 2], &w);
    let y = b.op("MatMul", "fc2", &[&x, "fc2.weight"]);
    let mut model = b.finish(&y, 2);
    let graph = model.graph.as_mut().unwrap();
    graph.input[0] = tacita_onnx::ValueInfoProto::float("image", &[1, 7]);
    let network = import_model(&model).unwrap();
    assert_eq!((network.input.channels, network.input.len()), (7, 7));
    assert!(network.graph_input.arrays_only && network.mean == Some(vec![0.0; 7]));
}

#[test]
fn what_cannot_be_resized_says_what_can() {
    let resized = |mode: &str, places: &str, scales: &[f32]| {
        let mut b = ModelBuilder::new(2, [2, 4, 4]);
        let image = b.image();
        let scales = b.constant("scales", &[scales.len()], scales);
        let n = node("Resize", &[&image, "", &scales], "y");
        let n = with_text(with_text(n, "mode", mode), "coordinate_transformation_mode", places);
        let x = b.push(n);
        read_model(&b.finish(&x, 2)).err().map(|e| e.to_string()).unwrap_or_default()
    };
    let twice = [1.0, 1.0, 2.0, 2.0];
    for (mode, places, scales, words) in [
        ("cubic", "half_pixel", &twice[..], "use nearest or linear"),
        ("linear", "align_corners", &twice, "align_corners=False"),
        ("linear", "half_pixel", &[1.0, 1.0, 1.5, 2.0], "whole factors"),
        ("linear", "half_pixel", &[1.0, 2.0, 2.0, 2.0], "the batch or the channels"),
        ("nearest", "tf_crop_and_resize", &twice, "tf_crop_and_resize"),
        ("nearest", "half_pixel", &[1.0, 1.0, 5000.0, 1.0], "an image of"),
        ("nearest", "half_pixel", &twice[..3], "3 scales or sizes for 4"),
    ] {
        let error = resized(mode, places, scales);
        assert!(error.contains(words), "{mode} {places}: {error}");
    }
    assert_eq!(resized("linear", "half_pixel", &twice), "");
}
