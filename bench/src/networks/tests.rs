//! Counts, masks, and what the drawn weights do.

use tacita_protocol::plan::{Linear, Shape, Term, clear};

use super::*;

/// ReLUs of the papers' tables.
const PUBLISHED: [(&str, usize); 7] = [
    ("resnet18", 557_056),
    ("resnet20", 188_416),
    ("resnet32", 303_104),
    ("resnet34", 966_656),
    ("vgg16", 276_480),
    ("mobilenetv1", 411_648),
    ("minionn", 173_056),
];

#[test]
fn relu_counts_are_the_published_ones() {
    for (name, relus) in PUBLISHED {
        let network = Network::named(name).unwrap();
        assert_eq!((network.public.relus(), network.relus()), (relus, relus), "{name}");
    }
}

#[test]
fn plans_multiply_as_often_as_their_description_says() {
    let names = PUBLISHED.map(|(name, _)| name);
    for name in names.into_iter().chain(["resnet50", "resnet56", "wrn22-8", "hrn-5x5x3x"]) {
        let classes = if OF_TEN.contains(&name) { 10 } else { 100 };
        let counts = Options::named(name).network(IMAGE, classes).unwrap().graph().counts();
        let network = Network::named(name).unwrap();
        let macs = |t: &Term| if let Linear::Conv(c) = &t.op { c.macs() } else { 0 };
        let all: usize = network.public.tensors.iter().flat_map(|t| &t.terms).map(macs).sum();
        assert_eq!((all as u64, network.relus()), (counts.macs, counts.relus), "{name}");
    }
}

#[test]
fn tensors_have_names_of_their_own() {
    for name in ["resnet18", "wrn22-8", "vgg16", "mobilenetv1", "minionn"] {
        let tensors = Network::named(name).unwrap().public.tensors;
        let names: std::collections::BTreeSet<_> = tensors.iter().map(|t| &t.name).collect();
        assert_eq!(names.len(), tensors.len(), "{name}: {names:?}");
    }
}

#[test]
fn no_plan_is_drawn_with_max_pooling() {
    let max = Options { pool: tacita_architectures::Pool::Max, ..Options::named("vgg16") };
    let error = Network::described(&max, 10).unwrap_err().to_string();
    assert!(error.contains("MaxPool"), "{error}");
}

#[test]
fn exactly_the_asked_number_is_kept_in_proportion() {
    let network = Network::named("resnet20").unwrap();
    for (keep, n) in [("0", 0), ("10%", 18_842), ("5k", 5_000), ("188416", 188_416)] {
        let public = network.plan(keep.parse().unwrap()).unwrap().public;
        assert_eq!((public.relus(), public.unmasked_relus()), (n, 188_416), "{keep}");
        for t in &public.tensors {
            let share = n as f64 * t.unmasked_relus as f64 / 188_416.0;
            assert!((t.mask.ones() as f64 - share).abs() <= 1.0, "{keep} {}", t.name);
        }
    }
    assert!(network.plan(Keep::Count(188_417)).is_err());
}

#[test]
fn numbers_of_relus_are_read() {
    let keep = |text: &str| text.parse::<Keep>().unwrap();
    assert_eq!((keep("all"), keep("50k")), (Keep::All, Keep::Count(50_000)));
    assert_eq!((keep("10%"), keep("1.5M")), (Keep::Share(0.1), Keep::Count(1_500_000)));
    for bad in ["", "some", "-1", "101%", "k", "nan", "5kk"] {
        assert!(bad.parse::<Keep>().is_err(), "{bad}");
    }
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let error = Network::named("resnet19").err().unwrap().to_string();
    assert!(PUBLISHED.iter().all(|(name, _)| error.contains(name)), "{error}");
}

#[test]
fn activations_stay_in_range_and_logits_above_rounding() {
    let cases = [
        ("resnet20", "all"),
        ("resnet32", "0"),
        ("resnet34", "all"),
        ("minionn", "20%"),
        ("vgg16", "all"),
        ("vgg16", "5%"),
        ("mobilenetv1", "all"),
        ("wrn22-8", "10%"),
    ];
    for (name, keep) in cases {
        let plan = Network::named(name).unwrap().plan(keep.parse().unwrap()).unwrap();
        let image = tacita_compile::Calibration::pictures(Shape::new(3, 32, 32), 1).remove(0);
        let input = tacita_image_input::encode(&image, &plan.public).unwrap();
        let values = clear::evaluate(&plan, &input);
        let largest = |v: &[i64]| v.iter().map(|x| x.unsigned_abs()).max().unwrap();
        for (spec, values) in plan.public.tensors.iter().zip(&values) {
            assert!(largest(values) < 1 << spec.magnitude, "{name} {keep} {}", spec.name);
        }
        let logits = values.last().unwrap();
        assert!(largest(logits) > 200, "{name} {keep}: {logits:?}");
    }
}
