//! `kernels.json`.

use serde::Deserialize;
use tacita_bench::machine::Machine;

/// The kernels of one machine.
#[derive(Clone, Debug, Deserialize)]
pub struct Kernels {
    /// The command that made the file.
    pub command: String,
    /// Where.
    #[serde(default)]
    pub machine: Machine,
    /// What the machine can do at most.
    #[serde(default)]
    pub peaks: Vec<Peak>,
    /// The kernels.
    pub kernels: Vec<Kernel>,
}

/// A limit of the machine.
#[derive(Clone, Debug, Deserialize)]
pub struct Peak {
    /// Its name.
    pub name: String,
    /// Its unit.
    #[serde(default)]
    pub unit: String,
    /// Its value.
    pub value: f64,
}

/// One kernel on one core.
#[derive(Clone, Debug, Deserialize)]
pub struct Kernel {
    /// Its name.
    pub kernel: String,
    /// The instructions that it was run with.
    #[serde(default)]
    pub backend: Option<String>,
    /// What is counted.
    pub unit: String,
    /// Seconds of one.
    pub seconds: f64,
    /// Of them in a second.
    pub rate: f64,
    /// Seconds that the machine's limits leave as the least.
    #[serde(default)]
    pub floor_seconds: Option<f64>,
    /// Seconds over the least.
    #[serde(default)]
    pub ratio: Option<f64>,
    /// What the least is made of.
    #[serde(default)]
    pub floor: Option<String>,
    /// Bytes of one that cross the wire.
    #[serde(default)]
    pub bytes: Option<f64>,
    /// What it is meant to reach.
    #[serde(default)]
    pub target: Option<Target>,
}

/// What a kernel is meant to reach.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Target {
    /// In a second, on one core.
    pub rate: f64,
}
