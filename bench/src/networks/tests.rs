//! Counts, masks, and what the drawn weights do.

use tacita_protocol::plan::clear;

use super::*;

/// ReLUs of the papers' tables, and of `tacita-train`'s networks of the same names.
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
    assert_eq!(NETWORKS.len(), PUBLISHED.len());
    for (name, relus) in PUBLISHED {
        let network = Network::named(name).unwrap();
        let public = network.public();
        assert_eq!((public.relus(), public.unmasked_relus()), (relus, relus), "{name}");
        assert_eq!(network.relus, relus, "{name}");
    }
}

#[test]
fn multiplications_are_those_of_the_trainers_networks() {
    // Weights of convolutions, a multiplication each at every output, in millions.
    let millions = |name| {
        let public = Network::named(name).unwrap().public();
        let terms = public.tensors.iter().flat_map(|t| &t.terms);
        let macs = terms.map(|t| match &t.op {
            tacita_protocol::plan::Linear::Conv(c) => c.macs(),
            _ => 0,
        });
        (macs.sum::<usize>() + 500_000) / 1_000_000
    };
    assert_eq!(["resnet18", "resnet34"].map(millions), [555, 1159]);
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
    ];
    for (name, keep) in cases {
        let plan = Network::named(name).unwrap().plan(keep.parse().unwrap()).unwrap();
        let image = tacita_compile::Calibration::synthetic(IMAGE, 1).images.remove(0);
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
