//! A run that is killed goes on as if nothing had happened.

use super::{BUDGET, Place, SMALL};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tacita_train::checkpoint::read_manifest;

const EPOCHS: &str = "--teacher-epochs 2 --search-epochs 2 --finetune-epochs 2 --memory 0.5";

#[test]
fn a_killed_run_ends_with_the_same_bytes() {
    let place = Place::new();
    let words = format!("senet {SMALL} {EPOCHS} --relu-budget {BUDGET} --out net.onnx");
    // The command line is part of the network's file: only the folder may differ.
    let whole = place.command_in("whole", &words).output().expect("started");
    assert!(whole.status.success(), "{}", super::text(&whole.stderr));

    // Later stages follow each of these, so the kill comes in time on any machine.
    for stage in ["teacher", "search-1500"] {
        let stage = place.path("killed/run").join(stage);
        kill_after_first_epoch(place.command_in("killed", &words), &stage);
        assert!(!place.path("killed/net.onnx").exists());
    }
    let rest = place.command_in("killed", &words).output().expect("started");
    assert!(rest.status.success(), "{}", super::text(&rest.stderr));

    for file in ["net.onnx", "net.json"] {
        let [a, b] = ["whole", "killed"].map(|run| std::fs::read(place.path(run).join(file)));
        assert!(a.expect("written") == b.expect("written"), "{file} differs");
    }
    for stage in ["teacher", "search-1500", "finetune-1500"] {
        let [a, b] = ["whole", "killed"].map(|run| log(&place.path(run).join("run").join(stage)));
        assert_eq!(a, b, "{stage}");
        assert_eq!(a.len(), 2, "each epoch once");
    }
}

/// Starts the command and kills it once the stage has a finished epoch.
fn kill_after_first_epoch(mut command: Command, stage: &Path) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started");
    // Ends with the child at the latest.
    while read_manifest(stage).map_or(0, |manifest| manifest.epoch) == 0 {
        let ended = child.try_wait().expect("its state");
        assert!(ended.is_none(), "ended before it could be killed: {ended:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("killed");
    let status = child.wait().expect("its state");
    assert_eq!(status.signal(), Some(9), "killed on its way");
    assert!(read_manifest(stage).expect("a manifest").reached.is_none(), "in mid-stage");
}

/// The lines of a log without the times.
fn log(stage: &Path) -> Vec<String> {
    let rows = tacita_train::history::read(&stage.join("history.csv")).expect("a log");
    let line = |mut row: tacita_train::results::EpochRow| {
        row.seconds = 0.0;
        format!("{row:?}")
    };
    rows.into_iter().map(line).collect()
}
