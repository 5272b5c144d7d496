//! Tests of the compiler against a naive ONNX interpreter and the clear fixed-point evaluator.

mod cli;
mod damage;
mod import;
mod masked_relu;
mod public_models;
mod quantize;
mod reference;
mod unsupported;

use proptest::test_runner::Config;

/// Proptest settings that write no files.
fn cases(n: u32) -> Config {
    Config { failure_persistence: None, ..Config::with_cases(n) }
}
