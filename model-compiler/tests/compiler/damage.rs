//! Damaged files are refused, never a panic and never a large allocation.

use std::sync::LazyLock;

use proptest::prelude::*;
use tacet_compile::testing::ResNet;
use tacet_compile::{Calibration, Options, compile, import};
use tacet_protocol::plan::Plan;

use crate::cases;

static MODEL: LazyLock<Vec<u8>> = LazyLock::new(|| ResNet::tiny(3, 0.5).bytes());
static PLAN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let network = import(&MODEL).unwrap();
    let images = Calibration::synthetic(network.input, 2);
    compile(&network, &images, &Options::default()).unwrap().0.to_bytes().unwrap()
});

/// The message of a plan that must not load.
fn refusal(bytes: &[u8]) -> String {
    Plan::from_bytes(bytes).err().expect("a damaged plan was accepted").to_string()
}

fn clear_refusal(text: &str) -> bool {
    ["damaged plan", "unusable plan", "not a Tacet plan", "format version"]
        .iter()
        .any(|start| text.contains(start))
}

proptest! {
    #![proptest_config(cases(400))]
    #[test]
    fn mutated_models_never_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = MODEL.clone();
        for (at, value) in edits {
            let i = at.index(bytes.len());
            bytes[i] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(network) = import(&bytes) {
            network.evaluate(&[0.5; 3 * 64]);
        }
    }

    #[test]
    fn flipped_plan_bits_are_refused(at: prop::sample::Index, bit in 0u8..8) {
        let mut bytes = PLAN.clone();
        let i = at.index(bytes.len());
        bytes[i] ^= 1 << bit;
        let text = refusal(&bytes);
        prop_assert!(clear_refusal(&text), "{text}");
    }

    #[test]
    fn truncated_plans_are_refused(at: prop::sample::Index) {
        let text = refusal(&PLAN[..at.index(PLAN.len())]);
        prop_assert!(clear_refusal(&text), "{text}");
    }
}

/// Attributes, names and small tensors sit in front of and between the weights; hit them harder
/// than uniform mutation does.
#[test]
fn every_single_byte_of_the_structure_may_be_wrong() {
    let model = ResNet { widths: [1, 1, 1], side: 4, classes: 2, ..ResNet::tiny(3, 0.5) }.bytes();
    for i in 0..model.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = model.clone();
            bytes[i] = value;
            if let Ok(network) = import(&bytes) {
                network.evaluate(&[0.5; 3 * 16]);
            }
        }
    }
}

#[test]
fn every_header_bit_matters() {
    for bit in 0..52 * 8 {
        let mut bytes = PLAN.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(clear_refusal(&refusal(&bytes)));
    }
}

#[test]
fn oversized_counts_are_refused_before_allocation() {
    let public = u64::from_le_bytes(PLAN[12..20].try_into().unwrap()) as usize;
    let first_count = 52 + public;
    for count in [1u64 << 20, 1 << 40, u64::MAX] {
        let mut bytes = PLAN.clone();
        bytes[first_count..first_count + 8].copy_from_slice(&count.to_le_bytes());
        reseal(&mut bytes);
        assert!(clear_refusal(&refusal(&bytes)));
        let mut bytes = PLAN.clone();
        bytes[12..20].copy_from_slice(&count.to_le_bytes());
        assert!(clear_refusal(&refusal(&bytes)));
    }
}

#[test]
fn resealed_garbage_is_refused() {
    // A correct checksum over a damaged public half: the decoder and the checks must hold.
    let public = u64::from_le_bytes(PLAN[12..20].try_into().unwrap()) as usize;
    for i in (52..52 + public).step_by(3) {
        let mut bytes = PLAN.clone();
        bytes[i] ^= 0xff;
        reseal(&mut bytes);
        // Names, masks and means may change without harm; what loads must validate again.
        if let Ok(plan) = Plan::from_bytes(&bytes) {
            assert!(plan.public.validate().is_ok());
        }
    }
}

/// Puts the right checksum over a changed body.
fn reseal(bytes: &mut [u8]) {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(&bytes[52..]);
    bytes[20..52].copy_from_slice(&digest);
}
