//! Fixed-point plans stay close to the float network; unsafe plans are refused.

use proptest::prelude::*;
use tacita_compile::pixels::Before;
use tacita_compile::testing::{ConvSpec, ModelBuilder, ResNet};
use tacita_compile::{Calibration, FloatOp, Network, Options, compile, import_model};
use tacita_image_input::{encode, normalise};
use tacita_protocol::plan::{CopyShape, Linear, Plan, clear, groups_of};
use tacita_protocol::rlwe::{MIN_FLOODING_BITS, flooding_bits, noise_bound};

use crate::cases;

fn compiled(network: &Network, options: &Options) -> (Plan, tacita_compile::Report) {
    compile(network, &Calibration::synthetic(network.input, 8), options).unwrap()
}

proptest! {
    #![proptest_config(cases(12))]
    #[test]
    fn fixed_point_stays_close_to_float(seed in 0u64..1000, keep in 0.0f32..1.0) {
        let network = import_model(&ResNet::tiny(seed, keep).model()).unwrap();
        // Eight images say little about the next ones' ranges.
        let options = Options { margin_bits: 2, ..Options::default() };
        let (plan, report) = compiled(&network, &options);
        prop_assert!(report.max_logit_error < 0.05 * report.max_logit.max(1.0), "{report:?}");
        prop_assert!(report.flooding_bits.unwrap() >= MIN_FLOODING_BITS);
        prop_assert!(report.log2_failure < -12.0);
        // Images that calibration has not seen.
        let fresh = Calibration::synthetic(network.input, 12).images.split_off(8);
        for pixels in fresh {
            let real = normalise(&pixels, network.input, &plan.public.input).unwrap();
            let float = network.evaluate(&real.iter().map(|x| *x as f32).collect::<Vec<_>>());
            let tensors = clear::evaluate(&plan, &encode(&pixels, &plan.public).unwrap());
            let scale = f64::from(plan.public.output().unwrap().frac).exp2();
            for (x, y) in float.iter().zip(tensors.last().unwrap()) {
                let error = (f64::from(*x) - *y as f64 / scale).abs();
                prop_assert!(error < 0.08 * report.max_logit.max(1.0), "{error}");
            }
            for (spec, values) in plan.public.tensors.iter().zip(&tensors) {
                prop_assert!(values.iter().all(|v| v.unsigned_abs() < 1 << spec.magnitude));
            }
        }
    }
}

#[test]
fn more_bits_are_more_exact() {
    let network = import_model(&ResNet::tiny(5, 0.5).model()).unwrap();
    let error = |frac, weight_frac| {
        let options =
            Options { frac: Some(frac), weight_frac: Some(weight_frac), ..Options::default() };
        compiled(&network, &options).1.mean_logit_error
    };
    let (coarse, fine) = (error(8, 8), error(12, 12));
    assert!(fine * 4.0 < coarse, "{coarse} {fine}");
}

/// The same function with values a `factor`th as large in between.
fn shrunk(network: &Network, factor: f32) -> Network {
    let mut small = network.clone();
    let by = |layer: &mut tacita_compile::Layer, weights: f32, bias: f32| {
        for term in &mut layer.terms {
            if let FloatOp::Conv { weights: w, .. } = &mut term.op {
                w.iter_mut().for_each(|w| *w *= weights);
            }
        }
        layer.bias.iter_mut().for_each(|b| *b *= bias);
    };
    let last = small.layers.len() - 1;
    for (j, layer) in small.layers.iter_mut().enumerate().skip(1) {
        match j {
            1 => by(layer, 1.0 / factor, 1.0 / factor),
            _ if j == last => by(layer, factor, 1.0),
            _ => by(layer, 1.0, 1.0 / factor),
        }
    }
    small
}

#[test]
fn small_values_take_more_bits_unless_told_otherwise() {
    let network = import_model(&ResNet::tiny(5, 0.5).model()).unwrap();
    let off = |r: &tacita_compile::Report| r.max_logit_error / r.max_logit;
    let frac = |plan: &Plan| plan.public.output().unwrap().frac;
    let told = |r: &tacita_compile::Report| {
        r.warnings.iter().filter(|w| w.contains("activations take")).count()
    };
    let mut least = 10;
    for factor in [1.0, 64.0, 256.0] {
        let small = shrunk(&network, factor);
        let (plan, report) = compiled(&small, &Options::default());
        assert!(off(&report) <= 0.025, "{factor}: {}", off(&report));
        assert!(frac(&plan) >= least, "{factor}");
        least = frac(&plan);
        assert_eq!(told(&report), usize::from(least > 10));
        let (plan, report) = compiled(&small, &Options { frac: Some(10), ..Options::default() });
        assert_eq!((frac(&plan), told(&report)), (10, 0));
        assert!(least == 10 || off(&report) > 0.02, "{factor}");
    }
    assert!(least >= 12, "{least}");
    // As many as there are.
    let (plan, report) = compiled(&shrunk(&network, 16384.0), &Options::default());
    assert_eq!((frac(&plan), told(&report)), (14, 1));
}

#[test]
fn scales_meet_in_every_sum() {
    let network = import_model(&ResNet::tiny(5, 0.5).model()).unwrap();
    let (plan, _) = compiled(&network, &Options::default());
    let sum = &plan.public.tensors[3];
    assert_eq!((sum.frac, sum.truncate, sum.terms.len()), (10, 12, 2));
    assert_eq!(sum.terms[1].op, Linear::Copy(CopyShape::whole(4, 12)));
    let Linear::AvgPool(pool) = &plan.public.tensors[8].terms[0].op else { panic!() };
    assert_eq!((pool.multiplier, pool.added_frac), (1, 2));
    assert_eq!(plan.public.labels.len(), 5);
    assert!([1, 2, 4, 8, 16].contains(&plan.public.batch));
}

#[test]
fn plans_round_trip_through_their_file() {
    let network = import_model(&ResNet::tiny(5, 0.5).model()).unwrap();
    let (plan, _) = compiled(&network, &Options { batch: Some(3), ..Options::default() });
    let read = Plan::from_bytes(&plan.to_bytes().unwrap()).unwrap();
    assert_eq!(read.public, plan.public);
    assert_eq!(read.public.batch, 3);
    let x = vec![700; plan.public.tensors[0].shape.len()];
    assert_eq!(clear::evaluate(&read, &x), clear::evaluate(&plan, &x));
}

/// flatten -> fc with weights of magnitude `w` over `n * n` pixels.
fn heavy(w: f32, n: usize) -> Network {
    let mut b = ModelBuilder::new(1, [1, n, n]);
    let x = b.op("Flatten", "flatten", &["image"]);
    let weights = vec![w; n * n * 2];
    b.constant("fc.weight", &[2, n * n], &weights);
    let node = tacita_onnx::NodeProto::new("Gemm", "fc", &[&x, "fc.weight"], "y");
    let x = b.push(node.with_int("transB", 1));
    let mut network = import_model(&b.finish(&x, 2)).unwrap();
    network.feed(&Before::range(0.0, 1.0)).unwrap();
    network
}

#[test]
fn weights_are_lowered_until_the_flooding_suffices() {
    // 2048 weights of 4.0: at 12 bits the noise is over what the flooding hides.
    let (plan, report) = compiled(&heavy(4.0, 32), &Options::default());
    let lowered: Vec<_> = report.warnings.iter().filter(|w| w.contains("lowered")).collect();
    assert!(lowered.len() == 1 && lowered[0].contains("`fc`"), "{:?}", report.warnings);
    let frac = plan.public.tensors[1].truncate;
    assert!(frac < 12);
    // One more bit would not do; the report says what the plan's check will say.
    let group = &groups_of(&plan.public)[0];
    let bits = |factor| {
        let weights = group.weights(&plan.secret).into_iter().map(|w| w * factor);
        flooding_bits(noise_bound(&weights.collect::<Vec<_>>(), &group.shape))
    };
    assert!(bits(2) < MIN_FLOODING_BITS);
    assert_eq!(report.flooding_bits, Some(bits(1)));
    assert!(report.flooding_bits.unwrap() >= MIN_FLOODING_BITS);
}

#[test]
fn too_little_flooding_is_refused() {
    let network = heavy(4000.0, 32);
    let images = Calibration::synthetic(network.input, 2);
    let text = compile(&network, &images, &Options::default()).err().unwrap().to_string();
    assert!(text.contains("layer `fc`") && text.contains("flooding"), "{text}");
    let marked = text.lines().find(|l| l.ends_with("<-- here")).unwrap();
    assert!(marked.contains("fc = conv") && marked.contains("4 cut"), "{text}");
}

#[test]
fn likely_truncation_failures_are_refused() {
    // Large values with little noise: a huge bias.
    let mut b = ModelBuilder::new(1, [1, 8, 8]);
    let x = b.conv("conv", &b.image(), ConvSpec::same(1, 4, 3, 1), false);
    let c = b.constant("huge", &[4, 1, 1], &[3e8; 4]);
    let x = b.op("Add", "bias", &[&x, &c]);
    let x = b.op("Relu", "relu", &[&x]);
    let x = b.op("GlobalAveragePool", "pool", &[&x]);
    let x = b.op("Flatten", "flatten", &[&x]);
    let x = b.gemm("fc", &x, 4, 2);
    let mut network = import_model(&b.finish(&x, 2)).unwrap();
    network.feed(&Before::range(0.0, 1.0)).unwrap();
    let images = Calibration::synthetic(network.input, 2);
    let text = compile(&network, &images, &Options::default()).err().unwrap().to_string();
    assert!(text.contains("truncation fails once in") && text.contains("--weight-frac"), "{text}");
    let marked: Vec<_> = text.lines().filter(|l| l.ends_with("<-- here")).collect();
    assert!(marked.len() == 1 && marked[0].contains("relu = conv"), "{text}");
    assert!(marked[0].contains("|x|<2^40") && marked[0].contains("fails 2^"), "{text}");
}

#[test]
fn values_that_overflow_are_refused() {
    let mut network = heavy(1.0, 8);
    network.std = Some(vec![1e-18]);
    network.mean = Some(vec![0.0]);
    let images = Calibration::synthetic(network.input, 2);
    let text = compile(&network, &images, &Options::default()).err().unwrap().to_string();
    assert!(text.contains("overflow 64 bits") && text.contains("<-- here"), "{text}");
}

#[test]
fn options_and_normalisation_are_checked() {
    let mut network = heavy(1.0, 8);
    let images = Calibration::synthetic(network.input, 2);
    let error = |network: &Network, options: Options| {
        compile(network, &images, &options).err().unwrap().to_string()
    };
    let options = Options { frac: Some(3), ..Options::default() };
    assert!(error(&network, options).contains("must be 8 to 14"));
    let options = Options { batch: Some(1000), ..Options::default() };
    assert!(error(&network, options).contains("batch of 1000"));
    network.mean = Some(vec![0.0; 2]);
    assert!(error(&network, Options::default()).contains("2 values of mean for 1 channels"));
    network.mean = Some(vec![0.0]);
    network.std = Some(vec![0.0]);
    assert!(error(&network, Options::default()).contains("must be positive"));
    network.std = None;
    assert!(error(&network, Options::default()).contains("--pixels"));
    network.std = Some(vec![1.0]);
    network.labels = vec!["one".into()];
    assert!(error(&network, Options::default()).contains("1 labels for 2 classes"));
    network.labels.clear();
    let none = Calibration::default();
    let e = compile(&network, &none, &Options::default()).err().unwrap();
    assert!(e.to_string().contains("no calibration images"));
}
