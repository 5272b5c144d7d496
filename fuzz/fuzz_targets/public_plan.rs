//! The public half of a plan, as a client receives it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacita_protocol::plan::PublicPlan;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(plan) = PublicPlan::from_bytes(bytes) {
        // What was accepted survives a round trip.
        let again = plan.to_bytes().expect("an accepted plan can be encoded");
        assert!(PublicPlan::from_bytes(&again).is_ok());
    }
});
