//! The bytes on the wire under fixed randomness. A change here is a change of the protocol.

use sha2::{Digest, Sha256};

use super::full::Session;
use super::*;

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn wire_trace() {
    let mut session = Session::new(31);
    let shape = conv(5, 9, 9, 6, 3, 2);
    let raw = weights(&shape, 100, &mut SecretRng::from_test_seed(32));
    let key = hash(&session.public.to_bytes());
    let run = session.layer(&shape, 2, &raw);
    let hashes = [key, hash(&run.upload), hash(&run.response)];
    assert_eq!(
        hashes,
        [
            "3d1a1115f11287ad7c65587cba0d2db8497bfbbf2ed22581fb7f17c2ed9259cc",
            "8eeaa5a356371f3e13f72fd96296db0be390423460d32b5d25d0c2176f4ee0ff",
            "5344ca70fa436d1cfb2e42b194fd3b862814b58b1f3504e2e32609c0ec753eb7",
        ]
    );
}
