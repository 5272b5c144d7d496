//! The trainer as a process of its own, on tiny data sets that the tests write.

#![allow(clippy::expect_used, reason = "a test stops at the first surprise")]

mod import;
mod kill;
mod look;
mod refused;
mod report;
mod senet;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tacita_train::data::Images;

/// Images in each of the five training files, and in the test file.
const IMAGES: usize = 40;

/// ReLUs that the masked networks of these tests keep.
const BUDGET: &str = "1500";

/// A network and schedules that take a second.
const SMALL: &str = "--net resnet20 --base-width 4 --data ../data --validation 20 --work run \
    --threads 1 --device cpu --batch 20 --schedule short --polish-epochs 0";

/// Folders of one test: `data`, and `run` for everything else.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    /// A place with a data set in the layout of CIFAR-10.
    fn new() -> Self {
        let root = tempfile::tempdir().expect("temporary folder");
        let data = root.path().join("data");
        std::fs::create_dir_all(&data).expect("a folder");
        std::fs::create_dir_all(root.path().join("a")).expect("a folder");
        for batch in 1..=5 {
            write_batch(&data.join(format!("data_batch_{batch}.bin")), batch);
        }
        write_batch(&data.join("test_batch.bin"), 6);
        Self { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A command with these words as arguments that is to run in folder `a`.
    fn command(&self, words: &str) -> Command {
        self.command_in("a", words)
    }

    fn command_in(&self, folder: &str, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tacita-train"));
        let folder = self.path(folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        command.args(words.split_whitespace()).current_dir(folder);
        command.env("OMP_WAIT_POLICY", "passive").env("RUST_LOG", "warn");
        command
    }

    /// What the command prints, as JSON.
    fn answer(&self, words: &str) -> Value {
        answer(self.command(words))
    }

    /// What the command complains about; its exit code must be 3.
    fn complaint(&self, words: &str) -> String {
        complaint(&self.command(words).output().expect("started"))
    }
}

fn write_batch(path: &Path, seed: u64) {
    let images = Images::synthetic(IMAGES, seed);
    let record = |i: usize| [&[images.labels[i] as u8], images.image(i)].concat();
    std::fs::write(path, (0..IMAGES).flat_map(record).collect::<Vec<u8>>()).expect("written");
}

fn answer(mut command: Command) -> Value {
    let output = command.arg("--json").output().expect("started");
    assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one line of JSON")
}

fn complaint(output: &Output) -> String {
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{message}");
    assert!(output.stdout.is_empty(), "results only go to stdout");
    message
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A file of public data, or a word that the test is skipped.
#[allow(clippy::print_stdout, reason = "a test says that it is skipped")]
fn public(variable: &str, default: Option<&str>, file: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let default = default.map(|folder| root.join(folder));
    let folder = std::env::var_os(variable).map(PathBuf::from).or(default);
    let path = folder.map(|folder| folder.join(file)).filter(|path| path.exists());
    if path.is_none() {
        println!("skipped: {file} is absent (set {variable})");
    }
    path.map(|path| path.canonicalize().expect("a path"))
}
