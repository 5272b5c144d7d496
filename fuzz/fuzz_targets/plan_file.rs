//! Plan files, as the server reads them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use tacita_fuzz::within;
use tacita_protocol::plan::{PLAN_VERSION, Plan};

const MAGIC: &[u8; 8] = b"TACITAPL";
/// Magic, version, length of the public half.
const BEFORE_HASH: usize = 8 + 4 + 8;

/// Joint weights of one group of convolutions (at most 2^26 words of 4 bytes), and what the file
/// holds, decoded.
fn load(file: &[u8]) -> Result<Plan, tacita_protocol::Error> {
    within((272 << 20) + 256 * file.len(), || Plan::from_bytes(file))
}

fuzz_target!(|bytes: &[u8]| {
    let _ = load(bytes);
    // The same with the parts put right that chance never gets right.
    let mut file = bytes.to_vec();
    let Some((head, body)) = file.split_at_mut_checked(BEFORE_HASH + 32) else { return };
    head[..8].copy_from_slice(MAGIC);
    head[8..12].copy_from_slice(&PLAN_VERSION.to_le_bytes());
    head[BEFORE_HASH..].copy_from_slice(&Sha256::digest(body));
    if let Ok(plan) = load(&file) {
        assert!(plan.to_bytes().is_ok());
    }
});
