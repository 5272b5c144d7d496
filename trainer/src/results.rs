//! What experiments leave behind: one JSON file each, read again by the report.
//!
//! Accuracies are fractions in [0, 1] throughout; the report shows them in per cent.

mod budgets;
mod card;
mod criticality;
mod measures;
mod spread;
mod store;
#[cfg(test)]
pub(crate) mod tests;

pub use budgets::{BudgetCell, BudgetRun, Budgets};
pub use card::{Digest, LayerCount, ModelCard, Models, StageReached};
pub use criticality::{Criticality, StageCell, StageRun, criticality, is_ranked, order};
pub use measures::{Sensitivity, SensitivityRow, Throughput, ThroughputRow};
pub use spread::Spread;
pub use store::{read, read_card, read_dir, write, write_card};
pub(crate) use store::{read_text, replace};

use crate::data::DataNote;
use serde::{Deserialize, Deserializer, Serialize};

/// One experiment; `study` in the file says which kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "study", rename_all = "snake_case")]
pub enum Study {
    /// Accuracy against ReLU budget, several ways of choosing where the ReLUs stay.
    Budgets(Budgets),
    /// Accuracy with the ReLUs of one stage alone (DeepReDuce).
    Criticality(Criticality),
    /// Images a second.
    Throughput(Throughput),
    /// Sensitivity of the layers (SENet).
    Sensitivity(Sensitivity),
    /// Networks written as ONNX.
    Models(Models),
}

impl Study {
    /// The part that all kinds share.
    pub fn head(&self) -> &Head {
        match self {
            Self::Budgets(study) => &study.head,
            Self::Criticality(study) => &study.head,
            Self::Throughput(study) => &study.head,
            Self::Sensitivity(study) => &study.head,
            Self::Models(study) => &study.head,
        }
    }

    /// What makes the study unusable although it parses, if anything.
    fn problem(&self) -> Option<String> {
        match self {
            Self::Budgets(study) => study.problem(),
            Self::Criticality(study) => study.problem(),
            Self::Throughput(_) | Self::Sensitivity(_) => None,
            Self::Models(study) => study.models.iter().find_map(ModelCard::problem),
        }
    }
}

/// What a reader needs in order to judge or repeat an experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Heading of its section.
    pub title: String,
    /// The command line that makes the file.
    pub command: String,
    /// Version of the program.
    pub version: String,
    /// Name of the processor.
    pub cpu: String,
    /// Its cores.
    pub cores: usize,
    /// Threads used.
    pub threads: usize,
    /// Wall-clock time of the whole experiment.
    pub seconds: f64,
    /// The images.
    pub data: DataNote,
    /// Schedules, rates and other settings, in the order to show them.
    pub conditions: Vec<(String, String)>,
}

/// A network and what it costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NetworkNote {
    /// Its name.
    pub name: String,
    /// ReLUs without masks.
    pub relus: usize,
    /// Multiply-accumulates for one image.
    pub macs: u64,
    /// Trained parameters.
    pub parameters: u64,
    /// Activation layers in forward order.
    pub layers: Vec<LayerUnits>,
}

/// An activation layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerUnits {
    /// Its name.
    pub name: String,
    /// Units: the most ReLUs it can hold.
    pub units: usize,
}

/// One epoch of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// Phase, such as `search`.
    pub phase: String,
    /// Epoch of the phase, from 1.
    pub epoch: usize,
    /// Mean loss of its steps; not a number where training diverged (`null` in the file).
    #[serde(deserialize_with = "null_is_nan")]
    pub loss: f64,
    /// Accuracy on the held-out images, where measured.
    pub validation: Option<f64>,
    /// Learning rate at its end.
    pub rate: f64,
    /// Wall-clock time.
    pub seconds: f64,
    /// Normalised Hamming distance to the masks of the epoch before, in a mask search.
    pub distance: Option<f64>,
}

/// JSON has no NaN: `serde_json` writes `null`, and this reads it back.
fn null_is_nan<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

/// Whether every value is an accuracy.
fn accuracies(values: &[f64]) -> bool {
    values.iter().all(|v| (0.0..=1.0).contains(v))
}
