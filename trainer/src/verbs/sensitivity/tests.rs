use super::*;
use crate::cli::{Cli, Verb};
use crate::data::Images;
use crate::verbs::look;
use clap::Parser;
use std::path::Path;

fn parse(words: &str) -> std::result::Result<SensitivityArgs, clap::Error> {
    let cli = Cli::try_parse_from(format!("tacita-train sensitivity {words}").split_whitespace())?;
    match cli.verb {
        Verb::Sensitivity(args) => Ok(args),
        other => panic!("{other:?}"),
    }
}

fn args(words: &str) -> SensitivityArgs {
    parse(words).expect("these are options")
}

/// What `allocate` makes of the file, for a network of 10 classes on 32x32 images.
fn shares(net: &str, file: &Path) -> Result<Vec<usize>> {
    let words = format!("tacita-train allocate {net} --relu-budget 999 --sensitivity");
    let file = file.to_str().expect("a path of letters");
    let cli = Cli::try_parse_from(words.split_whitespace().chain([file])).expect("options");
    let Verb::Allocate(args) = cli.verb else { panic!("another verb") };
    let (_, value) = look::allocate(&args)?;
    let relus = |row: &serde_json::Value| row["relus"].as_u64().expect("a count") as usize;
    Ok(value["layers"].as_array().expect("layers").iter().map(relus).collect())
}

fn data() -> Dataset {
    Dataset::split(&Images::synthetic(96, 1), Images::synthetic(32, 2), 32, 0, 1).expect("split")
}

fn run<'a>(args: &SensitivityArgs, data: &'a Dataset) -> Run<'a> {
    Run {
        data,
        network: network(&args.net.options(), data).expect("a network"),
        device: tch::Device::Cpu,
        seed: args.proxy.batches.seed,
        batch: args.proxy.batches.batch,
        augment: args.proxy.batches.augment(),
        mixed: false,
        work: args.work.clone().expect("a folder"),
        command: command(),
        fresh: false,
    }
}

#[test]
fn a_measured_file_can_be_allocated_by() {
    tch::set_num_threads(1);
    let (data, dir) = (data(), tempfile::tempdir().expect("temporary folder"));
    let out = dir.path().join("sensitivity.json");
    let net = "--net resnet20 --base-width 4";
    let work = dir.path().display();
    let words = format!("{net} --epochs 3 --batch 16 --density 0.3 --work {work} --out x");
    let args = args(&words);
    let study = train(&run(&args, &data), &args).expect("trained");
    results::write(&out, &Study::Sensitivity(study.clone())).expect("written");
    assert_eq!(shares(net, &out).expect("allocated").iter().sum::<usize>(), 999);
    let refused = shares("--net resnet32 --base-width 4", &out);
    assert!(matches!(refused, Err(Error::BadResult { .. })), "layers of another network");

    assert_eq!((study.network.as_str(), study.rows.len()), ("resnet20", 19));
    assert!(study.rows.iter().all(|r| r.table.is_none() && (0.0..=1.0).contains(&r.dense)));
    assert!(study.rows.iter().all(|r| r.sensitivity == sparse::sensitivity(r.dense)));
    assert!(study.rows.iter().any(|r| r.dense != study.rows[0].dense));
    assert_eq!(study.head.data, data.note());
    assert!(study.head.seconds > 0.0 && study.head.threads == 1);

    // A complete proxy gives the same again without training.
    assert_eq!(train(&run(&args, &data), &args).expect("loaded"), study);
}

#[test]
fn the_published_table_needs_no_images() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let out = dir.path().join("table.json");
    let write = |net: &str| {
        let args = args(&format!("{net} --built-in --out {}", out.display()));
        sensitivity(&args).expect("written")
    };
    let (text, value) = write("--net resnet18 --classes 100");
    assert_eq!(value["spearman"], 1.0);
    assert!(text.contains("\nstem       0.9428       0.0572     0.0572\n"), "{text}");
    let by_file = shares("--net resnet18", &out).expect("allocated");
    let table = table("resnet18", 17);
    let largest = by_file.iter().max().expect("layers");
    assert!(by_file.iter().zip(&table).all(|(s, t)| (*s as f64 - t * *largest as f64).abs() < 2.0));

    let (text, value) = write("--net resnet20");
    assert!(value["spearman"].is_null() && text.contains("no published table"), "{text}");
    assert!(shares("--net resnet20", &out).is_ok());
}

#[test]
fn training_needs_images_and_a_folder() {
    let refused = |words: &str| match sensitivity(&args(words)) {
        Err(Error::BadSetting { setting, .. }) => setting,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused("--out x"), "--data");
    assert_eq!(refused("--data y --out x"), "--work");
    assert!(parse("--out x --built-in --work y").is_err(), "nothing is trained");
    assert!(parse("--out x --data y --classes 5").is_err(), "the data have their own");
    assert!(parse("--out x --limit 5").is_err(), "a limit of nothing");
}

#[test]
fn settings_out_of_range_are_refused() {
    let proxy = |words: &str| args(&format!("{words} --out x")).proxy;
    let epochs = |words: &str| proxy(words).training().map(|t| t.epochs);
    assert_eq!(epochs("").expect("paper"), 60);
    assert_eq!(epochs("--schedule short").expect("short"), 6);
    assert_eq!(epochs("--schedule short --epochs 9").expect("own"), 9);
    for words in ["--epochs 1", "--rate 0", "--rate nan"] {
        assert!(epochs(words).is_err(), "{words}");
    }
    for words in ["--density 0", "--density 1", "--density nan", "--prune-rate 1.5"] {
        assert!(proxy(words).settings().is_err(), "{words}");
    }
    assert!(proxy("").settings().is_ok());
}
