//! Plan files, as the server reads them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use tacet_protocol::plan::{PLAN_VERSION, Plan};

const MAGIC: &[u8; 8] = b"TACETPLN";
/// Magic, version, length of the public half.
const BEFORE_HASH: usize = 8 + 4 + 8;

fuzz_target!(|bytes: &[u8]| {
    let _ = Plan::from_bytes(bytes);
    // The same with the parts put right that chance never gets right.
    let mut file = bytes.to_vec();
    let Some((head, body)) = file.split_at_mut_checked(BEFORE_HASH + 32) else { return };
    head[..8].copy_from_slice(MAGIC);
    head[8..12].copy_from_slice(&PLAN_VERSION.to_le_bytes());
    head[BEFORE_HASH..].copy_from_slice(&Sha256::digest(body));
    if let Ok(plan) = Plan::from_bytes(&file) {
        assert!(plan.to_bytes().is_ok());
    }
});
