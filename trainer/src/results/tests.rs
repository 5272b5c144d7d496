//! Tests of the schema and of the summaries, and small studies for other tests.

use super::*;
use crate::checkpoint::Reached;
use crate::data::Normalise;

fn head(title: &str) -> Head {
    Head {
        title: title.to_owned(),
        command: "tacita-train study --seeds 2 > \"a<b\"".to_owned(),
        version: "0.1.0".to_owned(),
        cpu: "A & B".to_owned(),
        cores: 2,
        threads: 2,
        seconds: 4000.0,
        data: DataNote {
            name: "CIFAR-100".to_owned(),
            hash: "00ff".to_owned(),
            classes: 100,
            train: 45_000,
            validation: 5000,
            test: 10_000,
            ..DataNote::default()
        },
        conditions: vec![("Schedule".to_owned(), "3 epochs <one cycle>".to_owned())],
    }
}

fn history() -> Vec<EpochRow> {
    let row = |phase: &str, epoch: usize| EpochRow {
        phase: phase.to_owned(),
        epoch,
        loss: 2.0 / epoch as f64,
        validation: (epoch > 1).then_some(0.1 * epoch as f64),
        rate: 0.05,
        seconds: 1.5,
        distance: (phase == "search").then_some(0.25),
    };
    vec![row("search", 1), row("search", 2), row("finetune", 1), row("finetune", 2)]
}

fn run(arm: &str, share: f64, seed: u64, test: f64) -> BudgetRun {
    let relus = (share * 3000.0) as usize;
    BudgetRun {
        arm: arm.to_owned(),
        share,
        relus,
        seed,
        validation: test,
        test,
        layers: vec![relus / 3, relus - relus / 3],
        seconds: 60.0,
        history: history(),
    }
}

/// Two arms and two budgets; at the smaller one the second arm has a single seed.
pub(crate) fn budgets() -> Budgets {
    let layer = |(name, units): (&str, usize)| LayerUnits { name: name.to_owned(), units };
    Budgets {
        head: head("Budgets of <thin>"),
        network: NetworkNote {
            name: "thin & small".to_owned(),
            relus: 3000,
            macs: 1_234_567,
            parameters: 12_345,
            layers: [("stem", 1000), ("s1b1r1", 2000)].map(layer).into(),
        },
        teacher: Reached { validation: 0.7, test: 0.69 },
        runs: vec![
            run("senet", 0.1, 1, 0.50),
            run("senet", 0.1, 2, 0.53),
            run("senet", 0.5, 1, 0.60),
            run("senet", 0.5, 2, 0.62),
            run("senet", 0.5, 3, 0.67),
            run("uni<form", 0.5, 1, 0.58),
            run("uni<form", 0.5, 2, 0.64),
            run("uni<form", 0.1, 1, 0.54),
        ],
    }
}

fn stage_run(stage: &str, relus: usize, seed: u64, test: f64) -> StageRun {
    let (stage, validation) = (stage.to_owned(), test);
    StageRun { stage, relus, seed, validation, test, history: history() }
}

fn card() -> ModelCard {
    let ModelCardParts { data, layers, stages } = parts();
    ModelCard {
        name: "thin".to_owned(),
        method: "senet".to_owned(),
        data,
        budget: 300,
        relus: 300,
        units: 3000,
        layers,
        teacher: Some(Reached { validation: 0.7, test: 0.69 }),
        stages,
        seed: 1,
        command: "tacita-train all".to_owned(),
        version: "0.1.0".to_owned(),
        mask_hash: "abcd".to_owned(),
        onnx: Digest { name: "thin.onnx".to_owned(), bytes: 123_456, sha256: "ef01".to_owned() },
        normalise: Normalise { mean: vec![0.5; 3], std: vec![0.25; 3] },
        classes: vec!["airplane".to_owned(), "ship".to_owned()],
    }
}

struct ModelCardParts {
    data: DataNote,
    layers: Vec<LayerCount>,
    stages: Vec<StageReached>,
}

fn parts() -> ModelCardParts {
    let stage = |(stage, test): (&str, f64)| StageReached {
        stage: stage.to_owned(),
        validation: test + 0.01,
        test,
    };
    ModelCardParts {
        data: head("").data,
        layers: vec![LayerCount { name: "stem".to_owned(), units: 3000, relus: 300 }],
        stages: [("search", 0.5), ("finetune", 0.6)].map(stage).into(),
    }
}

/// One study of each kind, with file names.
pub(crate) fn studies() -> Vec<(String, Study)> {
    let stages = [("s2", 2000, 0.5), ("none", 0, 0.2), ("s1", 4000, 0.4), ("conv1", 1000, 0.3)];
    let runs = stages.map(|(stage, relus, test)| stage_run(stage, relus, 1, test)).into();
    let row = |layer: &str, sensitivity: f64| SensitivityRow {
        layer: layer.to_owned(),
        units: 1000,
        dense: 1.0 - sensitivity,
        sensitivity,
        table: Some(2.0 * sensitivity),
    };
    let rows = vec![row("stem", 0.2), row("s1b1r1", 0.8)];
    let speed = ThroughputRow {
        network: "thin".to_owned(),
        input: "3x32x32".to_owned(),
        relus: 3000,
        macs: 1_234_567,
        parameters: 12_345,
        batch: 128,
        threads: 2,
        train_images_per_second: 812.25,
        eval_images_per_second: 2401.0,
    };
    let (network, method) = ("thin".to_owned(), "sparse <proxy>".to_owned());
    let studies = [
        Study::Budgets(budgets()),
        Study::Criticality(Criticality { head: head("Stages"), runs }),
        Study::Sensitivity(Sensitivity { head: head("Layers"), network, method, rows }),
        Study::Models(Models { head: head("Networks"), models: vec![card()] }),
        Study::Throughput(Throughput { head: head("Speed"), rows: vec![speed] }),
    ];
    let names = ["a.json", "b.json", "c.json", "d.json", "e.json"];
    names.into_iter().map(str::to_owned).zip(studies).collect()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn a_folder_of_studies_comes_back_sorted() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let folder = dir.path().join("results");
    for (name, study) in studies().iter().rev() {
        write(&folder.join(name), study).expect("written");
    }
    std::fs::write(folder.join("note.txt"), "no study").expect("written");
    assert_eq!(read_dir(&folder).expect("read"), studies());
    let text = std::fs::read_to_string(folder.join("c.json")).expect("read");
    assert!(text.starts_with("{\n  \"study\": \"sensitivity\",\n"), "{text}");
    assert!(!folder.join("c.json.partial").exists());
    let path = folder.join("model.json");
    write_card(&path, &card()).expect("written");
    assert_eq!(read_card(&path).expect("read"), card());
}

#[test]
fn a_loss_that_is_no_number_comes_back() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("x.json");
    let mut study = budgets();
    study.runs[0].history[0].loss = f64::NAN;
    write(&path, &Study::Budgets(study)).expect("written");
    let Study::Budgets(back) = read(&path).expect("read") else { panic!("another study") };
    assert!(back.runs[0].history[0].loss.is_nan());
    assert_eq!(back.runs[1..], budgets().runs[1..]);
}

#[test]
fn damaged_files_are_named() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("broken.json");
    let whole = serde_json::to_string(&Study::Budgets(budgets())).expect("JSON");
    let damages = [
        whole[..whole.len() / 2].to_owned(),
        whole.replace("\"budgets\"", "\"budget\""),
        whole.replace("\"test\":0.69", "\"test\":69"),
        whole.replace("\"layers\":[100,200]", "\"layers\":[100,200,0]"),
        whole.replace("\"layers\":[100,200]", "\"layers\":[100,2001]"),
        whole.replace("\"share\":0.1", "\"share\":10"),
    ];
    for damage in damages {
        assert_ne!(damage, whole);
        std::fs::write(&path, damage).expect("written");
        let error = read_dir(dir.path()).expect_err("damaged");
        assert!(matches!(error, crate::Error::BadResult { .. }), "{error}");
        assert!(error.to_string().contains("broken.json: "), "{error}");
    }
    std::fs::write(&path, [0xff, 0xfe]).expect("written");
    assert!(read(&path).expect_err("no text").to_string().contains("UTF-8"));
    let mut study = budgets();
    study.teacher.test = 69.0;
    assert!(write(&path, &Study::Budgets(study)).is_err());
}

#[test]
fn the_summary_of_budgets() {
    let cells = budgets().summary();
    let names: Vec<_> = cells.iter().map(|c| (c.share, c.arm.as_str(), c.test.n)).collect();
    let want = [(0.5, "senet", 3), (0.5, "uni<form", 2), (0.1, "senet", 2), (0.1, "uni<form", 1)];
    assert_eq!(names, want);
    // 0.60, 0.62, 0.67: mean 0.63; squares 9 + 1 + 16 = 26 (1e-4), half of it 13.
    assert!(near(cells[0].test.mean, 0.63));
    assert!(near(cells[0].test.deviation.expect("three runs"), 13f64.sqrt() / 100.0));
    assert_eq!((cells[0].test.min, cells[0].test.max), (0.60, 0.67));
    assert!(near(cells[0].relus, 1500.0));
    let leads: Vec<f64> = cells.iter().filter_map(|c| c.lead).collect();
    for (got, want) in leads.iter().zip([0.02, -0.02, -0.025, 0.025]) {
        assert!(near(*got, want), "{leads:?}");
    }
    assert_eq!(cells[3].test.deviation, None);
    let mut alone = budgets();
    alone.runs.retain(|r| r.arm == "senet");
    assert!(alone.summary().iter().all(|c| c.lead.is_none()));
}

#[test]
fn the_summary_of_stages() {
    let runs = vec![
        stage_run("s2", 2000, 1, 0.50),
        stage_run("s1", 4000, 1, 0.40),
        stage_run("s2", 2000, 2, 0.54),
        stage_run("conv1", 1000, 1, 0.30),
        stage_run("s10", 1000, 1, 0.45),
        stage_run("none", 0, 1, 0.10),
    ];
    let study = Criticality { head: head("x"), runs };
    let cells = study.summary();
    let stages: Vec<&str> = cells.iter().map(|c| c.stage.as_str()).collect();
    assert_eq!(stages, ["none", "conv1", "s1", "s2", "s10"]);
    assert_eq!(cells[0].criticality.or(cells[1].criticality), None);
    assert!(near(cells[3].test.mean, 0.52));
    let got: Vec<f64> = cells.iter().filter_map(|c| c.criticality).collect();
    // 12 points over 2^0.07; 5 points over 1^0.07.
    assert!(near(got[0], 0.0) && near(got[1], 12.0 / 2f64.powf(0.07)) && near(got[2], 5.0));
    assert_eq!(order(&cells), ["s2", "s10", "s1"]);
}

#[test]
fn the_accuracy_of_a_card_is_that_of_its_last_stage() {
    let reached = card().reached().expect("two stages");
    assert_eq!(reached.test, 0.6);
    assert_eq!(ModelCard { stages: Vec::new(), ..card() }.reached(), None);
}
