//! Arbitrary frames into a client.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacita_fuzz::{feed_client, frames, honest_frames};

fuzz_target!(|bytes: &[u8]| feed_client(frames(bytes, &honest_frames()[1])));
