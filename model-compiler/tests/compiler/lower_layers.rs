//! What single lowering passes make of single layers, and what it costs.

use tacita_compile::lower::{PASSES, lower};
use tacita_compile::pixels::Before;
use tacita_compile::{Calibration, FloatOp, FloatTerm, Layer, Network, Options, Window, compile};
use tacita_protocol::plan::{ConvShape, CopyShape, Mask, Padding, Shape};

use crate::drawn::{Draw, conv, max_pool};
use crate::lower::{assert_ordered, difference, has_max_pool};

const IMAGE: Shape = Shape::new(3, 8, 8);

fn window(kernel: usize, stride: usize, pad: usize) -> Window {
    let pad = Padding::symmetric(pad, pad);
    Window { kernel_h: kernel, kernel_w: kernel, stride, pad }
}

fn read(input: usize, shape: Shape) -> FloatTerm {
    FloatTerm { input, op: FloatOp::identity(shape.channels) }
}

fn relu(layer: Layer) -> Layer {
    let len = layer.shape.len();
    Layer { mask: Mask::uniform(len, true), unmasked_relus: len, ..layer }
}

/// The layers, then a fully connected one; the first reads the image.
fn network(mut layers: Vec<Layer>) -> Network {
    layers.insert(0, Layer::linear("image", IMAGE, vec![]));
    let input = layers.last().unwrap().shape;
    let shape = ConvShape {
        kernel_h: input.height,
        kernel_w: input.width,
        pad: Padding::NONE,
        ..ConvShape::same(input, 5, 1, 1)
    };
    let term = conv(&mut Draw(9), layers.len() - 1, shape);
    layers.push(Layer::linear("fc", Shape::new(5, 1, 1), vec![term]));
    Network::new(IMAGE, layers)
}

/// A 3x3 convolution of the image.
fn stem() -> Layer {
    let term = conv(&mut Draw(1), 0, ConvShape::same(IMAGE, 4, 3, 1));
    let bias = vec![0.1, -0.2, 0.3, -0.4];
    Layer { bias, ..Layer::linear("stem", Shape::new(4, 8, 8), vec![term]) }
}

fn pooled(input: usize, from: Shape, w: Window) -> Layer {
    Layer::linear("pool", w.output(from), vec![max_pool(input, w)])
}

/// Lowered, and the same function.
fn lowered(network: &Network) -> Network {
    let mut lowered = network.clone();
    lower(&mut lowered).unwrap();
    assert_ordered(&lowered, "all");
    assert!(!has_max_pool(&lowered) && lowered.layers.iter().all(|l| l.cap.is_none()));
    let off = difference(network, &lowered);
    assert!(off < 1e-5, "{off}");
    lowered
}

fn after(network: &Network, pass: &str) -> Network {
    let mut network = network.clone();
    let pass = PASSES.iter().find(|p| p.name == pass).unwrap();
    (pass.run)(&mut network).unwrap();
    network
}

fn relu_tensors(network: &Network) -> usize {
    network.layers.iter().filter(|l| l.mask.ones() > 0).count()
}

#[test]
fn two_by_two_takes_three_comparisons_in_two_rounds() {
    let w = window(2, 2, 0);
    let network = lowered(&network(vec![stem(), pooled(1, Shape::new(4, 8, 8), w)]));
    assert_eq!((network.relus(), relu_tensors(&network)), (3 * 4 * 16, 2));
}

#[test]
fn the_stem_of_a_residual_network() {
    // 3x3 with stride 2: lines first, so that 6 comparisons suffice instead of 8; here the border
    // saves none. Four rounds, the ReLU of each window a fifth.
    let w = window(3, 2, 1);
    let act = relu(stem());
    let before = network(vec![act, pooled(1, Shape::new(4, 8, 8), w)]);
    let swapped = after(&before, "swap_pools");
    assert_eq!(swapped.relus(), 4 * 16);
    assert_eq!(swapped.layers[1].unmasked_relus, 0);
    let network = lowered(&before);
    let lines = 4 * 8 * 4 * 2;
    assert_eq!((network.relus(), relu_tensors(&network)), (lines + 4 * 16 * 2 + 4 * 16, 5));
    // Padding with zeros needs no tensor of its own where a ReLU follows.
    assert!(network.layers.iter().all(|l| !l.name.contains("borders")));
    assert_eq!(network.layers.iter().map(|l| l.unmasked_relus).sum::<usize>(), network.relus());
}

#[test]
fn padding_of_signed_values_repeats_the_border() {
    for (kernel, stride, pad) in [(3, 2, 1), (3, 1, 1), (5, 1, 2), (2, 2, 1), (5, 3, 4), (8, 1, 7)]
    {
        let w = window(kernel, stride, pad);
        // All pooled values are negative: a zero from the padding would win.
        let mut low = stem();
        low.bias = vec![-20.0; 4];
        let mut pool = pooled(1, Shape::new(4, 8, 8), w);
        pool.bias = vec![1.0, 2.0, 3.0, 4.0];
        let network = lowered(&network(vec![low, pool]));
        assert!(network.layers.iter().any(|l| l.name == "pool (borders)"), "{kernel}");
    }
}

#[test]
fn overlapping_windows_share_comparisons() {
    // 5x5 windows one apart: 24 comparisons each if taken one by one.
    let w = window(5, 1, 2);
    let network = lowered(&network(vec![relu(stem()), pooled(1, Shape::new(4, 8, 8), w)]));
    let comparisons = network.relus() - 4 * 64;
    assert!(comparisons <= 4 * 64 * 8, "{comparisons}");
}

#[test]
fn pools_stay_behind_masks_that_vary_within_a_channel() {
    let shape = Shape::new(4, 8, 8);
    let mut act = relu(stem());
    act.mask = Mask::from_bits((0..shape.len()).map(|i| i % 3 > 0));
    let partial = network(vec![act.clone(), pooled(1, shape, window(2, 2, 0))]);
    assert_eq!(after(&partial, "swap_pools").relus(), partial.relus());
    lowered(&partial);
    // By channel it can be done, and a cap comes along.
    act.mask = Mask::from_bits((0..shape.len()).map(|i| i / 64 != 2));
    act.cap = Some(0.5);
    let channels = network(vec![act, pooled(1, shape, window(2, 2, 0))]);
    let swapped = after(&channels, "swap_pools");
    assert_eq!((swapped.relus(), swapped.layers[2].cap), (3 * 16, Some(0.5)));
    lowered(&channels);
}

#[test]
fn caps_take_one_round_where_the_mask_is_full() {
    let capped = Layer { cap: Some(0.6), ..relu(stem()) };
    let full = lowered(&network(vec![capped.clone()]));
    assert_eq!((full.relus(), relu_tensors(&full)), (2 * 256, 1));
    let mask = Mask::from_bits((0..256).map(|i| i % 4 == 0));
    let partial = lowered(&network(vec![Layer { mask, ..capped.clone() }]));
    assert_eq!((partial.relus(), relu_tensors(&partial)), (2 * 64, 2));
    let none = Layer { mask: Mask::uniform(256, false), ..capped.clone() };
    assert_eq!(lowered(&network(vec![none])).relus(), 0);
    let mut upside_down = network(vec![Layer { cap: Some(-1.0), ..capped }]);
    let message = lower(&mut upside_down).unwrap_err().to_string();
    assert!(message.contains("layer `stem`") && message.contains("positive"), "{message}");
}

#[test]
fn lowered_layers_become_plans_that_agree() {
    let shape = Shape::new(4, 8, 8);
    let capped = Layer { cap: Some(0.6), ..relu(stem()) };
    for layers in [
        vec![relu(stem()), pooled(1, shape, window(3, 2, 1))],
        vec![stem(), pooled(1, shape, window(3, 1, 1))],
        vec![capped.clone(), pooled(1, shape, window(2, 2, 0))],
        vec![capped],
    ] {
        let mut network = lowered(&network(layers));
        network.feed(&Before::range(0.0, 1.0)).unwrap();
        let images = Calibration::synthetic(IMAGE, 4);
        let options = Options { batch: Some(1), ..Options::default() };
        let (plan, report) = compile(&network, &images, &options).unwrap();
        assert!(report.max_logit_error < 0.03 * report.max_logit.max(1.0), "{report:?}");
        assert_eq!(plan.public.tensors.len(), network.layers.len());
    }
}

/// Names of the layers that are left.
fn names(network: &Network) -> Vec<&str> {
    network.layers.iter().map(|l| l.name.as_str()).collect()
}

#[test]
fn linear_layers_merge_into_their_readers() {
    let shape = Shape::new(4, 8, 8);
    let mut d = Draw(3);
    let point = conv(&mut d, 1, ConvShape { groups: 1, ..ConvShape::same(shape, 4, 1, 1) });
    let affine = conv(&mut d, 2, ConvShape { groups: 4, ..ConvShape::same(shape, 4, 1, 1) });
    let layers = vec![
        stem(),
        Layer::linear("point", shape, vec![point]),
        Layer { bias: vec![0.5; 4], ..Layer::linear("affine", shape, vec![affine]) },
        relu(Layer::linear("act", shape, vec![read(3, shape)])),
    ];
    let network = lowered(&network(layers));
    assert_eq!(names(&network), ["image", "act", "fc"]);
    let FloatOp::Conv { shape, .. } = &network.layers[1].terms[0].op else { panic!() };
    assert_eq!((shape.kernel_h, shape.groups), (3, 1));
}

#[test]
fn bottlenecks_stay() {
    // 4 channels in the middle, 64 after: one 3x3 of 64 outputs would multiply more.
    let shape = Shape::new(4, 8, 8);
    let wide =
        conv(&mut Draw(4), 1, ConvShape { pad: Padding::NONE, ..ConvShape::same(shape, 64, 1, 1) });
    let wide = relu(Layer::linear("wide", Shape { channels: 64, ..shape }, vec![wide]));
    assert_eq!(names(&lowered(&network(vec![stem(), wide]))), ["image", "stem", "wide", "fc"]);
}

#[test]
fn averages_are_taken_early() {
    let shape = Shape::new(4, 8, 8);
    let pool = |w: Window| {
        let op = FloatOp::AvgPool(w);
        relu(Layer::linear("act", w.output(shape), vec![FloatTerm { input: 1, op }]))
    };
    let network = |first: Layer, w: Window| lowered(&network(vec![first, pool(w)]));
    // A 3x3 and a mean of 2x2: one 4x4 of stride 2.
    let joint = network(stem(), window(2, 2, 0));
    assert_eq!(names(&joint), ["image", "act", "fc"]);
    let FloatOp::Conv { shape: conv_shape, .. } = &joint.layers[1].terms[0].op else { panic!() };
    assert_eq!((conv_shape.kernel_h, conv_shape.stride), (4, 2));
    // A 1x1 commutes with the mean.
    let point = conv(&mut Draw(2), 0, ConvShape::same(IMAGE, 4, 1, 1));
    let point = Layer { bias: vec![1.0; 4], ..Layer::linear("point", shape, vec![point]) };
    let first = network(point, window(8, 8, 0));
    assert_eq!(first.layers[1].shape, Shape::new(3, 1, 1));
    assert!(matches!(first.layers[1].terms[0].op, FloatOp::AvgPool(_)));
    // A large window stays: its weights would be too small to be exact.
    assert_eq!(names(&network(stem(), window(8, 8, 0))), ["image", "stem", "act", "fc"]);
}

#[test]
fn culled_relus_that_leave_the_count_are_told() {
    let shape = Shape::new(4, 8, 8);
    let culled = Layer { mask: Mask::uniform(256, false), ..relu(stem()) };
    let act = relu(Layer::linear("act", shape, vec![read(1, shape)]));
    let network = lowered(&network(vec![culled, act]));
    assert_eq!(names(&network), ["image", "act", "fc"]);
    assert!(network.warnings.iter().any(|w| w.contains("`stem`") && w.contains("256")));
}

#[test]
fn padding_layers_and_repeated_ones_vanish() {
    let padded = Shape::new(3, 10, 9);
    let zeros = CopyShape { offset: [-1, -1], ..CopyShape::whole(3, 0) };
    let pad = || vec![FloatTerm { input: 0, op: FloatOp::Copy(zeros) }];
    let shape = ConvShape { pad: Padding::NONE, ..ConvShape::same(padded, 4, 3, 1) };
    let mut d = Draw(5);
    let act = |input: usize, d: &mut Draw| {
        relu(Layer::linear(format!("act{input}"), shape.output(), vec![conv(d, input, shape)]))
    };
    let sum = vec![read(3, shape.output()), read(4, shape.output())];
    let layers = vec![
        Layer::linear("pad", padded, pad()),
        Layer::linear("again", padded, pad()),
        act(1, &mut d),
        act(2, &mut d),
        relu(Layer::linear("sum", shape.output(), sum)),
        Layer::linear("unread", padded, pad()),
        relu(Layer::linear("last", shape.output(), vec![read(5, shape.output())])),
    ];
    let network = lowered(&network(layers));
    assert_eq!(names(&network), ["image", "act1", "act2", "sum", "last", "fc"]);
    let FloatOp::Conv { shape, .. } = &network.layers[1].terms[0].op else { panic!() };
    assert_eq!(shape.pad, Padding { top: 1, left: 1, bottom: 1, right: 0 });
}

#[test]
fn long_sums_are_split() {
    let term = |i: u64| conv(&mut Draw(i), 0, ConvShape::same(IMAGE, 2, 3, 1));
    let sum = relu(Layer::linear("sum", Shape::new(2, 8, 8), (0..40).map(term).collect()));
    let network = lowered(&network(vec![sum]));
    assert_eq!(names(&network), ["image", "sum (partial sum)", "sum (partial sum)", "sum", "fc"]);
    assert_eq!(network.layers[3].terms.len(), 10);
}

#[test]
fn kernels_that_reach_far_beyond_a_narrow_image() {
    let column = Shape::new(3, 8, 1);
    let copy = FloatOp::Copy(CopyShape { stride: [1, 8], ..CopyShape::whole(3, 0) });
    let narrow = Layer::linear("narrow", column, vec![FloatTerm { input: 0, op: copy }]);
    let shape = ConvShape {
        kernel_w: 5,
        pad: Padding { left: 4, ..Padding::symmetric(1, 0) },
        ..ConvShape::same(column, 4, 3, 1)
    };
    let wide = relu(Layer::linear("wide", shape.output(), vec![conv(&mut Draw(6), 1, shape)]));
    let mut network = lowered(&network(vec![narrow, wide]));
    network.feed(&Before::range(0.0, 1.0)).unwrap();
    let images = Calibration::synthetic(IMAGE, 2);
    let options = Options { batch: Some(1), ..Options::default() };
    let (_, report) = compile(&network, &images, &options).unwrap();
    assert!(report.max_logit_error < 0.03 * report.max_logit.max(1.0), "{report:?}");
}
