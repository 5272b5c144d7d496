//! Tests of the compiler against a naive ONNX interpreter and the clear fixed-point evaluator.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests, outside the test functions"
)]

mod cli;
mod damage;
mod import;
mod masked_relu;
mod public_models;
mod quantize;
mod ranges;
mod reference;
mod report;
mod unsupported;

use proptest::test_runner::Config;

/// Proptest settings that write no files.
fn cases(n: u32) -> Config {
    Config { failure_persistence: None, ..Config::with_cases(n) }
}
