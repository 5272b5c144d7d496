//! Invariants of the masked activation and of the network around it.

use super::*;
use tch::Kind;

fn images(count: i64, seed: i64) -> Tensor {
    tch::manual_seed(seed);
    Tensor::randn([count, 3, 32, 32], (Kind::Float, Device::Cpu))
}

fn constant_masks(net: &Net, value: f64) -> Vec<Tensor> {
    let full = |l: &Layer| Tensor::full(l.dims(), value, (Kind::Float, Device::Cpu));
    net.layers.iter().map(full).collect()
}

#[test]
fn width_16_has_the_size_of_resnet20() {
    let net = Net::new(16);
    let parameters: usize = net.vars.trainable_variables().iter().map(Tensor::numel).sum();
    assert_eq!(parameters, 272_474);
    let out = net.forward(&images(2, 0), false).expect("forward");
    assert_eq!(out.logits.size(), [2, 10]);
    for (layer, map) in net.layers.iter().zip(&out.activations) {
        assert_eq!(map.size()[1..], layer.dims());
    }
}

#[test]
fn masked_relu_is_the_formula() {
    tch::manual_seed(1);
    let layer = Layer { name: "l".into(), channels: 4, side: 8 };
    let vars = nn::VarStore::new(Device::Cpu);
    let mut relu = MaskedRelu::new(vars.root(), &layer);
    let x = Tensor::randn([5, 4, 8, 8], (Kind::Float, Device::Cpu));
    for keep in [0.0, 0.3, 1.0] {
        let mask =
            Tensor::rand([1, 4, 8, 8], (Kind::Float, Device::Cpu)).lt(keep).to_kind(Kind::Float);
        relu.set(&mask).expect("same shape");
        let want = &mask * x.relu() + (mask.ones_like() - &mask) * &x;
        assert_eq!(relu.forward(&x).expect("forward"), want);
    }
}

#[test]
fn masks_of_ones_change_nothing_bit_for_bit() {
    let teacher = Net::new(4);
    let mut student = Net::new(4);
    student.copy_from(&teacher).expect("same shape");
    student.set_masks(&constant_masks(&student, 1.0)).expect("same shapes");
    let x = images(3, 2);
    for train in [false, true] {
        let a = teacher.forward(&x, train).expect("forward");
        let b = student.forward(&x, train).expect("forward");
        assert_eq!(a.logits, b.logits);
        assert!(a.activations.iter().zip(&b.activations).all(|(p, q)| p == q));
    }
}

#[test]
fn without_relus_the_network_is_affine() {
    let mut net = Net::new(4);
    net.set_masks(&constant_masks(&net, 0.0)).expect("same shapes");
    let f = |x: &Tensor| net.forward(x, false).expect("forward").logits;
    let (x, y) = (images(2, 3), images(2, 4));
    let left = f(&x) + f(&y);
    let right = f(&(&x + &y)) + f(&x.zeros_like());
    let scale = left.abs().max().double_value(&[]);
    let gap = (left - right).abs().max().double_value(&[]);
    assert!(gap <= 1e-4 * scale.max(1.0), "gap {gap} at scale {scale}");
}

#[test]
fn masks_survive_a_checkpoint() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("net.safetensors");
    let mut net = Net::new(4);
    let mut masks = constant_masks(&net, 1.0);
    masks[0] = constant_masks(&net, 0.0).swap_remove(0);
    net.set_masks(&masks).expect("same shapes");
    net.vars.save(&path).expect("saved");
    let mut other = Net::new(4);
    other.vars.load(&path).expect("loaded");
    other.refresh().expect("refreshed");
    let x = images(1, 5);
    let logits = |n: &Net| n.forward(&x, false).expect("forward").logits;
    assert_eq!(logits(&net), logits(&other));
    assert!(other.relus[0].culled);
}
