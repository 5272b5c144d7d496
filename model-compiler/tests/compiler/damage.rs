//! Damaged files are refused, never a panic and never a large allocation.

use std::sync::LazyLock;

use proptest::prelude::*;
use tacita_compile::testing::{ModelBuilder, ResNet};
use tacita_compile::{Calibration, Network, Options, compile, import, read, read_model};
use tacita_protocol::plan::Plan;

use crate::cases;
use crate::nets::{integers, node};

static MODEL: LazyLock<Vec<u8>> = LazyLock::new(|| ResNet::tiny(3, 0.5).bytes());
static PLAN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let network = import(&MODEL).unwrap();
    let images = Calibration::synthetic(network.input, 2);
    compile(&network, &images, &Options::default()).unwrap().0.to_bytes().unwrap()
});

/// Evaluates a network, unless the damage has made it a long computation (wide padding can).
fn evaluate_if_small(network: &Network, pixels: usize) {
    if network.layers.iter().map(|l| l.shape.len()).sum::<usize>() < 1 << 13 {
        network.evaluate(&vec![0.5; pixels]);
    }
}

/// The message of a plan that must not load.
fn refusal(bytes: &[u8]) -> String {
    Plan::from_bytes(bytes).err().expect("a damaged plan was accepted").to_string()
}

fn clear_refusal(text: &str) -> bool {
    ["damaged plan", "unusable plan", "not a Tacita plan", "format version"]
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
            evaluate_if_small(&network, 3 * 64);
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

/// Networks with operators of every family, from the exporters' fixtures.
fn fixtures() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/");
    let read = |name: &str| std::fs::read(format!("{folder}{name}")).unwrap();
    [
        "legacy-17-residual-option-a-dynamic.onnx",
        "dynamo-20-shufflenet-v2.onnx",
        "legacy-11-inception.onnx",
        "tf2onnx-13-mask.onnx",
        "tf2onnx-18-avgpool3-same.onnx",
        "legacy-17-channel-shuffle.onnx",
    ]
    .map(read)
    .to_vec()
}

static FIXTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(fixtures);

proptest! {
    #![proptest_config(cases(3000))]
    #[test]
    fn mutated_exports_never_panic(
        which: prop::sample::Index,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = which.get(&FIXTURES).clone();
        for (at, value) in edits {
            let i = at.index(bytes.len());
            bytes[i] = value;
        }
        if let Ok(network) = read(&bytes) {
            evaluate_if_small(&network, 3 * 64);
        }
    }
}

/// Attributes, names and small tensors sit in front of and between the weights; hit them harder
/// than uniform mutation does.
#[test]
fn every_single_byte_of_the_structure_may_be_wrong() {
    let model = ResNet { widths: [1, 1, 1], side: 4, classes: 2, ..ResNet::tiny(3, 0.5) }.bytes();
    for i in 0..model.len() {
        for value in if i % 2 == 0 { [0, 0x7f] } else { [1, 0xff] } {
            let mut bytes = model.clone();
            bytes[i] = value;
            if let Ok(network) = import(&bytes) {
                evaluate_if_small(&network, 3 * 16);
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

/// image -> one node on `value`s that the constants make.
fn hostile(op: &str, constants: &[(&str, &[i64])], inputs: &[&str]) -> String {
    let mut b = ModelBuilder::new(1, [1, 2, 2]);
    for (name, values) in constants {
        integers(&mut b, name, values);
    }
    let x = b.push(node(op, inputs, "big"));
    let y = b.push(node("Add", &["image", &x], "sum"));
    let x = b.op("Flatten", "flatten", &[&y]);
    let x = b.gemm("fc", &x, 4, 2);
    read_model(&b.finish(&x, 2)).err().expect("it must be refused").to_string()
}

#[test]
fn small_files_cannot_ask_for_much_memory() {
    let huge: &[i64] = &[1 << 20, 1 << 20];
    let empty: &[i64] = &[1 << 40, 0];
    for (op, constants, inputs) in [
        ("ConstantOfShape", vec![("to", huge)], vec!["to"]),
        ("ConstantOfShape", vec![("to", empty)], vec!["to"]),
        ("Expand", vec![("v", &[1][..]), ("to", huge)], vec!["v", "to"]),
        ("Range", vec![("a", &[0][..]), ("b", &[i64::MAX]), ("c", &[1])], vec!["a", "b", "c"]),
        ("Pad", vec![("p", &[0, 0, 1 << 40, 0, 0, 0, 0, 0][..])], vec!["image", "p"]),
        ("Pad", vec![("p", &[0, 0, 4096, 4096, 0, 0, 0, 0][..])], vec!["image", "p"]),
        ("Reshape", vec![("to", huge)], vec!["image", "to"]),
    ] {
        let text = hostile(op, &constants, &inputs);
        assert!(text.contains("node `big`"), "{text}");
    }
}

#[test]
fn constants_cannot_grow_without_end() {
    // Each node makes 4 MiB of a few bytes: the sum is bounded.
    let mut b = ModelBuilder::new(1, [1, 2, 2]);
    integers(&mut b, "to", &[1 << 20]);
    let mut x = b.image();
    for i in 0..2000 {
        b.push(node("ConstantOfShape", &["to"], &format!("c{i}")));
        x = b.push(node("Add", &[&x, &format!("c{i}")], &format!("x{i}")));
    }
    let text = read_model(&b.finish(&x, 2)).err().unwrap().to_string();
    assert!(text.contains("does not broadcast"), "{text}");
    let mut b = ModelBuilder::new(1, [1, 2, 2]);
    integers(&mut b, "to", &[1 << 20]);
    let mut x = b.push(node("ConstantOfShape", &["to"], "c"));
    for i in 0..2000 {
        x = b.push(node("Neg", &[&x], &format!("x{i}")));
    }
    let x = b.push(node("Add", &["image", &x], "sum"));
    let text = read_model(&b.finish(&x, 2)).err().unwrap().to_string();
    assert!(text.contains("constants that the model computes are too large"), "{text}");
}

#[test]
fn cycles_and_duplicates_are_refused() {
    let mut b = ModelBuilder::new(1, [1, 2, 2]);
    b.push(node("Add", &["image", "second"], "first"));
    b.push(node("Relu", &["first"], "second"));
    let text = read_model(&b.finish("second", 2)).err().unwrap().to_string();
    assert!(text.contains("computed from its own output"), "{text}");
    let mut b = ModelBuilder::new(1, [1, 2, 2]);
    b.push(node("Relu", &["image"], "twice"));
    b.push(node("Neg", &["image"], "twice"));
    let text = read_model(&b.finish("twice", 2)).err().unwrap().to_string();
    assert!(text.contains("has been made before"), "{text}");
}
