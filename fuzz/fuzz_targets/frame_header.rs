//! Frames and their headers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacita_protocol::wire::frame::{decode, decode_header, encode, encode_header};

fuzz_target!(|bytes: &[u8]| {
    if let Some(Ok(header)) = bytes.first_chunk().map(|b| decode_header(*b)) {
        assert_eq!(bytes.first_chunk(), Some(&encode_header(header)));
    }
    if let Ok(frame) = decode(bytes.to_vec()) {
        assert_eq!(encode(frame.kind, &frame.payload), bytes);
    }
});
