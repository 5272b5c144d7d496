//! What is reported, and how it is printed.

use serde::Serialize;
use tacita_bench::machine::Machine;
use tacita_bench::table::markdown;
use tacita_cli::line;
use tacita_protocol::Result;

use super::floor::Floor;
use super::peaks::Peak;

/// A rate to reach.
#[derive(Serialize)]
pub struct Target {
    rate: f64,
}

/// One kernel on one core.
#[derive(Serialize)]
pub struct Row {
    kernel: String,
    backend: Option<String>,
    unit: &'static str,
    seconds: f64,
    rate: f64,
    floor_seconds: f64,
    ratio: f64,
    floor: String,
    bytes: Option<f64>,
    target: Option<Target>,
}

impl Row {
    /// A kernel that took `seconds` a `unit`.
    pub fn new(kernel: &str, unit: &'static str, seconds: f64, floor: Floor) -> Self {
        Self {
            kernel: kernel.to_owned(),
            backend: None,
            unit,
            seconds,
            rate: 1.0 / seconds,
            floor_seconds: floor.seconds,
            ratio: seconds / floor.seconds,
            floor: floor.text,
            bytes: None,
            target: None,
        }
    }

    /// The kernel's variant.
    pub fn backend(self, name: &str) -> Self {
        Self { backend: Some(name.to_owned()), ..self }
    }

    /// Bytes a unit on the wire.
    pub fn bytes(self, bytes: f64) -> Self {
        Self { bytes: Some(bytes), ..self }
    }

    /// The units a second that it should reach.
    pub fn target(self, rate: f64) -> Self {
        Self { target: Some(Target { rate }), ..self }
    }

    fn cells(&self) -> Vec<String> {
        let ratio = format!("{:.1}", self.ratio);
        vec![
            self.kernel.clone(),
            self.backend.clone().unwrap_or_default(),
            time(self.seconds, self.unit),
            rate(self.rate),
            self.target.as_ref().map(|t| rate(t.rate)).unwrap_or_default(),
            time(self.floor_seconds, self.unit),
            ratio,
            self.bytes.map(bytes).unwrap_or_default(),
        ]
    }
}

fn time(seconds: f64, unit: &str) -> String {
    let (value, name) = match seconds {
        s if s < 1e-6 => (s * 1e9, "ns"),
        s if s < 1e-3 => (s * 1e6, "us"),
        s if s < 0.1 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    format!("{value:.3} {name}/{unit}")
}

/// Few bytes with their fraction.
fn bytes(n: f64) -> String {
    if n < 100.0 { format!("{n} B") } else { tacita_bench::table::bytes(n) }
}

fn rate(rate: f64) -> String {
    match rate {
        r if r < 1e3 => format!("{r:.2}/s"),
        r if r < 1e6 => format!("{:.2} k/s", r / 1e3),
        r if r < 1e9 => format!("{:.2} M/s", r / 1e6),
        r => format!("{:.2} G/s", r / 1e9),
    }
}

/// Everything that was measured.
#[derive(Serialize)]
pub struct Report {
    /// The command line.
    pub command: String,
    /// Where.
    pub machine: Machine,
    /// The denominators of the floors.
    pub peaks: Vec<Peak>,
    /// The kernels.
    pub kernels: Vec<Row>,
}

impl Report {
    /// Prints tables.
    ///
    /// # Errors
    /// `Local` if stdout is closed.
    pub fn print(&self) -> Result<()> {
        line(&format!("{}, one core.\n", self.machine.cpu))?;
        let peaks: Vec<_> = self.peaks.iter().map(Peak::cells).collect();
        markdown(&["peak", "value"], &peaks)?;
        line("")?;
        let rows: Vec<_> = self.kernels.iter().map(Row::cells).collect();
        let head = ["kernel", "backend", "time", "rate", "target", "floor", "ratio", "bytes"];
        markdown(&head, &rows)?;
        line("\nFloors, each the longest of its parts:\n")?;
        let mut said: Vec<&str> = Vec::new();
        for row in &self.kernels {
            if !said.contains(&row.floor.as_str()) {
                said.push(&row.floor);
                line(&format!("- {}: {}", row.kernel, row.floor))?;
            }
        }
        Ok(())
    }
}
