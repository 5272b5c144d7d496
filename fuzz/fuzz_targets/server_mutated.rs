//! A session in which one message of the client is changed on its way to the server.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| tacita_fuzz::attack_server(bytes));
