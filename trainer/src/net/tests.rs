//! Invariants of the masked activation and of the networks around it.

use super::*;
use tacita_architectures::{Options, Shape};

fn network(name: &str, scale: f64, side: i64) -> Network {
    let input = Shape { channels: 3, height: side, width: side };
    let options = Options { width_multiplier: scale, ..Options::named(name) };
    options.network(input, 10).expect("a network")
}

/// One small network of each family.
fn families() -> Vec<Network> {
    let names = ["resnet18", "resnet20", "wrn22-8", "vgg16", "mobilenetv1", "minionn"];
    names.iter().map(|name| network(name, 0.125, 32)).collect()
}

fn images(count: i64, side: i64, seed: i64) -> Tensor {
    tch::manual_seed(seed);
    Tensor::randn([count, 3, side, side], (Kind::Float, Device::Cpu))
}

fn constant_masks(net: &Net, keep: bool) -> MaskSet {
    MaskSet::full(net.layers(), &vec![!keep; net.layers().len()])
}

#[test]
fn maps_have_the_shapes_of_the_graph() {
    for network in families() {
        let net = Net::new(&network, Device::Cpu);
        let parameters: usize = net.trained().iter().map(|(_, t)| t.numel()).sum();
        assert_eq!(parameters as u64, net.graph().counts().parameters, "{}", network.name);
        let out = net.forward(&images(2, 32, 0), Mode::Eval).expect("forward");
        assert_eq!(out.logits.size(), [2, 10]);
        for (layer, map) in net.layers().iter().zip(&out.activations) {
            assert_eq!(map.size()[1..], layer.dims(), "{} {}", network.name, layer.name);
        }
    }
}

#[test]
fn masked_relu_is_the_formula() {
    let network = network("minionn", 0.0625, 8);
    let mut net = Net::new(&network, Device::Cpu);
    let relu = &mut net.relus[0];
    let x = images(5, 8, 1).repeat([1, 2, 1, 1]).narrow(1, 0, relu.mask.size()[1]);
    for keep in [0.0, 0.3, 1.0] {
        let mask = relu.mask.rand_like().lt(keep).to_kind(Kind::Float);
        relu.set(&mask).expect("same shape");
        let want = &mask * x.relu() + (mask.ones_like() - &mask) * &x;
        assert_eq!(relu.forward(&x).expect("forward"), want);
    }
}

#[test]
fn masks_of_ones_change_nothing_bit_for_bit() {
    for network in families() {
        let teacher = Net::new(&network, Device::Cpu);
        let mut student = Net::new(&network, Device::Cpu);
        student.copy_from(&teacher).expect("same shape");
        student.set_masks(&constant_masks(&student, true)).expect("same shapes");
        let x = images(3, 32, 2);
        for mode in [Mode::Eval, Mode::Train] {
            let a = teacher.forward(&x, mode).expect("forward");
            let b = student.forward(&x, mode).expect("forward");
            assert_eq!(a.logits, b.logits, "{}", network.name);
            assert!(a.activations.iter().zip(&b.activations).all(|(p, q)| p == q));
        }
    }
}

#[test]
fn without_relus_the_network_is_affine() {
    for network in families() {
        let mut net = Net::new(&network, Device::Cpu);
        net.set_masks(&constant_masks(&net, false)).expect("same shapes");
        let f = |x: &Tensor| net.forward(x, Mode::Eval).expect("forward").logits;
        let (x, y) = (images(2, 32, 3), images(2, 32, 4));
        let left = f(&x) + f(&y);
        let right = f(&(&x + &y)) + f(&x.zeros_like());
        let scale = left.abs().max().double_value(&[]);
        let gap = (left - right).abs().max().double_value(&[]);
        assert!(gap <= 1e-4 * scale.max(1.0), "{}: gap {gap} at scale {scale}", network.name);
    }
}

#[test]
fn masks_survive_a_checkpoint() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("net.safetensors");
    let network = network("resnet20", 0.25, 16);
    let mut net = Net::new(&network, Device::Cpu);
    let culled: Vec<bool> = (0..net.layers().len()).map(|i| i == 0).collect();
    net.set_masks(&MaskSet::full(net.layers(), &culled)).expect("same shapes");
    net.store.save(&path, []).expect("saved");
    let mut other = Net::new(&network, Device::Cpu);
    other.load(&path).expect("loaded");
    let x = images(1, 16, 5);
    let logits = |n: &Net| n.forward(&x, Mode::Eval).expect("forward").logits;
    assert_eq!(logits(&net), logits(&other));
    assert_eq!(net.hash().expect("hash"), other.hash().expect("hash"));
    assert_eq!(other.masks().expect("masks").counts()[0], 0);
}

#[test]
fn files_that_do_not_fit_are_refused() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("net.safetensors");
    let mut net = Net::new(&network("resnet20", 0.25, 16), Device::Cpu);
    assert!(matches!(net.load(&path), Err(Error::Io { .. })));
    std::fs::write(&path, b"not a checkpoint").expect("written");
    assert!(matches!(net.load(&path), Err(Error::BadCheckpoint { .. })));
    let wider = Net::new(&network("resnet20", 0.5, 16), Device::Cpu);
    wider.store.save(&path, []).expect("saved");
    assert!(matches!(net.load(&path), Err(Error::BadCheckpoint { .. })));
    assert!(net.copy_from(&wider).is_err());
}

#[test]
fn a_slice_equals_a_network_of_its_own_bit_for_bit() {
    for name in ["resnet18", "wrn22-8", "vgg16", "mobilenetv1", "minionn"] {
        let network = network(name, 0.25, 32);
        let mut net = Net::with_widths(&network, &[0.3, 0.5, 1.0], Device::Cpu);
        let mut rng = crate::rng::Rng::new(1, "masks");
        let half: Vec<usize> = net.layers().iter().map(|l| l.units() / 2).collect();
        let masks = MaskSet::random_exact(net.layers(), &half, &mut rng);
        net.set_masks(&masks).expect("same shapes");
        let x = images(2, 32, 6);
        // Running statistics of their own for every width.
        for width in 0..3 {
            net.forward_at(width, &x, Mode::Train).expect("forward");
        }
        for width in 0..3 {
            let alone = net.slice(width).expect("a slice");
            let a = net.forward_at(width, &x, Mode::Eval).expect("forward");
            let b = alone.forward(&x, Mode::Eval).expect("forward");
            assert_eq!(a.logits, b.logits, "{name} at {width}");
            assert!(a.activations.iter().zip(&b.activations).all(|(p, q)| p == q));
        }
    }
}
