//! Tests of the compiler against a naive ONNX interpreter and the clear fixed-point evaluator.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests, outside the test functions"
)]

mod activations;
mod affine;
mod cli;
mod damage;
mod drawn;
mod enlarge;
mod estimate;
mod explain;
mod exporters;
mod external;
mod fixed;
mod fixtures;
mod geometry;
mod heads;
mod import;
mod layouts;
mod lower;
mod lower_layers;
mod masked_relu;
mod masks;
mod nets;
mod pixels;
mod public_models;
mod quantize;
mod ranges;
mod rearranged;
mod reference;
mod reference_resize;
mod reference_windows;
mod report;
mod search;
mod simulate;
mod top1;
mod unsupported;

use proptest::test_runner::Config;

/// Proptest settings that write no files.
fn cases(n: u32) -> Config {
    Config { failure_persistence: None, ..Config::with_cases(n) }
}
