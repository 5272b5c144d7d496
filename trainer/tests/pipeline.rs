//! A whole run on synthetic images: it trains, resumes, keeps its budget, and is the same
//! for the same seed.

#![allow(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use tacita_architectures::{Options, Shape};
use tacita_train::batch::Augment;
use tacita_train::checkpoint::load;
use tacita_train::data::{Dataset, Images};
use tacita_train::eval::accuracy;
use tacita_train::net::Net;
use tacita_train::pipeline::{Run, Start, Training};
use tacita_train::schedule::{Curve, Schedule};
use tacita_train::senet::allocate::allocate;
use tacita_train::senet::finetune::WEIGHTS;
use tacita_train::senet::search::{Choice, Granularity};
use tacita_train::senet::sensitivity::table;
use tch::Device;

const BUDGET: usize = 1_500;

fn data() -> Dataset {
    Dataset::split(&Images::synthetic(192, 1), Images::synthetic(64, 2), 32, 0, 1).expect("split")
}

fn run<'a>(data: &'a Dataset, work: &Path, seed: u64) -> Run<'a> {
    let input = Shape { channels: 3, height: 32, width: 32 };
    let options = Options { base_width: Some(4), ..Options::named("resnet20") };
    let network = options.network(input, data.classes.len() as i64).expect("a network");
    Run {
        data,
        network,
        device: Device::Cpu,
        seed,
        batch: 16,
        augment: Augment::default(),
        mixed: false,
        work: work.to_owned(),
        command: "tacita-train senet".to_owned(),
        fresh: false,
    }
}

fn training(epochs: usize, peak: f64) -> Training {
    Training { epochs, schedule: Schedule { curve: Curve::OneCycle, peak } }
}

fn choice(granularity: Granularity) -> Choice {
    Choice { granularity, memory: 0.5, stop: 0.0 }
}

/// Teacher, search and fine-tuning; gives the network and its accuracy on the test images.
fn senet(run: &Run<'_>) -> (Net, f64) {
    let (teacher, done) = run.teacher(training(6, 0.1)).expect("a teacher");
    assert!(done.reached.validation > 0.2, "no better than chance: {:?}", done.reached);
    let units: Vec<usize> = teacher.layers().iter().map(|l| l.units()).collect();
    let mut culled = vec![false; units.len()];
    (culled[0], culled[1]) = (true, true);
    let shares = allocate(BUDGET, &units, &table("resnet20", units.len()), &culled).expect("fits");
    let how = (shares.as_slice(), choice(Granularity::Pixel), Start::Teacher);
    let (mut net, _) = run.search("search", &teacher, how, training(2, 0.02)).expect("masks");
    assert_eq!(net.masks().expect("masks").counts(), shares);
    let done = run
        .finetune("finetune", &mut net, &teacher, (training(2, 0.02), WEIGHTS))
        .expect("fine-tuned");
    (net, done.reached.test)
}

#[test]
fn a_run_learns_resumes_and_repeats() {
    tch::set_num_threads(1);
    let (data, dir) = (data(), tempfile::tempdir().expect("temporary folder"));
    let (net, test) = senet(&run(&data, dir.path(), 1));
    let masks = net.masks().expect("masks");
    assert_eq!(masks.counts().iter().sum::<usize>(), BUDGET);

    // The checkpoint holds what the run made.
    let (kept, manifest) = load(&dir.path().join("finetune"), Device::Cpu).expect("a checkpoint");
    assert_eq!(kept.hash().expect("hash"), net.hash().expect("hash"));
    assert_eq!(accuracy(&kept, &data.test, &data.normalise).expect("accuracy"), test);
    assert_eq!(manifest.mask_hash, Some(masks.hash(net.layers())));

    // A complete run is loaded, not trained again.
    let before = std::fs::read(dir.path().join("finetune/history.csv")).expect("a log");
    let (again, _) = senet(&run(&data, dir.path(), 1));
    assert_eq!(again.hash().expect("hash"), net.hash().expect("hash"));
    assert_eq!(std::fs::read(dir.path().join("finetune/history.csv")).expect("a log"), before);

    // The same seed gives the same network, another seed another.
    let other = tempfile::tempdir().expect("temporary folder");
    let hash = |seed| {
        let dir = other.path().join(seed_name(seed));
        senet(&run(&data, &dir, seed)).0.hash().expect("hash")
    };
    assert_eq!(hash(1), net.hash().expect("hash"));
    assert_ne!(hash(2), net.hash().expect("hash"));
}

fn seed_name(seed: u64) -> String {
    format!("seed-{seed}")
}

#[test]
fn channel_masks_keep_whole_channels_within_the_budget() {
    tch::set_num_threads(1);
    let (data, dir) = (data(), tempfile::tempdir().expect("temporary folder"));
    let run = run(&data, dir.path(), 1);
    let (teacher, _) = run.teacher(training(1, 0.1)).expect("a teacher");
    let shares: Vec<usize> = teacher.layers().iter().map(|l| l.units() / 3).collect();
    let how = (shares.as_slice(), choice(Granularity::Channel), Start::Random);
    let (net, _) = run.search("search", &teacher, how, training(1, 0.02)).expect("masks");
    let masks = net.masks().expect("masks");
    for ((layer, mask), share) in net.layers().iter().zip(&masks.layers).zip(shares) {
        let map = (layer.shape.height * layer.shape.width) as usize;
        let whole = mask.chunks(map).all(|c| c.iter().all(|&m| m == c[0]));
        let kept = mask.iter().filter(|&&m| m).count();
        assert!(whole && kept <= share && share - kept < map, "{}", layer.name);
    }
}
