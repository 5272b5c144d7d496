//! What is known of a network: one JSON object a line in the file of results.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tacita_protocol::wire::Traffic;
use tacita_protocol::{Error, Result};

/// One network. A part that was not asked for, or not reached, is `None`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Row {
    /// File name without its ending.
    pub network: String,
    /// `trained`, `seeded` or `unknown`.
    pub weights: String,
    /// Channels, rows, columns of an image.
    pub input: [usize; 3],
    /// Logits.
    pub classes: usize,
    /// Why the model was refused or a step failed.
    pub refused: Option<String>,
    /// ReLUs that the masks keep, before max-pooling is lowered.
    pub relus: usize,
    /// ReLUs of the unmasked network.
    pub unmasked_relus: usize,
    /// Float logits against another runtime.
    pub float: Option<Float>,
    /// The compilation.
    pub compile: Option<Compile>,
    /// Fixed point against float, in the clear.
    pub fixed: Option<Fixed>,
    /// Bytes and rounds by the cost model.
    pub predicted: Option<Predicted>,
    /// A run over processes and TLS.
    pub private: Option<Private>,
    /// Where the images come from.
    pub images: String,
    /// Hardware threads of the machine.
    pub threads: usize,
}

/// Float logits against another runtime.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Float {
    /// The other runtime.
    pub runtime: String,
    /// Images compared.
    pub images: usize,
    /// Largest difference of a logit.
    pub largest_difference: f64,
    /// Largest logit.
    pub largest_logit: f64,
}

/// A compilation, in a process of its own.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Compile {
    /// Wall seconds.
    pub seconds: f64,
    /// Most memory held, in bytes.
    pub peak_memory: Option<u64>,
    /// Bytes of the plan's file.
    pub plan_bytes: u64,
    /// Tensors of the plan.
    pub tensors: usize,
    /// ReLUs that the plan evaluates for one image, those of lowered max-pooling included.
    pub comparisons: usize,
    /// log2 of the probability of a gross truncation error in one inference.
    pub log2_failure: f64,
    /// Least flooding margin, in bits.
    pub flooding_bits: Option<u32>,
    /// Images that the value ranges come from.
    pub calibration: String,
}

/// Fixed point against float.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Fixed {
    /// Images compared.
    pub images: usize,
    /// Images with the same label.
    pub same: usize,
    /// Largest difference of a logit.
    pub largest_difference: f64,
    /// Largest float logit.
    pub largest_logit: f64,
}

/// Bytes each way and round trips.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Phase {
    /// Client to server.
    pub up: u64,
    /// Server to client.
    pub down: u64,
    /// Round trips.
    pub rounds: u64,
}

impl From<Traffic> for Phase {
    fn from(t: Traffic) -> Self {
        Self { up: t.up, down: t.down, rounds: t.rounds }
    }
}

impl Phase {
    /// Bytes both ways.
    pub fn bytes(&self) -> u64 {
        self.up + self.down
    }
}

/// What the cost model says.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Predicted {
    /// Tickets of an offline run.
    pub batch: usize,
    /// A whole offline run.
    pub offline: Phase,
    /// An inference.
    pub online: Phase,
}

/// What a private run shows.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Private {
    /// Images classified.
    pub images: usize,
    /// Images whose private label is the clear fixed-point label.
    pub same: usize,
    /// Largest difference to a clear fixed-point logit.
    pub largest_difference: f64,
    /// Tickets of an offline run.
    pub tickets: usize,
    /// The first offline run.
    pub offline: Phase,
    /// The first inference.
    pub online: Phase,
    /// Set-up, every offline run and every inference took the bytes and rounds predicted for them.
    pub as_predicted: bool,
    /// The first that did not.
    pub deviation: Option<String>,
    /// Wall seconds of set-up, once a session.
    pub setup_seconds: f64,
    /// Wall seconds of an offline run a ticket, the median.
    pub offline_seconds: f64,
    /// Wall seconds of an inference, the median.
    pub online_seconds: f64,
}

/// The rows of a file; of several of one network the last.
///
/// # Errors
/// `Input` if the file is missing or holds something else.
pub fn read(path: &Path) -> Result<Vec<Row>> {
    let about = |e: &dyn std::fmt::Display| Error::input(format!("{}: {e}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| about(&e))?;
    let mut rows: Vec<Row> = Vec::new();
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        let row: Row = serde_json::from_str(line).map_err(|e| about(&e))?;
        match rows.iter_mut().find(|r| r.network == row.network) {
            Some(old) => *old = row,
            None => rows.push(row),
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use tacita_bench::store::append_json;

    use super::*;

    #[test]
    fn rows_come_back_and_the_last_of_a_name_counts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/networks.jsonl");
        let row = |network: &str, relus| Row { network: network.into(), relus, ..Row::default() };
        for r in [row("a", 1), row("b", 2), row("a", 3)] {
            append_json(&path, &r).unwrap();
        }
        assert_eq!(read(&path).unwrap(), [row("a", 3), row("b", 2)]);
        std::fs::write(&path, "{}\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("networks.jsonl"));
    }
}
