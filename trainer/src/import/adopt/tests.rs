//! The committed checkpoints (see `scripts/make_checkpoint_fixtures.py`) as networks.

use super::*;
use crate::import::{Options, read};
use crate::net::Mode;
use std::path::PathBuf;
use tacita_architectures::{Shape, Shortcut, Stem};
use tch::Kind;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The network of the fixtures: widths 2, 3, 4 and on, images of 8 x 8.
fn network(depths: &[usize], stem_relu: bool, identity_skip: bool) -> Network {
    let layout = Family::ResNet {
        stem: Stem::Cifar { stride: 1 },
        stem_relu,
        stem_width: 2,
        widths: (2..).take(depths.len()).collect(),
        depths: depths.to_vec(),
        shortcut: Shortcut::Projection,
        identity_skip,
        bottleneck: false,
    };
    let input = Shape { channels: 3, height: 8, width: 8 };
    Network { name: "fixture".to_owned(), layout, input, classes: 10 }
}

fn with(name: &str, network: &Network, options: &Options, choices: Choices) -> Result<Net> {
    let path = fixture(name);
    into_net(&path, &read(&path, options).expect(name), network, choices)
}

fn taken(name: &str, network: &Network, choices: Choices) -> Result<Net> {
    with(name, network, &Options::default(), choices)
}

fn refused(name: &str, network: &Network, choices: Choices) -> String {
    let error = taken(name, network, choices).expect_err("refused");
    assert_eq!(error.exit_code(), 3);
    let message = error.to_string();
    assert!(message.contains(name), "{message}");
    message
}

fn logits(net: &Net) -> Tensor {
    let numbers = Tensor::arange(2 * 3 * 64, (Kind::Float, Device::Cpu));
    let images = (numbers * 0.37).sin().view([2, 3, 8, 8]);
    tch::no_grad(|| net.forward(&images, Mode::Eval)).expect("a pass").logits
}

const DEPTHS: &[usize] = &[1, 2, 1];

#[test]
fn weights_and_masks_arrive_under_their_names() {
    for (name, depths) in [("snl.pth.tar", [2; 4].as_slice()), ("snl_legacy.pth.tar", DEPTHS)] {
        let found = read(&fixture(name), &Options::default()).expect(name);
        let net = taken(name, &network(depths, false, true), Choices::default()).expect(name);
        let kept: Vec<usize> = found.masks.iter().flatten().map(MaskTensor::kept).collect();
        assert_eq!(net.masks().expect("masks").counts(), kept);
        for (name, tensor) in into_tensors(&found).expect("tensors") {
            assert!(net.store.get(&name).expect(&name).equal(&tensor), "{name}");
        }
    }
}

#[test]
fn a_missing_mask_of_the_stem_is_asked_for() {
    for name in ["snl_legacy.pth.tar", "relupruner.pth", "autorep.pth.tar"] {
        let (with_stem, without) = (network(DEPTHS, true, true), network(DEPTHS, false, true));
        let message = refused(name, &with_stem, Choices::default());
        assert!(message.contains("--no-stem-relu") && message.contains("--stem-mask"), "{message}");
        for (fill, count) in [(true, 128), (false, 0)] {
            let choices = Choices { stem: Some(fill), ..Choices::default() };
            let net = taken(name, &with_stem, choices).expect(name);
            assert_eq!(net.masks().expect("masks").counts()[0], count);
            assert!(refused(name, &without, choices).contains("--stem-mask does not apply"));
        }
        taken(name, &without, Choices::default()).expect(name);
    }
    let stem = Choices { stem: Some(true), ..Choices::default() };
    let message = refused("plain_fc.pth", &network(DEPTHS, true, true), stem);
    assert!(message.contains("no masks"), "{message}");
}

#[test]
fn an_open_question_about_shortcuts_is_asked() {
    let (present, absent) = (network(DEPTHS, true, true), network(DEPTHS, true, false));
    let message = refused("rlnet.pth", &present, Choices::default());
    assert!(message.contains("--identity-skip absent") && message.contains("RLNet"), "{message}");
    let choices = |skip| Choices { identity_skip: Some(skip), ..Choices::default() };
    let with_skip = taken("rlnet.pth", &present, choices(true)).expect("taken");
    let without = taken("rlnet.pth", &absent, choices(false)).expect("taken");
    assert_eq!(with_skip.masks().expect("masks"), without.masks().expect("masks"));
    let far = (logits(&with_skip) - logits(&without)).abs().max().double_value(&[]);
    assert!(far > 1e-3, "the choice decides what the network computes: {far}");
    assert!(refused("rlnet.pth", &absent, choices(true)).contains("contradict"));
}

#[test]
fn masks_of_another_network_are_refused() {
    let skip = Choices { identity_skip: Some(true), ..Choices::default() };
    let message = refused("rlnet.pth", &network(&[2, 2, 1], true, true), skip);
    assert!(message.contains("9 masks") && message.contains("--depths"), "{message}");
    let message = refused("rlnet.pth", &network(DEPTHS, false, true), skip);
    assert!(message.contains("9 masks where the network has 8"), "{message}");
    let message = refused("plain_fc.pth", &network(&[2, 2, 1], true, true), Choices::default());
    assert!(message.contains("is missing") || message.contains("is not a variable"), "{message}");
}

#[test]
fn the_narrow_width_of_an_ordered_network_is_cut_out() {
    let full = network(DEPTHS, true, true);
    let narrow = full.scaled(0.5);
    let options = Options { width: Some(0), ..Options::default() };
    let choices = Choices { cut: true, ..Choices::default() };
    let whole = taken("rlnet_ordered.pth", &full, Choices::default()).expect("the full width");
    let net = with("rlnet_ordered.pth", &narrow, &options, choices).expect("the narrow width");
    for layer in ["conv1.weight", "layer3.0.conv2.weight", "linear.weight"] {
        let [own, all] = [&net, &whole].map(|n| n.store.get(layer).expect(layer));
        let mut first = all.shallow_clone();
        for (axis, &length) in own.size().iter().enumerate() {
            first = first.narrow(axis as i64, 0, length);
        }
        assert!(own.equal(&first), "{layer}");
    }
    let masks = [&net, &whole].map(|n| n.masks().expect("masks").layers);
    for (own, all) in masks[0].iter().zip(&masks[1]) {
        assert_eq!(own[..], all[..own.len()]);
    }
    let strict = with("rlnet_ordered.pth", &narrow, &options, Choices::default());
    assert!(strict.is_err(), "nothing is cut unless asked for");
}
