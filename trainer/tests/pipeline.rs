//! A whole run on synthetic images: it trains, resumes, keeps its budget, and is the same
//! for the same seed.

#![allow(clippy::expect_used, reason = "a test stops at the first surprise")]

use prost::Message;
use std::path::Path;
use tacet_onnx::ModelProto;
use tacet_train::checkpoint::{Phase, Settings, load};
use tacet_train::data::{Dataset, Images};
use tacet_train::eval::accuracy;
use tacet_train::run::{Report, masks, run};

fn settings(seed: u64) -> Settings {
    Settings {
        width: 4,
        relus: 1_500,
        cull: vec!["stem".to_owned(), "s1b1r1".to_owned()],
        epochs_teacher: 6,
        epochs_search: 2,
        epochs_finetune: 2,
        epochs_polish: 1,
        lr_teacher: 0.1,
        lr_search: 0.02,
        lr_finetune: 0.02,
        lr_polish: 0.01,
        batch: 16,
        validation: 32,
        limit: 0,
        seed,
    }
}

fn data() -> Dataset {
    Dataset::split(&Images::synthetic(192, 1), Images::synthetic(64, 2), 32, 0, 1).expect("split")
}

fn train(dir: &Path, seed: u64, resume: bool) -> Report {
    let (work, out) = (dir.join("work"), dir.join("net.onnx"));
    run(settings(seed), &data(), &work, &out, resume, "tacet-train run").expect("runs")
}

#[test]
fn a_run_learns_resumes_and_repeats() {
    tch::set_num_threads(1);
    let dir = tempfile::tempdir().expect("temporary folder");
    let report = train(dir.path(), 1, false);
    assert_eq!(report.relus, 1_500);
    assert_eq!(report.layers.iter().filter(|l| l.relus == 0).count(), 2);
    assert!(report.teacher.validation > 0.2, "no better than chance: {:?}", report.teacher);

    // The checkpoint holds what the report says.
    let file = dir.path().join(format!("work/{}.safetensors", Phase::Polish.name()));
    let net = load(&file).expect("a checkpoint");
    assert_eq!(accuracy(&net, &data().test).expect("accuracy"), report.network.test);
    assert_eq!(masks(&net).expect("masks").hash(&net.layers), report.mask_hash);

    // The file can be read, and says where it comes from.
    let first = std::fs::read(dir.path().join("net.onnx")).expect("read");
    let model = ModelProto::decode(first.as_slice()).expect("a model");
    assert_eq!(model.metadata()["tacet.train.mask_hash"], report.mask_hash);
    assert_eq!(model.metadata()["tacet.train.command"], "tacet-train run");

    // Resumed when complete, it writes the same file without training.
    train(dir.path(), 1, true);
    assert_eq!(std::fs::read(dir.path().join("net.onnx")).expect("read"), first);

    // The same seed gives the same file, another seed other masks.
    let again = tempfile::tempdir().expect("temporary folder");
    train(again.path(), 1, false);
    assert_eq!(std::fs::read(again.path().join("net.onnx")).expect("read"), first);
    assert_ne!(train(again.path(), 2, false).mask_hash, report.mask_hash);
}
