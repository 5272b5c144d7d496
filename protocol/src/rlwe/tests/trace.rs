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
    assert_eq!(key, "d75db10dace3ba2eb6010c3fe70b3aeda691cc5b9d19ede555053fbecf7e41aa");
    assert_eq!(
        hash(&run.upload),
        "0f21c727110ea4a2d022fc258fc63a5b0cb4ca7b30cce53c35a569ab6d2528e6"
    );
    assert_eq!(
        hash(&run.response),
        "de1359e4de03e2bc37e3954ec5892e919012686abb02a34baa862afa428cce0c"
    );
}
