use super::*;
use serde_json::json;
use tacita_architectures::{Options, Shape};
use tch::Device;

fn identity(seed: u64, epochs: usize) -> Identity {
    let input = Shape { channels: 3, height: 8, width: 8 };
    let options = Options { base_width: Some(2), ..Options::named("resnet20") };
    Identity {
        stage: "teacher".to_owned(),
        network: options.network(input, 4).expect("a network"),
        rates: vec![1.0],
        data: "abc".to_owned(),
        seed,
        settings: json!({"epochs": epochs, "mean": [0.4914_f32, 0.4822_f32, 0.1_f32 + 0.2_f32]}),
    }
}

fn row(epoch: usize, validation: f64) -> EpochRow {
    EpochRow {
        phase: "teacher".to_owned(),
        epoch,
        loss: 1.0,
        validation: Some(validation),
        rate: 0.1,
        seconds: 1.0,
        distance: None,
    }
}

fn files(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).expect("a folder");
    let mut names: Vec<String> =
        names.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_stage_goes_on_with_its_own_settings_only() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let open = |identity, fresh| Stage::open(dir.path(), identity, "tacita-train", fresh);
    open(identity(1, 3), false).expect("started");
    open(identity(1, 3), false).expect("the same");
    let refused = |identity, name: &str| match open(identity, false) {
        Err(Error::ResumeMismatch { setting, .. }) => assert_eq!(setting, name),
        other => panic!("{other:?}"),
    };
    refused(identity(2, 3), "seed");
    refused(identity(1, 4), "epochs");
    open(identity(2, 4), true).expect("started over");
}

#[test]
fn the_best_epoch_and_the_last_are_kept() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut stage = Stage::open(dir.path(), identity(1, 3), "", false).expect("started");
    let mut net = Net::new(&stage.manifest.identity.network, Device::Cpu);
    let sgd = Sgd::new(&net);
    let mut hashes = Vec::new();
    for (epoch, validation) in [(1, 0.25), (2, 0.5), (3, 0.5)] {
        net.copy_from(&Net::new(&net.network, Device::Cpu)).expect("same shape");
        hashes.push(net.hash().expect("hash"));
        let extra = vec![("~more".to_owned(), Tensor::from_slice(&[epoch as f32]))];
        stage.commit(&net, &sgd, extra, (&row(epoch, validation), false)).expect("kept");
    }
    let kept = ["best-0002.safetensors", "epoch-0003.safetensors", "history.csv", "manifest.json"];
    assert_eq!(files(dir.path()), kept);
    drop(stage);

    let stage = Stage::open(dir.path(), identity(1, 3), "", false).expect("resumed");
    let mut sgd = Sgd::new(&net);
    let (epoch, extra) = stage.restore(&mut net, &mut sgd).expect("restored");
    assert_eq!((epoch, net.hash().expect("hash")), (3, hashes[2].clone()));
    assert_eq!(extra["~more"].double_value(&[0]), 3.0);
    assert_eq!(stage.load_best(&mut net).expect("loaded"), 0.5);
    assert_eq!(net.hash().expect("hash"), hashes[1]);
    assert_eq!(stage.rows().expect("rows").len(), 3);
}

#[test]
fn an_epoch_that_was_cut_off_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut stage = Stage::open(dir.path(), identity(1, 3), "", false).expect("started");
    let net = Net::new(&stage.manifest.identity.network, Device::Cpu);
    let sgd = Sgd::new(&net);
    stage.commit(&net, &sgd, Vec::new(), (&row(1, 0.5), false)).expect("kept");
    let manifest = std::fs::read(dir.path().join(MANIFEST)).expect("read");
    let before = files(dir.path());
    stage.commit(&net, &sgd, Vec::new(), (&row(2, 0.75), false)).expect("kept");
    // As if killed after the files of epoch 2 were written and before the manifest was.
    let epoch_1 = dir.path().join("epoch-0001.safetensors");
    std::fs::copy(dir.path().join("epoch-0002.safetensors"), epoch_1).expect("copied");
    let best_1 = dir.path().join("best-0001.safetensors");
    std::fs::copy(dir.path().join("best-0002.safetensors"), best_1).expect("copied");
    std::fs::write(dir.path().join(MANIFEST), manifest).expect("written");
    let stage = Stage::open(dir.path(), identity(1, 3), "", false).expect("resumed");
    assert_eq!(stage.manifest.epoch, 1);
    assert_eq!(files(dir.path()), before);
    assert_eq!(stage.rows().expect("rows").len(), 1);
}

#[test]
fn damaged_manifests_are_refused() {
    let dir = tempfile::tempdir().expect("temporary folder");
    assert!(matches!(load(dir.path(), Device::Cpu), Err(Error::Io { .. })));
    std::fs::write(dir.path().join(MANIFEST), "{").expect("written");
    assert!(matches!(load(dir.path(), Device::Cpu), Err(Error::BadCheckpoint { .. })));
    let opened = Stage::open(dir.path(), identity(1, 3), "", false);
    assert!(matches!(opened, Err(Error::BadCheckpoint { .. })));
    Stage::open(dir.path(), identity(1, 3), "", true).expect("started over");
    assert!(load(dir.path(), Device::Cpu).is_err(), "no epoch is done");
}
