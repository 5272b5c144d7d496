//! The fast simulation against the clear evaluator, on random plans.

use proptest::prelude::*;
use tacita_compile::testing::{RandomNetwork, ResNet};
use tacita_compile::{
    Calibration, FloatOp, FloatTerm, Layer, Network, Options, Rounding, Simulator, Window, compile,
    import_model,
};
use tacita_image_input::encode;
use tacita_protocol::plan::{ConvShape, Mask, Padding, Plan, Shape, clear};

use crate::cases;

fn plan_of(network: &Network) -> (Plan, Calibration) {
    let images = Calibration::synthetic(network.input, 3);
    let options = Options { batch: Some(1), ..Options::default() };
    (compile(network, &images, &options).unwrap().0, images)
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn nearest_is_the_clear_evaluator_bit_for_bit(seed: u64, scale in 0u32..36) {
        let (plan, images) = plan_of(&RandomNetwork::draw(seed));
        let simulator = Simulator::new(&plan);
        for pixels in &images.images {
            // Scaled far out of range, so that sums leave what `f64` holds exactly.
            let factor = (1i64 << scale) | 5;
            let input = encode(pixels, &plan.public).unwrap();
            let input: Vec<i64> = input.into_iter().map(|x| x * factor).collect();
            let expected = clear::evaluate(&plan, &input);
            prop_assert_eq!(simulator.tensors(&input, Rounding::Nearest, 0), &expected[..]);
            let outcome = simulator.run(&input, Rounding::Nearest, 0);
            prop_assert_eq!(Some(&outcome.logits), expected.last());
        }
    }

    #[test]
    fn shares_stay_near_the_nearest(seed: u64) {
        let network = import_model(&ResNet::tiny(seed, 0.5).model()).unwrap();
        let (plan, images) = plan_of(&network);
        let simulator = Simulator::new(&plan);
        let scale = f64::from(plan.public.output().unwrap().frac).exp2();
        for (i, pixels) in images.images.iter().enumerate() {
            let input = encode(pixels, &plan.public).unwrap();
            let nearest = simulator.run(&input, Rounding::Nearest, 0);
            let shares = simulator.run(&input, Rounding::Shares(seed), i as u64);
            for (x, y) in nearest.logits.iter().zip(&shares.logits) {
                prop_assert!(((x - y) as f64 / scale).abs() < 0.1, "{} {}", x, y);
            }
            prop_assert!(shares.layers.iter().all(|l| l.sign_mistakes == 0));
        }
    }
}

#[test]
fn draws_depend_on_the_seed_and_the_image_alone() {
    let network = import_model(&ResNet::tiny(3, 0.5).model()).unwrap();
    let (plan, images) = plan_of(&network);
    let simulator = Simulator::new(&plan);
    let input = encode(&images.images[0], &plan.public).unwrap();
    let of = |seed, image| simulator.run(&input, Rounding::Shares(seed), image).logits;
    assert_eq!(of(1, 0), of(1, 0));
    assert_ne!(of(1, 0), of(1, 1));
    assert_ne!(of(1, 0), of(2, 0));
    let in_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| simulator.simulate(&images.images, Rounding::Shares(1), &|| ()).unwrap())
    };
    assert_eq!(in_threads(1), in_threads(3));
}

#[test]
fn dropped_bits_cost_signs_and_narrow_ranges_overflow() {
    let network = import_model(&ResNet::tiny(4, 0.9).model()).unwrap();
    let (mut plan, images) = plan_of(&network);
    let mistakes = |plan: &Plan| {
        let simulator = Simulator::new(plan);
        let all = simulator.simulate(&images.images, Rounding::Shares(1), &|| ()).unwrap();
        let sum = |f: fn(&tacita_compile::simulate::LayerStats) -> u64| {
            all.layers.iter().map(f).sum::<u64>()
        };
        (sum(|l| l.sign_mistakes), sum(|l| l.overflows))
    };
    assert_eq!(mistakes(&plan), (0, 0));
    plan.public.tensors.iter_mut().for_each(|t| t.dropped = 6);
    let (signs, overflows) = mistakes(&plan);
    assert!(signs > 0 && overflows == 0, "{signs} {overflows}");
    plan.public.tensors.iter_mut().for_each(|t| (t.dropped, t.magnitude) = (0, 8));
    assert!(mistakes(&plan).1 > 0);
}

/// ResNet18 for 32x32 images with all of its ReLUs: 557,056.
fn resnet18() -> Network {
    let mut state = 1u64;
    let mut layers = vec![Layer::linear("image", Shape::new(3, 32, 32), vec![])];
    let mut add = |from: &[(usize, usize, usize, usize)], shortcut: Option<usize>| {
        let mut shape = Shape::new(1, 1, 1);
        let mut terms = Vec::new();
        for (input, to, kernel, stride) in from {
            let conv = ConvShape::same(layers[*input].shape, *to, *kernel, *stride);
            let spread = (6.0 / (conv.weights() / to) as f32).sqrt();
            let weights = (0..conv.weights()).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                spread * 0.7 * ((state >> 40) as f32 / (1u64 << 23) as f32 - 1.0)
            });
            let weights = weights.collect();
            shape = conv.output();
            terms.push(FloatTerm { input: *input, op: FloatOp::Conv { shape: conv, weights } });
        }
        let op = FloatOp::identity(shape.channels);
        terms.extend(shortcut.map(|input| FloatTerm { input, op }));
        let mut layer = Layer::linear("layer", shape, terms);
        if shape.height > 1 {
            layer.mask = Mask::uniform(shape.len(), true);
            layer.unmasked_relus = shape.len();
        }
        layers.push(layer);
        layers.len() - 1
    };
    let (mut last, mut width) = (add(&[(0, 64, 3, 1)], None), 64);
    for (to, stride) in
        [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]
    {
        let inner = add(&[(last, to, 3, stride)], None);
        let second = (inner, to, 3, 1);
        last = match to == width {
            true => add(&[second], Some(last)),
            false => add(&[second, (last, to, 1, stride)], None),
        };
        width = to;
    }
    let from = layers[last].shape;
    let window = Window { kernel_h: 4, kernel_w: 4, stride: 4, pad: Padding::NONE };
    let op = FloatOp::AvgPool(window);
    layers.push(Layer::linear("pool", window.output(from), vec![FloatTerm { input: last, op }]));
    let shape = ConvShape::same(Shape::new(512, 1, 1), 10, 1, 1);
    let op = FloatOp::Conv { shape, weights: vec![0.01; 5120] };
    let term = FloatTerm { input: last + 1, op };
    layers.push(Layer::linear("logits", shape.output(), vec![term]));
    Network::new(Shape::new(3, 32, 32), layers)
}

/// `cargo test --release -p tacita-compile --test compiler -- --ignored --nocapture throughput`.
#[test]
#[ignore = "a measurement"]
fn throughput() {
    let network = resnet18();
    assert_eq!(network.relus(), 557_056);
    let images = Calibration::synthetic(network.input, 2);
    let options = Options { batch: Some(1), ..Options::default() };
    let (plan, _) = compile(&network, &images, &options).unwrap();
    let images = Calibration::synthetic(network.input, 64).images;
    let simulator = Simulator::new(&plan);
    for rounding in [Rounding::Nearest, Rounding::Shares(1)] {
        let start = std::time::Instant::now();
        let all = simulator.simulate(&images, rounding, &|| ()).unwrap();
        let rate = all.classes.len() as f64 / start.elapsed().as_secs_f64();
        println!("{rounding:?}: {rate:.1} images a second");
    }
    let start = std::time::Instant::now();
    let input = encode(&images[0], &plan.public).unwrap();
    clear::evaluate(&plan, &input);
    println!("clear evaluator, one thread: {:.2} s an image", start.elapsed().as_secs_f64());
}
