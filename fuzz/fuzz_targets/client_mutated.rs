//! A session in which one message of the server is changed on its way to the client.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| tacita_fuzz::attack_client(bytes));
