//! The files of results. Unknown fields are passed over and optional ones may be missing; a line
//! that is not what it should be is an error that names the file and the line.

mod kernels;
mod runs;

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tacita_bench::relu::record::Relus;
use tacita_protocol::{Error, Result};

use crate::compare::record::Comparison;
use crate::networks::row::Row;

pub use kernels::{Kernel, Kernels, Peak};
#[cfg(test)]
pub use runs::Phase;
pub use runs::{Layer, Run, Task};

/// Names of the files, and the command that makes each.
pub const KERNELS: File = File { name: "kernels.json", command: "tacita-bench kernels" };
/// End to end.
pub const E2E: File = File { name: "e2e.jsonl", command: "tacita-bench e2e" };
/// One network under masks of several sizes.
pub const SWEEP: File = File { name: "sweep.jsonl", command: "tacita-bench sweep" };
/// The alternatives.
pub const COMPARE: File = File { name: "compare.json", command: "tacita-lab compare" };
/// Networks with garbled ReLUs, with looked-up ones and with the better of both for each layer.
pub const BACKENDS: File = File { name: "backends.jsonl", command: "lab/scripts/backends.sh" };
/// One ReLU under both backends.
pub const RELU: File = File { name: "relu.json", command: "tacita-bench relu" };
/// Networks from ONNX.
pub const NETWORKS: File = File { name: "networks.jsonl", command: "tacita-lab networks MODEL..." };
/// The shaped links against the kernel's.
pub const SHAPING: File = File { name: "shaping.json", command: "lab/scripts/check-shaping.sh" };

/// A file of results.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its name in the folder of results.
    pub name: &'static str,
    /// What makes it.
    pub command: &'static str,
}

impl File {
    /// What stands where its results would.
    pub fn missing(self) -> String {
        format!("Not measured: {} is missing. `{}` makes it.", self.name, self.command)
    }
}

/// What was found; a missing file is `None` or empty.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// [`KERNELS`].
    pub kernels: Option<Kernels>,
    /// [`E2E`].
    pub e2e: Vec<Run>,
    /// [`SWEEP`].
    pub sweep: Vec<Run>,
    /// [`COMPARE`].
    pub compare: Option<Comparison>,
    /// [`BACKENDS`].
    pub backends: Vec<Run>,
    /// [`RELU`].
    pub relu: Option<Relus>,
    /// [`NETWORKS`].
    pub networks: Vec<Row>,
    /// [`SHAPING`].
    pub shaping: Option<Value>,
}

impl Inputs {
    /// Reads the folder.
    ///
    /// # Errors
    /// `Input` for a folder or file that cannot be read, or that holds something else.
    pub fn read(folder: &Path) -> Result<Self> {
        if !folder.is_dir() {
            let shown = folder.display();
            return Err(Error::input(format!("{shown} is not a folder: give one with --results")));
        }
        Ok(Self {
            kernels: object(&folder.join(KERNELS.name))?,
            e2e: latest(lines(&folder.join(E2E.name))?, Run::key),
            sweep: latest(lines(&folder.join(SWEEP.name))?, Run::key),
            compare: object(&folder.join(COMPARE.name))?,
            backends: latest(lines(&folder.join(BACKENDS.name))?, Run::key),
            relu: object(&folder.join(RELU.name))?,
            networks: latest(lines(&folder.join(NETWORKS.name))?, |r: &Row| r.network.clone()),
            shaping: object(&folder.join(SHAPING.name))?,
        })
    }
}

/// The text of a file, if there is one.
fn text(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::input(format!("cannot read {}: {e}", path.display()))),
    }
}

fn object<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let Some(text) = text(path)? else { return Ok(None) };
    let value = serde_json::from_str(&text);
    value.map(Some).map_err(|e| Error::input(format!("{}: {e}", path.display())))
}

/// An object a line; empty lines are passed over.
fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = text(path)?.unwrap_or_default();
    let numbered = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    numbered
        .map(|(i, line)| {
            let at = |e| Error::input(format!("{}, line {}: {e}", path.display(), i + 1));
            serde_json::from_str(line).map_err(at)
        })
        .collect()
}

/// Of several with one key the last, where the first stood.
fn latest<T, K: PartialEq>(all: Vec<T>, key: fn(&T) -> K) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for one in all {
        match kept.iter_mut().find(|k| key(k) == key(&one)) {
            Some(old) => *old = one,
            None => kept.push(one),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = r#"{"command":"c","net":"n","relus":5,"network":"lan","offline":{},"online":{"seconds":1.5},"new":[1]}"#;

    fn folder(name: &str, text: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(name), text).unwrap();
        dir
    }

    #[test]
    fn unknown_fields_pass_and_the_last_of_a_kind_counts() {
        let text = format!("{RUN}\n\n{}\n", RUN.replace("1.5", "2.5"));
        let dir = folder(E2E.name, &text);
        let inputs = Inputs::read(dir.path()).unwrap();
        assert_eq!(inputs.e2e.len(), 1);
        assert_eq!(inputs.e2e[0].online.seconds, 2.5);
        assert!(inputs.kernels.is_none() && inputs.sweep.is_empty());
    }

    #[test]
    fn a_malformed_line_is_named() {
        let dir = folder(SWEEP.name, &format!("{RUN}\n{{\"net\":3}}\n"));
        let message = Inputs::read(dir.path()).unwrap_err().to_string();
        assert!(message.contains("sweep.jsonl, line 2"), "{message}");
        let dir = folder(KERNELS.name, "{");
        let message = Inputs::read(dir.path()).unwrap_err().to_string();
        assert!(message.contains("kernels.json: ") && message.contains("line 1"), "{message}");
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let message = Inputs::read(Path::new("nowhere/at/all")).unwrap_err().to_string();
        assert!(message.contains("--results"), "{message}");
    }
}
