//! Arbitrary frames into a server.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacita_fuzz::{feed_server, frames, honest_frames};

fuzz_target!(|bytes: &[u8]| feed_server(frames(bytes, &honest_frames()[0])));
