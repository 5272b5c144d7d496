//! What the client makes of the logits: classes, probabilities, and what a plan says of itself.

use tacita_compile::testing::ModelBuilder;
use tacita_compile::{
    Budget, Calibration, Network, Options, Record, Rounding, Simulator, compile, compile_within,
    import_model,
};
use tacita_image_input::normalise;
use tacita_protocol::plan::{Head, InputSpec, Plan, Reveals, class_of};

/// A small classifier of `classes` logits that ends in `last`.
fn network(classes: usize, last: &[&str], labels: Option<&str>) -> Network {
    let mut b = ModelBuilder::new(5, [1, 6, 6]);
    let x = b.image();
    let x = b.op("Relu", "act", &[&x]);
    let x = b.op("Flatten", "flatten", &[&x]);
    let mut x = b.gemm("fc", &x, 36, classes);
    for op in last {
        x = b.op(op, "last", &[&x]);
    }
    b.metadata("tacita.mean", "0.5");
    b.metadata("tacita.std", "0.25");
    if let Some(labels) = labels {
        b.metadata("tacita.labels", labels);
    }
    import_model(&b.finish(&x, classes)).unwrap()
}

fn images(network: &Network) -> Calibration {
    Calibration::synthetic(network.input, 60)
}

/// The float network's class, by the rule for one logit or by the largest of several.
fn float_classes(network: &Network, images: &Calibration) -> Vec<usize> {
    let spec = InputSpec::new(network.mean.clone().unwrap(), network.std.clone().unwrap());
    let class = |p| {
        let real = normalise(p, network.input, &spec).unwrap();
        let logits = network.evaluate(&real.iter().map(|x| *x as f32).collect::<Vec<_>>());
        if logits.len() == 1 { usize::from(logits[0] > 0.0) } else { class_of(&logits) }
    };
    images.images.iter().map(class).collect()
}

#[test]
fn the_last_operator_becomes_the_head() {
    let head = |last: &[&str]| network(4, last, None).head;
    assert_eq!(head(&[]), Head::Softmax);
    assert_eq!(head(&["Softmax"]), Head::Softmax);
    assert_eq!(head(&["LogSoftmax"]), Head::Softmax);
    assert_eq!(head(&["Sigmoid"]), Head::Sigmoid);
}

/// A network of one logit has two classes. Were it one, everything would agree with everything.
#[test]
fn one_logit_is_judged_as_two_classes() {
    for last in [&["Sigmoid"][..], &[]] {
        let network = network(1, last, None);
        let images = images(&network);
        assert_eq!((network.logits(), network.classes()), (1, 2));
        let float = float_classes(&network, &images);
        let ones = float.iter().filter(|c| **c == 1).count();
        assert!(ones > 3 && ones < 57, "{ones} of 60: the images do not tell the classes apart");
        let (plan, report) = judged(&network, &images, 30.0);
        let judgement = report.judgement.unwrap();
        assert_eq!(judgement.classes.len(), 2);
        let simulator = Simulator::new(&plan);
        let all = simulator.simulate(&images.images, Rounding::Nearest, &|| ()).unwrap();
        let same = all.classes.iter().zip(&float).filter(|(a, b)| a == b).count();
        assert!(same >= 57, "{same}");
        for (class, opened) in all.classes.iter().zip(&all.logits) {
            let p = plan.public.probabilities(opened).unwrap();
            assert_eq!((p.len(), usize::from(p[1] > 0.5)), (2, *class));
        }
        let top1 = plan.into_top1().unwrap();
        assert_eq!(top1.public.reveals, Reveals::Top1 { classes: 1 });
        let one = Simulator::new(&top1).simulate(&images.images, Rounding::Nearest, &|| ());
        assert_eq!(one.unwrap().classes, all.classes);
    }
}

/// A broken network of one logit must not pass: labels that have nothing to do with it.
#[test]
fn one_logit_that_recognises_nothing_is_refused() {
    let network = network(1, &["Sigmoid"], None);
    let mut images = Calibration::synthetic(network.input, 200);
    images.labels = float_classes(&network, &images).iter().map(|class| 1 - class).collect();
    let error = try_judged(&network, &images, 10.0).map(drop).unwrap_err().to_string();
    assert!(error.contains("recognise") || error.contains("guess"), "{error}");
}

#[test]
fn one_name_is_that_of_the_second_class() {
    assert_eq!(network(1, &["Sigmoid"], Some("tumour")).labels, ["not tumour", "tumour"]);
    assert_eq!(network(1, &["Sigmoid"], Some("a,b")).labels, ["a", "b"]);
    assert_eq!(network(2, &["Softmax"], Some("a,b")).labels, ["a", "b"]);
}

fn try_judged(
    network: &Network,
    images: &Calibration,
    max_loss: f64,
) -> tacita_compile::Result<(Plan, tacita_compile::Report)> {
    let budget = budget(max_loss);
    let options = Options { batch: Some(1), ..Options::default() };
    compile_within(network, images, &options, &budget, &mut |_| ())
}

fn judged(network: &Network, images: &Calibration, loss: f64) -> (Plan, tacita_compile::Report) {
    try_judged(network, images, loss).unwrap()
}

fn budget(max_loss: f64) -> Budget {
    Budget { max_loss, max_class_loss: 100.0, seed: 3 }
}

/// What was measured goes with the plan file, and is good news only if it shows what was asked for.
#[test]
fn a_plan_file_says_how_it_was_judged() {
    let network = network(3, &["Softmax"], None);
    let images = images(&network);
    let written = |loss: f64, drawn| {
        let (mut plan, report) = judged(&network, &images, loss);
        Record::new(&report, drawn, Some(&budget(loss))).write(&mut plan).unwrap();
        let read = Plan::from_bytes(&plan.to_bytes().unwrap()).unwrap();
        let record = Record::of(&read).unwrap().unwrap();
        assert_eq!(record.judgement, report.judgement);
        (read, record.verdict())
    };
    let (plan, good) = written(40.0, false);
    assert!(good.good && good.why.contains("at least 60 %"), "{good:?}");
    // 60 images cannot show so much.
    let (_, bad) = written(0.5, false);
    assert!(!bad.good && bad.why.contains("not the 99.5 %"), "{bad:?}");
    assert!(written(40.0, true).1.why.contains("benches only"));
    assert!(!Record::new(&judged(&network, &images, 40.0).1, false, None).verdict().good);

    let (unjudged, _) = compile(&network, &images, &Options::default()).unwrap();
    assert_eq!(Record::of(&unjudged).unwrap(), None);
    let mut damaged = plan;
    damaged.record.truncate(20);
    let read = Plan::from_bytes(&damaged.to_bytes().unwrap()).unwrap();
    assert!(Record::of(&read).unwrap_err().to_string().contains("compile it again"));
}
