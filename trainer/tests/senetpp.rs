//! SENet++ from the command line on, on synthetic images: one run writes a network for each
//! width, and every one is what the ordered network is at that width.

#![allow(clippy::expect_used, reason = "a test stops at the first surprise")]

use clap::Parser;
use prost::Message;
use serde_json::Value;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use tacita_onnx::ModelProto;
use tacita_train::Error;
use tacita_train::checkpoint::load;
use tacita_train::cli::{Cli, DataArgs};
use tacita_train::data::{Dataset, ImageShape, Images};
use tacita_train::eval::{accuracy, accuracy_at};
use tacita_train::net::Net;
use tacita_train::verbs::perform;
use tch::{Device, Kind};

const BUDGET: usize = 900;

/// Held by a test: libtorch has one generator of random numbers for all threads, so runs side
/// by side would not repeat.
static ALONE: Mutex<()> = Mutex::new(());

/// Writes a set in the layout of MNIST.
fn write_idx(dir: &Path, set: &str, images: &Images) {
    let header = |dims: &[usize]| {
        let sizes = dims.iter().flat_map(|&d| (d as u32).to_be_bytes());
        [0, 0, 8, dims.len() as u8].into_iter().chain(sizes).collect::<Vec<u8>>()
    };
    let shape = images.shape;
    let mut pixels = header(&[images.len(), shape.height, shape.width]);
    pixels.extend(&images.pixels);
    std::fs::write(dir.join(format!("{set}-images-idx3-ubyte")), pixels).expect("written");
    let mut labels = header(&[images.len()]);
    labels.extend(images.labels.iter().map(|&l| l as u8));
    std::fs::write(dir.join(format!("{set}-labels-idx1-ubyte")), labels).expect("written");
}

fn images(dir: &Path) {
    let shape = ImageShape { channels: 1, height: 16, width: 16 };
    std::fs::create_dir_all(dir).expect("a folder");
    write_idx(dir, "train", &Images::synthetic_shaped(shape, 4, 160, 1));
    write_idx(dir, "t10k", &Images::synthetic_shaped(shape, 4, 48, 2));
}

/// Runs the verb in `dir`, in the folder `run` there.
fn senetpp(dir: &Path, run: &str, more: &[&str]) -> Result<(String, Value), Error> {
    let path = |name: &str| dir.join(name).to_string_lossy().into_owned();
    let (data, work, out) = (path("data"), path(run), path(&format!("{run}/net.onnx")));
    let budget = BUDGET.to_string();
    let fixed = [
        "tacita-train",
        "senet++",
        "--net",
        "resnet20",
        "--base-width",
        "4",
        "--data",
        &data,
        "--validation",
        "32",
        "--relu-budget",
        &budget,
        "--work",
        &work,
        "--out",
        &out,
        "--schedule",
        "short",
        "--teacher-epochs",
        "1",
        "--search-epochs",
        "1",
        "--finetune-epochs",
        "1",
        "--polish-epochs",
        "0",
        "--batch",
        "16",
        "--threads",
        "1",
        "--device",
        "cpu",
    ];
    let cli = Cli::try_parse_from(fixed.iter().chain(more)).expect("usage");
    perform(&cli.verb)
}

fn dataset(dir: &Path) -> Dataset {
    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        data: DataArgs,
    }
    let data = dir.join("data").to_string_lossy().into_owned();
    let only = Only::parse_from(["test", "--data", &data, "--validation", "32"]);
    only.data.load().expect("images")
}

/// ReLUs in the first `channels` of every mask of `net`.
fn first_channels(net: &Net, narrow: &Net) -> usize {
    let count = |(mask, layer): (&tch::Tensor, &tacita_architectures::Layer)| {
        let part = mask.narrow(1, 0, layer.dims()[0]);
        part.sum(Kind::Int64).int64_value(&[]) as usize
    };
    net.relus.iter().map(|r| &r.mask).zip(narrow.layers()).map(count).sum()
}

/// Ones in the masks of an ONNX file.
fn mask_ones(path: &Path) -> usize {
    let bytes = std::fs::read(path).expect("a file");
    let graph = ModelProto::decode(bytes.as_slice()).expect("a model").graph.expect("a graph");
    let masks = graph.initializer.iter().filter(|t| t.name.ends_with(".mask"));
    let one = 1.0_f32.to_le_bytes();
    masks.map(|t| t.raw_data.chunks(4).filter(|v| **v == one).count()).sum()
}

#[test]
fn every_width_is_written_as_it_was_trained() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().expect("temporary folder");
    images(&dir.path().join("data"));
    let (text, value) = senetpp(dir.path(), "a", &["--rates", "1,0.5"]).expect("a run");
    assert!(text.lines().any(|l| l.starts_with("0.50")), "{text}");

    let stage = dir.path().join(format!("a/ordered-finetune-{BUDGET}"));
    let (net, manifest) = load(&stage, Device::Cpu).expect("a checkpoint");
    assert_eq!(manifest.identity.rates, [0.5, 1.0]);
    let (teacher, _) = load(&dir.path().join("a/ordered-teacher"), Device::Cpu).expect("loads");
    let data = dataset(dir.path());
    let mut mean = 0.0;
    for (index, label) in ["0.50", "1.00"].into_iter().enumerate() {
        let alone = net.slice(index).expect("a slice");
        let want = accuracy_at(&net, index, &data.test, &data.normalise).expect("accuracy");
        let own = accuracy(&alone, &data.test, &data.normalise).expect("accuracy");
        assert!((own - want).abs() < f64::EPSILON);
        let width = &value["widths"][index];
        assert_eq!(width["counts"]["reached"]["test"].as_f64(), Some(want));
        assert_eq!(width["model"]["stages"][0]["test"].as_f64(), Some(want));
        let guide = accuracy_at(&teacher, index, &data.test, &data.normalise).expect("accuracy");
        assert_eq!(width["model"]["teacher"]["test"].as_f64(), Some(guide));
        mean +=
            accuracy_at(&net, index, &data.validation, &data.normalise).expect("accuracy") / 2.0;

        let relus = first_channels(&net, &alone);
        assert_eq!(width["model"]["relus"].as_u64(), Some(relus as u64));
        assert_eq!(mask_ones(&dir.path().join(format!("a/net-w{label}.onnx"))), relus);
        assert!(dir.path().join(format!("a/net-w{label}.json")).is_file());
        assert_eq!(width["counts"]["macs"].as_u64(), Some(alone.graph().counts().macs));
    }
    let chosen = manifest.reached.expect("complete").validation;
    assert!((chosen - mean).abs() < 1e-12, "epochs are chosen by the mean over the widths");
    assert_eq!(value["widths"][1]["model"]["relus"].as_u64(), Some(BUDGET as u64));
}

#[test]
fn a_run_resumes_and_repeats() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().expect("temporary folder");
    images(&dir.path().join("data"));
    let hashes = |value: &Value| -> Vec<Value> {
        let widths = value["widths"].as_array().expect("widths");
        widths.iter().map(|w| w["model"]["onnx"]["sha256"].clone()).collect()
    };
    let rates = ["--rates", "0.25,0.5"];
    let (text, first) = senetpp(dir.path(), "a", &rates).expect("a run");
    assert!(text.contains("rate 1 was added"), "{text}");
    assert_eq!(hashes(&first).len(), 3);
    let log = dir.path().join(format!("a/ordered-finetune-{BUDGET}/history.csv"));
    let before = std::fs::read(&log).expect("a log");
    let (_, again) = senetpp(dir.path(), "a", &rates).expect("loaded");
    assert_eq!(hashes(&again), hashes(&first));
    assert_eq!(std::fs::read(&log).expect("a log"), before, "nothing is trained again");

    let (_, other) = senetpp(dir.path(), "b", &rates).expect("a run");
    assert_eq!(hashes(&other), hashes(&first), "the same seed");
    let seeded = [rates[0], rates[1], "--seed", "2"];
    let (_, other) = senetpp(dir.path(), "c", &seeded).expect("a run");
    assert_ne!(hashes(&other), hashes(&first), "another seed");

    // Other rates are another network: in the same folder, and as a teacher.
    let refused = senetpp(dir.path(), "a", &["--rates", "0.5"]);
    assert!(matches!(refused, Err(Error::ResumeMismatch { .. })), "{refused:?}");
    let teacher = dir.path().join("a/ordered-teacher").to_string_lossy().into_owned();
    let refused = senetpp(dir.path(), "d", &["--rates", "0.5", "--teacher", &teacher]);
    assert!(matches!(refused, Err(Error::BadCheckpoint { .. })), "{refused:?}");
    let with = [rates[0], rates[1], "--teacher", &teacher];
    let (_, lent) = senetpp(dir.path(), "d", &with).expect("a run");
    assert_eq!(hashes(&lent), hashes(&first), "the same teacher");
    let refused = senetpp(dir.path(), "e", &["--rates", "0,1"]);
    assert!(matches!(refused, Err(Error::BadSetting { .. })), "{refused:?}");
}
