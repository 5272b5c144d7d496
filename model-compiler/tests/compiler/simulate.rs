//! The fast simulation against the clear evaluator, on random plans.

use proptest::prelude::*;
use tacet_compile::testing::{RandomNetwork, ResNet};
use tacet_compile::{Calibration, Options, Rounding, Simulator, compile, import_model};
use tacet_image_input::encode;
use tacet_protocol::plan::{Plan, clear};

use crate::cases;

fn plan_of(network: &tacet_compile::Network) -> (Plan, Calibration) {
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
        let sum = |f: fn(&tacet_compile::simulate::LayerStats) -> u64| {
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
