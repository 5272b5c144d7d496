//! The card of an exported network: `model.json` beside its ONNX.

use super::{Head, accuracies};
use crate::checkpoint::Reached;
use crate::data::{DataNote, Normalise};
use serde::{Deserialize, Serialize};

/// Exported networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Models {
    /// Conditions.
    pub head: Head,
    /// Their cards.
    pub models: Vec<ModelCard>,
}

/// Where an exported network comes from and what it reaches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// Name of the network.
    pub name: String,
    /// How its ReLUs were chosen, such as `senet`.
    pub method: String,
    /// The images.
    pub data: DataNote,
    /// ReLUs it was allowed.
    pub budget: usize,
    /// ReLUs it keeps.
    pub relus: usize,
    /// ReLUs it would have without masks.
    pub units: usize,
    /// The same for each activation layer, in forward order.
    pub layers: Vec<LayerCount>,
    /// The all-ReLU network of the same shape, if one was the guide.
    pub teacher: Option<Reached>,
    /// Accuracy after each stage of training, in order; the last is that of the file.
    pub stages: Vec<StageReached>,
    /// Seed.
    pub seed: u64,
    /// The command line that made it.
    pub command: String,
    /// Version of the program.
    pub version: String,
    /// Hash of its masks.
    pub mask_hash: String,
    /// The ONNX file.
    pub onnx: Digest,
    /// How an image becomes an input.
    pub normalise: Normalise,
    /// Names of the classes, in the order of the outputs.
    pub classes: Vec<String>,
}

/// Units and kept ReLUs of one layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerCount {
    /// The layer.
    pub name: String,
    /// Its units.
    pub units: usize,
    /// ReLUs it keeps.
    pub relus: usize,
}

/// What a stage of training reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageReached {
    /// The stage, such as `finetune`.
    pub stage: String,
    /// Accuracy on the held-out images.
    pub validation: f64,
    /// Accuracy on the test images.
    pub test: f64,
}

/// A file, by size and content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl ModelCard {
    /// Accuracy of the file: that of the last stage of training.
    pub fn reached(&self) -> Option<Reached> {
        self.stages.last().map(|s| Reached { validation: s.validation, test: s.test })
    }

    pub(super) fn problem(&self) -> Option<String> {
        let stages = self.stages.iter().flat_map(|s| [s.validation, s.test]);
        let all = stages.chain(self.teacher.iter().flat_map(|t| [t.validation, t.test]));
        let good = accuracies(&all.collect::<Vec<_>>());
        (!good).then(|| format!("{}: an accuracy is not in [0, 1]", self.name))
    }
}
