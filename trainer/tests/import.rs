//! Checkpoints that PyTorch wrote: the committed ones (see
//! `scripts/make_checkpoint_fixtures.py`) and, where present, public ones.

#![allow(clippy::expect_used, reason = "a test stops at the first surprise")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use tacita_train::import::names::Family;
use tacita_train::import::{
    Checkpoint, IdentitySkip, Layout, MaskTensor, Options, into_tensors, masks_to_tensors, read,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn load(name: &str) -> Checkpoint {
    read(&fixture(name), &Options::default()).expect(name)
}

/// What PyTorch computed of the fixture.
fn expected(name: &str) -> Value {
    let text = std::fs::read_to_string(fixture("expected.json")).expect("expected.json");
    serde_json::from_str::<Value>(&text).expect("JSON")[name].clone()
}

/// A sum that a wrong order of elements changes.
fn weigh(values: impl Iterator<Item = f64>) -> f64 {
    values.enumerate().map(|(i, v)| v.abs() * (1 + i % 7) as f64).sum()
}

/// Compares tensor `ours` with what the file calls `theirs`.
fn same(checkpoint: &Checkpoint, expected: &Value, ours: &str, theirs: &str) {
    let array = checkpoint.weights.get(ours).expect(ours);
    let sum = weigh(array.to_f32().iter().map(|&v| f64::from(v)));
    let wanted = expected["sums"][theirs].as_f64().expect(theirs);
    assert!((sum - wanted).abs() <= 1e-6 * wanted.abs(), "{theirs}: {sum} against {wanted}");
}

fn dims<'a>(checkpoint: &'a Checkpoint, name: &str) -> &'a [usize] {
    &checkpoint.weights.get(name).expect(name).dims
}

fn masks(checkpoint: &Checkpoint) -> &[MaskTensor] {
    checkpoint.masks.as_deref().expect("masks")
}

fn mask_names(checkpoint: &Checkpoint) -> Vec<&str> {
    masks(checkpoint).iter().map(|m| m.name.as_deref().unwrap_or("-")).collect()
}

/// Ones of all masks are those that PyTorch counted.
fn same_counts(checkpoint: &Checkpoint, expected: &Value) {
    let ours: Vec<usize> = masks(checkpoint).iter().map(MaskTensor::kept).collect();
    assert_eq!(Value::from(ours), expected["ones"]);
}

#[test]
fn snl_keeps_its_names_and_masks() {
    for (name, blocks) in
        [("snl.pth.tar", [2, 2, 2, 2].as_slice()), ("snl_legacy.pth.tar", &[1, 2, 1])]
    {
        let (found, expected) = (load(name), expected(name));
        assert_eq!((found.layout, found.family), (Layout::Snl, Family::Resnet));
        assert_eq!(found.arch.as_deref(), Some("resnet18"));
        assert_eq!(found.identity_skip, IdentitySkip::Present);
        let sums = expected["sums"].as_object().expect("sums");
        let kept = |name: &&String| !name.ends_with(".alphas");
        assert!(found.weights.keys().eq(sums.keys().filter(kept)), "all variables, no other");
        for key in found.weights.keys() {
            same(&found, &expected, key, key);
        }
        let order: Vec<String> = (blocks.iter().enumerate())
            .flat_map(|(s, &n)| (0..n).map(move |b| (s + 1, b)))
            .flat_map(|(s, b)| [1, 2].map(|i| format!("layer{s}.{b}.alpha{i}.alphas")))
            .collect();
        assert_eq!(mask_names(&found), order);
        for mask in masks(&found) {
            let name = mask.name.as_deref().expect("a name");
            let sum = weigh(mask.bits.iter().map(|&bit| f64::from(u8::from(bit))));
            assert_eq!(Some(sum), expected["sums"][name].as_f64(), "{name}");
        }
        assert_eq!(masks(&found)[0].dims, [2, 8, 8]);
    }
    assert_eq!(masks(&load("snl_bare.pth")).len(), 2);
}

#[test]
fn soft_masks_need_a_threshold() {
    let path = fixture("snl_soft.pth.tar");
    let error = read(&path, &Options::default()).expect_err("refused");
    assert_eq!(error.exit_code(), 3);
    let message = error.to_string();
    assert!(message.contains("snl_soft.pth.tar") && message.contains("threshold"), "{message}");
    let options = Options { threshold: Some(0.01), ..Options::default() };
    let found = read(&path, &options).expect("read");
    let kept = masks(&found)[0].kept();
    assert!((30..98).contains(&kept), "about half of 128 uniform values: {kept}");
}

#[test]
fn wide_residual_networks_are_read() {
    let found = load("snl_wide.pth");
    assert_eq!((found.layout, found.family), (Layout::Snl, Family::WideResnet));
    assert_eq!(dims(&found, "block2.layer.0.convShortcut.weight"), [4, 3, 1, 1]);
    assert_eq!(dims(&found, "fc.weight"), [10, 5]);
    let order = [1, 2, 3].map(|b| [1, 2].map(|i| format!("block{b}.layer.0.alpha{i}.alphas")));
    assert_eq!(mask_names(&found), order.concat());
}

#[test]
fn rlnet_students_get_our_names_and_leave_the_skip_open() {
    for (name, older) in [("rlnet.pth", false), ("rlnet_last.pth", true)] {
        let (found, expected) = (load(name), expected(name));
        assert_eq!((found.layout, found.family), (Layout::Rlnet, Family::Resnet));
        assert_eq!(found.identity_skip, IdentitySkip::Unknown);
        assert_eq!(found.warnings.len(), 1);
        same(&found, &expected, "layer2.0.shortcut.0.weight", "layer2.0.conv_sc.weight");
        same(&found, &expected, "layer2.0.shortcut.1.running_var", "layer2.0.bn_sc.running_var");
        same_counts(&found, &expected);
        assert_eq!(mask_names(&found)[..2], ["alpha1.alphas", "layer1.0.alpha1.alphas"]);
        if older {
            assert_eq!(found.arch.as_deref(), Some("ResNet18"), "from argparse.Namespace");
            assert_eq!(found.notes["opt.seed"], "7");
        } else {
            assert_eq!(found.notes["best_acc"], "61.25");
            assert_eq!(found.notes["epoch"], "5");
        }
    }
}

#[test]
fn statistics_of_clean_images_are_taken() {
    let (found, expected) = (load("rlnet_dual.pth"), expected("rlnet_dual.pth"));
    same(&found, &expected, "bn1.running_mean", "module.bn1.BN_c.running_mean");
    same(&found, &expected, "layer3.0.shortcut.1.bias", "module.layer3.0.bn_sc.BN_c.bias");
    assert!(found.weights.keys().all(|name| !name.contains("BN_") && !name.contains("module")));
}

#[test]
fn one_width_of_an_ordered_network_is_taken() {
    let (found, expected) = (load("rlnet_ordered.pth"), expected("rlnet_ordered.pth"));
    assert_eq!(found.identity_skip, IdentitySkip::Present);
    same(&found, &expected, "layer3.0.bn1.weight", "layer3.0.bn1.bn.1.weight");
    assert_eq!(dims(&found, "layer3.0.shortcut.1.bias"), [4]);
    let narrow = |width| {
        let options = Options { width: Some(width), ..Options::default() };
        read(&fixture("rlnet_ordered.pth"), &options)
    };
    assert_eq!(dims(&narrow(0).expect("read"), "layer3.0.bn1.weight"), [2]);
    assert!(narrow(2).expect_err("refused").to_string().contains("beyond the last"));
}

#[test]
fn rlnet_vgg_is_read() {
    let found = load("rlnet_vgg.pth");
    assert_eq!((found.layout, found.family), (Layout::Rlnet, Family::Vgg));
    assert_eq!(dims(&found, "block2.6.bias"), [2]);
    assert_eq!(dims(&found, "block2.7.running_var"), [2]);
    assert_eq!(masks(&found).len(), 7);
}

#[test]
fn relupruner_has_no_stem_mask() {
    let (found, expected) = (load("relupruner.pth"), expected("relupruner.pth"));
    assert_eq!((found.layout, found.identity_skip), (Layout::ReluPruner, IdentitySkip::Present));
    assert_eq!(mask_names(&found)[0], "layer1.0.alpha1.alphas");
    same_counts(&found, &expected);
    let kept: usize = masks(&found).iter().map(MaskTensor::kept).sum();
    assert_eq!(found.notes["relu_count"], kept.to_string());
    assert_eq!(found.notes["metrics.accuracy"], "0.625");
    assert_eq!(found.arch.as_deref(), Some("resnet18"));
}

#[test]
fn autorep_repeats_its_masks_under_every_layer() {
    let (found, expected) = (load("autorep.pth.tar"), expected("autorep.pth.tar"));
    assert_eq!(found.layout, Layout::AutoRep);
    assert_eq!(masks(&found).len(), 8);
    assert_eq!(mask_names(&found)[7], "layer3.0.alpha2.alphas");
    for (i, mask) in masks(&found).iter().enumerate() {
        let sum = weigh(mask.bits.iter().map(|&bit| f64::from(u8::from(bit))));
        let name = format!("model.layer1.0.relu.alpha_mask_{i}_0");
        assert_eq!(Some(sum), expected["sums"][&name].as_f64(), "{name}");
    }
    assert!(found.weights.keys().all(|name| !name.contains("relu")), "only layers");
    assert_eq!(found.notes["best_prec1"], "73.5");
    assert_eq!(found.warnings.len(), 1);
}

#[test]
fn plain_networks_are_read() {
    let found = load("plain_fc.pth");
    assert_eq!((found.layout, found.masks.is_none()), (Layout::Plain, true));
    same(&found, &expected("plain_fc.pth"), "linear.weight", "fc.weight");
}

#[test]
fn all_types_and_views_hold_what_pytorch_holds() {
    for name in ["kinds.pth", "kinds_legacy.pth"] {
        let (found, expected) = (load(name), expected(name));
        for key in expected["sums"].as_object().expect("sums").keys() {
            same(&found, &expected, key, key);
        }
        let values = |key: &str| found.weights[key].to_f32();
        assert_eq!(values("f16"), [0.0, -1.5, 65504.0, 2_f32.powi(-24), 2_f32.powi(-14)]);
        assert_eq!(values("i8"), [-128.0, 127.0]);
        assert_eq!(values("bool"), [1.0, 0.0, 1.0]);
        assert_eq!(values("window"), [8.0, 9.0, 10.0, 14.0, 15.0, 16.0]);
        assert_eq!(values("transposed")[..5], [0.0, 6.0, 12.0, 18.0, 1.0]);
        assert_eq!(values("expanded"), [3.0, 4.0, 3.0, 4.0, 3.0, 4.0]);
        assert_eq!(dims(&found, "empty"), [0, 3]);
        assert_eq!(dims(&found, "scalar"), [] as [usize; 0]);
        assert_eq!(found.notes["extra.big"], "1099511627776");
        assert!(!found.notes.contains_key("extra.numpy"), "what NumPy would make is inert");
    }
}

#[test]
fn tensors_for_libtorch_have_shapes_and_values() {
    let found = load("rlnet.pth");
    let tensors = into_tensors(&found).expect("made");
    assert_eq!(tensors.len(), found.weights.len());
    let (_, linear) = tensors.iter().find(|(name, _)| name == "linear.weight").expect("there");
    assert_eq!(linear.size(), [10, 4]);
    assert_eq!(Vec::<f32>::try_from(linear.flatten(0, 1)).expect("values").len(), 40);
    let made = masks_to_tensors(&found).expect("made").expect("masks");
    assert_eq!(made[0].size(), [2, 8, 8]);
    assert_eq!(made[0].sum(tch::Kind::Double).double_value(&[]), masks(&found)[0].kept() as f64);
    assert!(masks_to_tensors(&load("plain_fc.pth")).expect("made").is_none());
}

#[test]
fn files_that_are_no_checkpoints_are_named() {
    let refused = |path: &Path| read(path, &Options::default()).expect_err("refused").to_string();
    assert!(refused(&fixture("expected.json")).contains("expected.json: not a file of torch.save"));
    assert!(refused(&fixture("")).contains("not a file"));
    assert!(refused(&fixture("absent.pth")).contains("absent.pth"));
}

#[allow(clippy::print_stdout, reason = "a test says that it is skipped")]
fn public(file: &str) -> Option<Checkpoint> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("TACITA_DATA").map_or(default, PathBuf::from);
    let path = folder.join("models").join(file);
    if !path.exists() {
        println!("skipped: {} is absent (set TACITA_DATA)", path.display());
        return None;
    }
    Some(read(&path, &Options::default()).expect(file))
}

#[test]
fn public_residual_networks_are_read() {
    let folder = "akamaster+pytorch_resnet_cifar10";
    for (file, blocks, accuracy) in
        [("resnet20-12fca82f.th", 3, 91.7), ("resnet32-d509ac18.th", 5, 0.0)]
    {
        let Some(found) = public(&format!("{folder}/{file}")) else { continue };
        assert_eq!((found.layout, found.family), (Layout::Plain, Family::Resnet));
        // Stem 5, each block two convolutions with normalisations, classifier 2.
        assert_eq!(found.weights.len(), 5 + 3 * blocks * 10 + 2);
        assert_eq!(dims(&found, "layer2.0.conv1.weight"), [32, 16, 3, 3]);
        assert_eq!(dims(&found, "linear.weight"), [10, 64]);
        assert!(found.weights["bn1.running_var"].to_f32().iter().all(|&v| v > 0.0));
        if accuracy > 0.0 {
            let best: f64 = found.notes["best_prec1"].parse().expect("a number");
            assert!(best > accuracy, "{best}");
        }
    }
}

#[test]
fn public_files_of_the_older_form_are_read() {
    let cases = [
        ("cifar-model-checkpoint.pth.tar", "LeNet", "conv1.weight", [6, 3, 5, 5].as_slice()),
        ("tfe_network_a.pth.tar", "BenchmarkA", "fc1.weight", &[128, 784]),
        ("tfe_network_b.pth.tar", "BenchmarkB", "conv1.weight", &[16, 1, 5, 5]),
    ];
    for (file, arch, name, shape) in cases {
        let Some(found) = public(&format!("facebookresearch+CrypTen/{file}")) else { continue };
        assert_eq!(found.arch.as_deref(), Some(arch));
        assert_eq!(dims(&found, name), shape);
    }
}
