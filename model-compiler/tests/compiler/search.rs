//! Scales chosen by some images and judged by others.

use tacita_compile::testing::{ModelBuilder, ResNet};
use tacita_compile::{
    Budget, Calibration, Judgement, Network, Options, Report, Rounding, Simulator, Trial,
    compile_within, extreme, import_model,
};
use tacita_image_input::{Sample, encode, normalise};
use tacita_onnx::NodeProto;
use tacita_protocol::plan::{InputSpec, Plan, class_of};

const IMAGES: usize = 240;

fn network() -> Network {
    import_model(&ResNet::tiny(11, 0.6).model()).unwrap()
}

fn spec(network: &Network) -> InputSpec {
    InputSpec::new(network.mean.clone().unwrap(), network.std.clone().unwrap())
}

fn float_logits(network: &Network, pixels: &Sample) -> Vec<f32> {
    let real = normalise(pixels, network.input, &spec(network)).unwrap();
    network.evaluate(&real.iter().map(|x| *x as f32).collect::<Vec<_>>())
}

fn float_class(network: &Network, pixels: &Sample) -> usize {
    class_of(&float_logits(network, pixels))
}

/// Drawn images; labels are the float network's, every `wrong`-th another.
fn images(network: &Network, n: usize, wrong: Option<usize>) -> Calibration {
    let mut images = Calibration::synthetic(network.input, n);
    if let Some(wrong) = wrong {
        let label = |(i, p): (usize, &Sample)| {
            (float_class(network, p) + usize::from(i % wrong == 0)) % network.classes()
        };
        images.labels = images.images.iter().enumerate().map(label).collect();
    }
    images
}

fn budget(max_loss: f64) -> Budget {
    Budget { max_loss, max_class_loss: 100.0, seed: 3 }
}

fn search(images: &Calibration, budget: &Budget) -> (Plan, Report, Vec<Trial>) {
    search_at(None, images, budget)
}

fn search_at(
    frac: Option<u32>,
    images: &Calibration,
    budget: &Budget,
) -> (Plan, Report, Vec<Trial>) {
    let options = Options { frac, batch: Some(1), ..Options::default() };
    let mut told = Vec::new();
    let mut tell = |t: &Trial| told.push(t.clone());
    let (plan, report) = compile_within(&network(), images, &options, budget, &mut tell).unwrap();
    (plan, report, told)
}

fn dropped(plan: &Plan) -> Vec<u32> {
    plan.public.tensors.iter().map(|t| t.dropped).collect()
}

#[test]
fn a_larger_loss_buys_fewer_bytes() {
    let network = network();
    let images = images(&network, IMAGES, None);
    let bytes = |max_loss| {
        let (plan, report, told) = search(&images, &budget(max_loss));
        let search = report.search.unwrap();
        assert_eq!(search.trials, told);
        assert!(told.len() <= 24 && search.chosen.within && search.held);
        assert_eq!(dropped(&plan), search.chosen.dropped);
        assert!(plan.public.tensors.iter().all(|t| t.frac == search.chosen.frac));
        let judged = report.judgement.unwrap();
        assert!(judged.held_out && judged.accuracy.is_none());
        assert!(100.0 * (1.0 - judged.agreement.low) <= max_loss + 1e-9, "{judged:?}");
        search.chosen.relu_bytes
    };
    let (small, large) = (bytes(8.0), bytes(30.0));
    assert!(large < small, "{large} {small}");
}

/// The figures are those of the plan itself, under the protocol's rounding, on images that had no
/// part in the choice.
#[test]
fn the_judgement_is_what_the_plan_does() {
    let network = network();
    let images = images(&network, IMAGES, Some(6));
    let (plan, report, _) = search(&images, &budget(20.0));
    let judged: Judgement = report.judgement.unwrap();
    assert_eq!((judged.images, report.search.unwrap().images), (IMAGES / 2, IMAGES / 2));
    let all = Simulator::new(&plan).simulate(&images.images, Rounding::Shares(3), &|| ()).unwrap();
    let float: Vec<usize> = images.images.iter().map(|p| float_class(&network, p)).collect();
    // The judged half is one of the two: both halves together give what all images give.
    let same = (0..IMAGES).filter(|i| all.classes[*i] == float[*i]).count();
    let kept = judged.agreement.hits;
    assert!(kept <= same && same - kept <= IMAGES / 2, "{kept} {same}");
    let right = (0..IMAGES).filter(|i| float[*i] == images.labels[*i]).count();
    let accuracy = judged.accuracy.unwrap();
    assert_eq!(right, IMAGES - IMAGES / 6);
    assert!(accuracy.float.hits <= right && accuracy.float.of == IMAGES / 2);
    let sum = |f: fn(&tacita_compile::ClassJudgement) -> usize| {
        judged.classes.iter().map(f).sum::<usize>()
    };
    assert_eq!(sum(|c| c.agreement.hits), judged.agreement.hits);
    assert_eq!(sum(|c| c.accuracy.unwrap().plan.hits), accuracy.plan.hits);
    let wrong: u64 = judged.signs.iter().map(|s| s.wrong).sum();
    assert!(wrong > 0 && judged.signs.iter().all(|s| s.compared > 0 && s.out_of_range == 0));
}

#[test]
fn too_few_images_drop_nothing_and_say_how_many_are_needed() {
    let network = network();
    for (n, max_loss, words) in [
        (60, 5.0, "146 images are needed"),
        (400, 0.5, "1530 images are needed"),
        (100, 0.0, "over 0"),
    ] {
        let images = images(&network, n, None);
        let (plan, report, told) = search(&images, &budget(max_loss));
        let warnings = report.warnings.join("\n");
        assert!(warnings.contains(words), "{warnings}");
        assert!(told.is_empty() && report.search.is_none());
        assert!(dropped(&plan).iter().all(|d| *d == 0));
        assert_eq!(report.judgement.unwrap().images, n);
    }
}

#[test]
fn a_class_with_few_images_is_named() {
    let network = network();
    let mut images = images(&network, IMAGES, Some(50));
    let rare = images.labels[0];
    images.labels.iter_mut().skip(1).filter(|l| **l == rare).for_each(|l| *l = (rare + 1) % 5);
    let strict = Budget { max_class_loss: 30.0, ..budget(10.0) };
    let (plan, report, _) = search(&images, &strict);
    let warnings = report.warnings.join("\n");
    assert!(warnings.contains(&format!("of class `class{rare}`")), "{warnings}");
    assert!(dropped(&plan).iter().all(|d| *d == 0));
}

/// Accuracy stays as it is where flips that help are as many as those that hurt: the gate counts
/// both.
#[test]
fn flips_that_help_do_not_pay_for_those_that_hurt() {
    let network = network();
    for wrong in [3, 4, 5] {
        let images = images(&network, IMAGES, Some(wrong));
        let (_, labelled, _) = search(&images, &budget(10.0));
        let unlabelled = Calibration { labels: vec![], ..images };
        let (_, plain, _) = search(&unlabelled, &budget(10.0));
        for report in [labelled, plain] {
            let agreement = report.judgement.unwrap().agreement;
            assert!(agreement.low >= 0.9 - 1e-9, "{agreement:?}");
        }
    }
}

#[test]
fn a_given_scale_is_kept() {
    let images = images(&network(), IMAGES, None);
    let (plan, report, told) = search_at(Some(11), &images, &budget(10.0));
    assert!(plan.public.tensors.iter().all(|t| t.frac == 11));
    assert!(told.iter().all(|t| t.frac == 11) && report.search.unwrap().chosen.frac == 11);
}

fn refusal(images: &Calibration) -> String {
    let got = compile_within(&network(), images, &Options::default(), &budget(1.0), &mut |_| ());
    got.err().unwrap().to_string()
}

#[test]
fn labels_of_another_network_are_refused() {
    let mut images = images(&network(), 120, None);
    images.labels = vec![77; 120];
    assert!(refusal(&images).contains("label 77"));
    // Labels that have nothing to do with the images: as with forgotten means.
    images.labels = (0..120).map(|i| i % 5).collect();
    assert!(refusal(&images).contains("--mean"), "{}", refusal(&images));
}

/// A network that tells coloured pictures by how much red and blue differ, and those where they do
/// not by values in the same channels that are eighty times as small.
fn two_scales() -> Network {
    const PIXELS: usize = 64;
    let mut b = ModelBuilder::new(1, [3, 8, 8]);
    let mut first = vec![0.0; 2 * 3 * PIXELS];
    for i in 0..PIXELS {
        for (row, channel, weight) in
            [(0, 0, 4.0), (0, 2, -4.0), (1, 0, -4.0), (1, 2, 4.0), (0, 1, 0.05), (1, 1, 0.05)]
        {
            first[(row * 3 + channel) * PIXELS + i] = weight / PIXELS as f32;
        }
    }
    let flat = b.op("Flatten", "flatten", &["image"]);
    let w = b.constant("w", &[2, 3 * PIXELS], &first);
    let hidden = b.push(NodeProto::new("Gemm", "a", &[&flat, &w], "a").with_int("transB", 1));
    let hidden = b.op("Relu", "relu", &[&hidden]);
    let w = b.constant("v", &[2, 2], &[0.0, 0.0, 20.0, 20.0]);
    let c = b.constant("c", &[2], &[0.0, -1.0]);
    let node = NodeProto::new("Gemm", "b", &[&hidden, &w, &c], "b").with_int("transB", 1);
    let logits = b.push(node);
    b.metadata("tacita.mean", "0, 0, 0");
    b.metadata("tacita.std", "1, 1, 1");
    import_model(&b.finish(&logits, 2)).unwrap()
}

/// Bits that the images allow to be dropped may swallow the small values of flat pictures.
#[test]
fn labels_of_flat_pictures_are_not_swallowed() {
    let network = two_scales();
    let images = images(&network, IMAGES, None);
    let options = Options { batch: Some(1), ..Options::default() };
    let (plan, report) =
        compile_within(&network, &images, &options, &budget(40.0), &mut |_| ()).unwrap();
    assert!(report.search.unwrap().held && dropped(&plan).iter().any(|d| *d > 0));
    let simulator = Simulator::new(&plan);
    let (mut small, mut swallowed) = (0, 0);
    for i in 0..1000 {
        let picture: Sample = extreme(network.input, 77, i).into();
        let logits = float_logits(&network, &picture);
        let input = encode(&picture, &plan.public).unwrap();
        let outcome = simulator.run(&input, Rounding::Shares(5), i);
        assert!(outcome.in_range());
        if (0.5..1.5).contains(&logits[1].abs()) {
            small += 1;
            swallowed += usize::from(class_of(&outcome.logits) != class_of(&logits));
        }
    }
    assert!(small > 100 && swallowed == 0, "{swallowed} of {small}");
}
