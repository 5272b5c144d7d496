//! ONNX models, as the compiler imports them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| drop(tacet_compile::import(bytes)));
