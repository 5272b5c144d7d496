use super::*;
use crate::loss::cross_entropy;
use crate::net::Mode;
use tacita_architectures::{Options, Shape};
use tch::{Device, Kind};

fn net() -> Net {
    tch::manual_seed(3);
    let input = Shape { channels: 3, height: 8, width: 8 };
    let options = Options { base_width: Some(4), ..Options::named("resnet20") };
    Net::new(&options.network(input, 4).expect("a network"), Device::Cpu)
}

fn images() -> Tensor {
    Tensor::randn([8, 3, 8, 8], (Kind::Float, Device::Cpu))
}

/// A copy of `first` after one step on `images`, with the loss multiplied by `factor` first. (What is
/// drawn anew follows other tests too: they draw from the same generator at the same time.)
fn stepped(first: &Net, images: &Tensor, factor: f64, scale: Option<&mut LossScale>) -> (Net, Sgd) {
    let mut net = net();
    net.copy_from(first).expect("same shape");
    let labels = Tensor::from_slice(&[0_i64, 1, 2, 3, 0, 1, 2, 3]);
    let out = net.forward(images, Mode::Train).expect("forward");
    let loss = cross_entropy(&out.logits, &labels, 0.0).expect("loss") * factor;
    let mut sgd = Sgd::new(&net);
    descend(&loss, &mut sgd, 0.1, scale).expect("a step");
    (net, sgd)
}

fn values(net: &Net) -> Vec<(String, Tensor)> {
    net.trained()
}

/// Largest difference of any trained variable.
fn gap(a: &Net, b: &Net) -> f64 {
    let differences = values(a).into_iter().zip(values(b)).map(|((name, a), (other, b))| {
        assert_eq!(name, other);
        (a - b).abs().max().double_value(&[])
    });
    differences.fold(0.0, f64::max)
}

#[test]
fn a_scaled_step_is_the_plain_step() {
    let mut scale = LossScale::default();
    let (first, images) = (net(), images());
    let plain = stepped(&first, &images, 1.0, None).0;
    let (scaled, _) = stepped(&first, &images, 1.0, Some(&mut scale));
    // The factor is a power of two: nothing is rounded.
    assert_eq!(gap(&plain, &scaled), 0.0);
    assert!(gap(&plain, &first) > 1e-4, "a step was taken");
}

#[test]
fn a_step_that_overflows_leaves_weights_and_momentum_alone() {
    let mut scale = LossScale::default();
    let first = net();
    let (net_after, sgd) = stepped(&first, &images(), 1e36, Some(&mut scale));
    assert_eq!(gap(&net_after, &first), 0.0);
    assert!(sgd.state().all(|(_, m)| m.abs().max().double_value(&[]) == 0.0));
    assert_eq!(scale.factor(), LossScale::default().factor() / 2.0);
}
