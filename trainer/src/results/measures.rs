//! Measurements that are tables: images a second, sensitivity of the layers.

use super::Head;
use serde::{Deserialize, Serialize};

/// How fast networks train and evaluate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// Conditions.
    pub head: Head,
    /// One row for each network and setting.
    pub rows: Vec<ThroughputRow>,
}

/// Speed of one network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThroughputRow {
    /// The network.
    pub network: String,
    /// Shape of its input, such as `3x32x32`.
    pub input: String,
    /// ReLUs without masks.
    pub relus: usize,
    /// Multiply-accumulates for one image.
    pub macs: u64,
    /// Trained parameters.
    pub parameters: u64,
    /// Images in a mini-batch.
    pub batch: usize,
    /// Threads.
    pub threads: usize,
    /// Images a second in training: forward, backward and step.
    pub train_images_per_second: f64,
    /// Images a second in evaluation.
    pub eval_images_per_second: f64,
}

/// Sensitivity of the layers of one network (SENet, section on budget allocation).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// Conditions.
    pub head: Head,
    /// The network.
    pub network: String,
    /// How the sensitivities were found.
    pub method: String,
    /// One row for each activation layer, in forward order.
    pub rows: Vec<SensitivityRow>,
}

/// Sensitivity of one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SensitivityRow {
    /// The layer.
    pub layer: String,
    /// Its units.
    pub units: usize,
    /// `eta_theta`: share of its weights that the sparse proxy keeps.
    pub dense: f64,
    /// `eta_alpha = 1 - eta_theta`.
    pub sensitivity: f64,
    /// The authors' value, on a scale of its own, where their table has the network.
    pub table: Option<f64>,
}
