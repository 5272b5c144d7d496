//! Certificate and key files, as both programs read them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacita_protocol::wire::{ClientTls, Identity, Pem, ServerTls};

fuzz_target!(|bytes: &[u8]| {
    let pem = || Pem::new("fuzz.pem", bytes);
    // One file for everything: certificates and keys may be in any order.
    let identity = Identity { cert: pem(), key: pem() };
    let _ = ClientTls::new(&pem(), None);
    let _ = ClientTls::new(&pem(), Some(&identity));
    let _ = ServerTls::new(&identity, Some(&pem()));
});
