//! DeepReDuce and HybReNet by their command lines, on a small folder of synthetic images.

#![allow(clippy::expect_used, reason = "a test stops at the first surprise")]

use clap::Parser;
use serde_json::Value;
use std::path::Path;
use tacita_train::checkpoint::load;
use tacita_train::cli::Cli;
use tacita_train::data::Images;
use tacita_train::results::{Study, read, read_card};
use tacita_train::{Error, verbs};
use tch::Device;

/// Performs a command line and gives its JSON answer.
fn perform(line: &str) -> Result<Value, Error> {
    let words = std::iter::once("tacita-train").chain(line.split_whitespace());
    let cli = Cli::try_parse_from(words).expect("a command line");
    verbs::perform(&cli.verb).map(|answer| answer.1)
}

fn refused(line: &str) -> bool {
    let words = std::iter::once("tacita-train").chain(line.split_whitespace());
    Cli::try_parse_from(words).is_err()
}

/// Synthetic images in the layout of CIFAR-10.
fn write_images(dir: &Path) {
    let records = |count, seed| {
        let images = Images::synthetic(count, seed);
        let record = |i: usize| [&[images.labels[i] as u8], images.image(i)].concat();
        (0..count).flat_map(record).collect::<Vec<u8>>()
    };
    std::fs::create_dir_all(dir).expect("a folder");
    for part in 1..=5 {
        let file = dir.join(format!("data_batch_{part}.bin"));
        std::fs::write(file, records(24, part)).expect("written");
    }
    std::fs::write(dir.join("test_batch.bin"), records(40, 6)).expect("written");
}

/// Options of a small and short run in `dir`.
fn small(dir: &Path) -> String {
    let images = dir.join("images");
    write_images(&images);
    format!(
        "--data {} --validation 24 --work {} --batch 16 --threads 1 --device cpu \
         --schedule short --teacher-epochs 1 --epochs 1",
        images.display(),
        dir.join("work").display()
    )
}

fn count(value: &Value) -> u64 {
    value["relus"].as_u64().expect("a count")
}

#[test]
fn a_profile_ranks_stages_for_culling_and_equalisation() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let (options, out) = (small(dir.path()), dir.path().join("stages.json"));
    let net = "--net resnet18 --base-width 2";
    let line = |stages: &str| {
        let out = out.display();
        format!("deepreduce profile {net} {options} --stages {stages} --seeds 1,2 --out {out}")
    };
    let answer = perform(&line("s3,s4")).expect("a profile");
    let Study::Criticality(study) = read(&out).expect("a study") else {
        unreachable!("another study");
    };
    let runs: Vec<_> = study.runs.iter().map(|r| (r.stage.as_str(), r.seed, r.relus)).collect();
    assert_eq!(runs, [("s3", 1, 2048), ("s4", 1, 1024), ("s3", 2, 2048), ("s4", 2, 1024)]);
    assert!(study.runs.iter().all(|r| r.history.len() == 1 && r.history[0].phase.contains("only")));
    assert!(study.head.seconds > 0.0 && study.head.threads == 1);

    // The masks that were trained with are those of the stage.
    let stage = dir.path().join("work/seed-2/only-s4");
    let (trained, _) = load(&stage, Device::Cpu).expect("a checkpoint");
    let kept = trained.masks().expect("masks").counts();
    assert_eq!(kept[13..], [256; 4]);
    assert!(kept[..13].iter().all(|&k| k == 0));

    // The next steps take the order from the file.
    let order = answer["order"].as_array().expect("an order").clone();
    let (least, file) = (order[1].as_str().expect("a stage"), out.display());
    let by_file = perform(&format!("deepreduce cull --criticality {file}")).expect("counts");
    let by_name = perform(&format!("deepreduce cull --cull {least}")).expect("counts");
    assert_eq!(by_file, by_name);
    let error = perform(&format!("hybrenet equalize --criticality {file}")).expect_err("two");
    assert!(matches!(error, Error::BadSetting { setting: "--order", .. }), "{error}");

    // All stages of an untrained set of names are checked before anything trains.
    let error = perform(&line("s3,s5")).expect_err("four stages").to_string();
    assert!(error.contains("\"s5\"") && error.contains("conv1, s1, s2, s3, s4"), "{error}");
    assert!(matches!(perform(&line("s3,s3")), Err(Error::BadSetting { .. })));
}

#[test]
fn a_run_writes_the_network_that_its_steps_describe() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let (options, out) = (small(dir.path()), dir.path().join("net.onnx"));
    let net = "--net hrn-5x5x3x --base-width 2";
    let steps = "--cull s1 --thin bottom --alpha 0.5 --rho 0.5 --reduced-depths 2,1,1,1";
    let line = format!("deepreduce run {net} {steps} {options} --seed 3 --out {}", out.display());
    perform(&line).expect("a network");
    let written = std::fs::read(&out).expect("a file");
    // Asked again, it loads what it trained.
    perform(&line).expect("the same network");
    assert_eq!(std::fs::read(&out).expect("a file"), written);
    let shown = perform(&format!("deepreduce reshape {net} {steps}")).expect("counts");
    // Widths 1, 5, 25, 75; maps of 16, 8, 4, 2; the first ReLU of one block in three stages.
    assert_eq!(count(&shown), 5 * 64 + 25 * 16 + 75 * 4);
    let card = read_card(&out.with_extension("json")).expect("a card");
    assert_eq!(
        (card.relus as u64, card.method.as_str(), card.seed),
        (count(&shown), "deepreduce", 3)
    );
    assert_eq!(card.layers.iter().filter(|l| l.relus > 0).count(), 3);
    assert!(card.teacher.is_some() && out.metadata().expect("a file").len() == card.onnx.bytes);
    // The teacher has the shape from before reshaping, and all its ReLUs.
    let (teacher, _) = load(&dir.path().join("work/teacher"), Device::Cpu).expect("a teacher");
    let kept: usize = teacher.masks().expect("masks").counts().iter().sum();
    assert_eq!(kept, 343_040 / 8);
}

#[test]
fn each_step_leaves_fewer_relus() {
    let left = |line: &str| count(&perform(&format!("deepreduce {line}")).expect("counts"));
    assert_eq!(left("cull --cull s1"), 229_376);
    assert_eq!(left("thin --cull s1"), 114_688);
    assert_eq!(left("reshape --cull s1 --thin bottom --alpha 0.5"), 57_344);
    assert_eq!(left("reshape --point C100-57K"), 57_344);
    assert_eq!(left("reshape --point tiny-57k --input-size 64 --classes 200"), 57_344);
    assert_eq!(left("thin --net hrn-5x5x3x --base-width 16 --cull s1"), 130_560);
    let list = perform("deepreduce list").expect("a list");
    assert_eq!(list["points"].as_array().expect("points").len(), 17);
}

#[test]
fn unknown_names_and_contradictions_are_refused() {
    let error = |line: &str| perform(line).expect_err("refused").to_string();
    assert!(error("deepreduce cull --cull s7").contains("s4"));
    assert!(error("deepreduce cull").contains("--criticality"));
    assert!(error("deepreduce reshape --point C100-1K").contains("C100-7K"));
    assert!(error("deepreduce reshape --rho 0.7").contains("--rho"));
    assert!(error("deepreduce cull --criticality /nowhere.json").contains("/nowhere.json"));
    assert!(refused("deepreduce reshape --point C100-7K --alpha 0.5"));
    assert!(refused("deepreduce cull --cull s1 --criticality x.json"));
}

#[test]
fn equalisation_names_networks_within_a_budget() {
    let names = |value: &Value| -> Vec<String> {
        let rows = value["networks"].as_array().expect("networks");
        rows.iter().map(|r| r["name"].as_str().expect("a name").to_owned()).collect()
    };
    let four = ["hrn-5x5x3x", "hrn-5x7x2x", "hrn-6x6x2x", "hrn-7x5x2x"];
    let value = perform("hybrenet equalize --relu-budget 343040").expect("networks");
    assert_eq!(names(&value), four);
    let first = &value["networks"][0];
    assert_eq!(
        (first["base_width"].as_i64(), &first["counts"]["relus"]),
        (Some(16), &343_040.into())
    );
    let none = perform("hybrenet equalize --relu-budget 22k").expect("networks");
    assert_eq!(
        (names(&none), none["too_large"].as_array().map(Vec::len)),
        (vec![four[0].to_owned()], Some(3))
    );
    let deep = perform("hybrenet equalize --depths 3,4,6,3").expect("networks");
    assert!(names(&deep).contains(&"hrn-4x6x3x".to_owned()));
    assert_eq!(names(&perform("hybrenet list").expect("a list")).len(), 11);
    let other = perform("hybrenet equalize --order s1,s2,s3,s4 --min 2 --max 3").expect("networks");
    assert!(names(&other).contains(&"hrn-2x2x2x".to_owned()));
    assert!(perform("hybrenet equalize --max 4").is_err());
    assert!(perform("hybrenet equalize --depths 2,2,2").is_err());
    assert!(perform("hybrenet equalize --order s1,s2").is_err());
    assert!(refused("hybrenet equalize --relu-budget 10%"));
}
