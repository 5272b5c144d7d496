//! ONNX models, as the compiler imports them: no more than 2 GiB and 256 bytes for each of the
//! file, whatever sizes it claims.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacita_fuzz::within;

fuzz_target!(|bytes: &[u8]| drop(within((2 << 30) + 256 * bytes.len(), || tacita_compile::import(
    bytes
))));
