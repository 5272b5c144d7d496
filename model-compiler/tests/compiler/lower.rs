//! Lowering keeps a network's function, and leaves what a plan can say.

use proptest::prelude::*;
use tacita_compile::lower::{PASSES, lower};
use tacita_compile::pixels::Before;
use tacita_compile::{Calibration, FloatOp, Network, Options, compile};
use tacita_protocol::plan::MAX_TERMS;

use crate::cases;
use crate::drawn::{image, network};

/// The largest difference between what two networks make of a few images, relative to the values.
pub fn difference(a: &Network, b: &Network) -> f32 {
    let each = (0..3).map(|i| {
        let image = image(a, 77 + i);
        let (x, y) = (a.evaluate(&image), b.evaluate(&image));
        assert_eq!(x.len(), y.len());
        let scale = x.iter().fold(1.0f32, |m, x| m.max(x.abs()));
        x.iter().zip(&y).fold(0.0f32, |m, (x, y)| m.max((x - y).abs())) / scale
    });
    each.fold(0.0, f32::max)
}

pub fn has_max_pool(network: &Network) -> bool {
    let mut terms = network.layers.iter().flat_map(|l| &l.terms);
    terms.any(|t| matches!(t.op, FloatOp::MaxPool(_)))
}

/// Everything that later steps rely on.
pub fn assert_ordered(network: &Network, pass: &str) {
    for (j, layer) in network.layers.iter().enumerate() {
        assert_eq!(layer.terms.is_empty(), j == 0, "{pass}: {}", layer.name);
        assert!(layer.terms.iter().all(|t| t.input < j), "{pass}: {}", layer.name);
        assert_eq!(layer.mask.len(), layer.shape.len(), "{pass}: {}", layer.name);
        assert_eq!(layer.bias.len(), layer.shape.channels, "{pass}: {}", layer.name);
        let counted = [0, layer.shape.len()].contains(&layer.unmasked_relus);
        assert!(counted && layer.mask.ones() <= layer.unmasked_relus, "{pass}: {}", layer.name);
        assert!(layer.name.len() <= 256);
    }
}

proptest! {
    #![proptest_config(cases(400))]
    #[test]
    fn every_pass_keeps_the_function(seed in any::<u64>()) {
        let original = network(seed);
        let mut lowered = original.clone();
        for pass in PASSES {
            (pass.run)(&mut lowered).unwrap();
            assert_ordered(&lowered, pass.name);
            let off = difference(&original, &lowered);
            prop_assert!(off < 1e-4, "{}: {off}", pass.name);
        }
        prop_assert!(!has_max_pool(&lowered));
        prop_assert!(lowered.layers.iter().all(|l| l.cap.is_none()));
        prop_assert!(lowered.layers.iter().all(|l| l.terms.len() <= MAX_TERMS));
    }
}

proptest! {
    #![proptest_config(cases(40))]
    #[test]
    fn lowered_networks_become_plans(seed in any::<u64>()) {
        let mut network = network(seed);
        network.feed(&Before::range(0.0, 1.0)).unwrap();
        lower(&mut network).unwrap();
        let images = Calibration::synthetic(network.input, 4);
        let options = Options { batch: Some(1), margin_bits: 2, ..Options::default() };
        // Building a plan validates it; the report compares the clear evaluator's logits with the
        // float network's.
        let (plan, report) = compile(&network, &images, &options).unwrap();
        prop_assert!(report.max_logit_error < 0.05 * report.max_logit.max(1.0), "{report:?}");
        let relus: usize = network.layers.iter().map(|l| l.mask.ones()).sum();
        prop_assert_eq!(plan.public.relus(), relus);
    }
}

#[test]
fn lowering_twice_changes_nothing_more() {
    for seed in 0..50 {
        let mut once = network(seed);
        lower(&mut once).unwrap();
        let mut twice = once.clone();
        lower(&mut twice).unwrap();
        assert_eq!(once.layers.len(), twice.layers.len(), "{seed}");
        assert_eq!(once.relus(), twice.relus(), "{seed}");
    }
}
