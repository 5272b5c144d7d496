//! What the widths of an ordered network share, and what they do not.

use super::*;
use crate::masks::{MaskSet, values};
use crate::rng::Rng;
use crate::senet::finetune::{Distill, WEIGHTS};
use crate::senet::teacher::Labels;
use tacita_architectures::{Options, Shape};
use tch::{Device, Kind};

fn net(rates: &[f64], seed: i64) -> Net {
    tch::manual_seed(seed);
    let input = Shape { channels: 3, height: 16, width: 16 };
    let options = Options { base_width: Some(4), ..Options::named("resnet20") };
    Net::with_widths(&options.network(input, 10).expect("a network"), rates, Device::Cpu)
}

/// The same with half of the ReLUs of every layer.
fn masked(rates: &[f64], seed: i64) -> Net {
    let mut net = net(rates, seed);
    let half: Vec<usize> = net.layers().iter().map(|l| l.units() / 2).collect();
    let masks = MaskSet::random_exact(net.layers(), &half, &mut Rng::new(1, "masks"));
    net.set_masks(&masks).expect("same shapes");
    net
}

fn batch() -> Batch {
    tch::manual_seed(9);
    let images = Tensor::randn([8, 3, 16, 16], (Kind::Float, Device::Cpu));
    Batch { images, labels: Tensor::from_slice(&[0_i64, 1, 2, 3, 4, 5, 6, 7]) }
}

fn gradients(net: &Net, loss: &Tensor) -> Vec<Vec<f32>> {
    net.trained().iter_mut().for_each(|(_, v)| v.zero_grad());
    loss.backward();
    net.trained().iter().map(|(_, v)| values(&v.grad()).expect("a gradient")).collect()
}

#[test]
fn at_full_width_alone_it_is_the_ordinary_method() {
    tch::set_num_threads(1);
    let (teacher, batch) = (net(&[1.0], 1), batch());
    let net = masked(&[1.0], 2);
    let mut pairs: [(Box<dyn Method>, Box<dyn Method>); 2] = [
        (Box::new(OrderedLabels { smoothing: 0.1 }), Box::new(Labels { smoothing: 0.1 })),
        (
            Box::new(OrderedDistill { teacher: &teacher, weights: WEIGHTS }),
            Box::new(Distill { teacher: &teacher, weights: WEIGHTS }),
        ),
    ];
    for (ordered, ordinary) in &mut pairs {
        let ours = ordered.loss(&net, &batch).expect("a loss");
        let theirs = ordinary.loss(&net, &batch).expect("a loss");
        assert_eq!(ours, theirs);
        assert_eq!(gradients(&net, &ours), gradients(&net, &theirs));
    }
}

#[test]
fn the_loss_is_the_sum_over_the_widths() {
    tch::set_num_threads(1);
    let rates = [0.25, 0.5, 1.0];
    let (teacher, net, batch) = (net(&rates, 1), masked(&rates, 2), batch());
    let mut method = OrderedDistill { teacher: &teacher, weights: WEIGHTS };
    let total = method.loss(&net, &batch).expect("a loss").double_value(&[]);
    let each = (0..3).map(|i| method.at(i, &net, &batch).expect("a loss").double_value(&[]));
    let sum: f64 = each.sum();
    assert!((total - sum).abs() <= 1e-5 * sum, "{total} {sum}");
    // The narrow slices are networks of their own, guided by the slices of the teacher.
    for index in 0..3 {
        let guide = teacher.slice(index).expect("a slice");
        let mut alone = Distill { teacher: &guide, weights: WEIGHTS };
        let want = alone.loss(&net.slice(index).expect("a slice"), &batch).expect("a loss");
        assert_eq!(method.at(index, &net, &batch).expect("a loss"), want);
    }
}

#[test]
fn every_variable_learns_from_one_step() {
    let rates = [0.5, 1.0];
    let (teacher, net, batch) = (net(&rates, 1), masked(&rates, 2), batch());
    let mut method = OrderedDistill { teacher: &teacher, weights: WEIGHTS };
    method.loss(&net, &batch).expect("a loss").backward();
    for (name, variable) in net.trained() {
        let gradient = variable.grad();
        assert!(gradient.defined(), "{name}");
        assert!(gradient.abs().sum(Kind::Double).double_value(&[]) > 0.0, "{name}");
    }
    let guided = teacher.trained().iter().any(|(_, v)| v.grad().defined());
    assert!(!guided, "the guide does not learn");
}

#[test]
fn a_narrow_pass_leaves_wider_channels_alone() {
    let rates = [0.5, 1.0];
    let (teacher, net, batch) = (net(&rates, 1), masked(&rates, 2), batch());
    let statistics = |width: &str| -> Vec<Vec<f32>> {
        let own = |(name, _): &(&str, &Tensor)| name.contains(&format!(".bn.{width}.running_"));
        net.store.all().filter(own).map(|(_, t)| values(t).expect("values")).collect()
    };
    let before = (statistics("0"), statistics("1"));
    let method = OrderedDistill { teacher: &teacher, weights: WEIGHTS };
    method.at(0, &net, &batch).expect("a loss").backward();
    assert!(before.0.iter().zip(statistics("0")).all(|(a, b)| *a != b));
    assert_eq!(before.1, statistics("1"));
    let narrow = net.slice(0).expect("a slice");
    for (name, variable) in net.trained() {
        let gradient = variable.grad();
        assert_eq!(gradient.defined(), !name.contains(".bn.1."), "{name}");
        let Some(part) = narrow.store.get(&name) else { continue };
        let inside = part
            .size()
            .iter()
            .enumerate()
            .fold(gradient.shallow_clone(), |g, (i, &n)| g.narrow(i as i64, 0, n));
        let sum = |t: &Tensor| t.abs().sum(Kind::Double).double_value(&[]);
        let outside = variable.numel() - part.numel();
        let zeros = gradient.eq(0.0).sum(Kind::Int64).int64_value(&[]) as usize;
        assert!(sum(&inside) > 0.0, "{name}");
        assert!(zeros >= outside, "{name}");
        assert!((sum(&inside) - sum(&gradient)).abs() <= 1e-12 * sum(&inside), "{name}");
    }
}

#[test]
fn rates_are_sorted_unique_and_end_at_one() {
    assert_eq!(rates(&[1.0, 0.5]).expect("rates"), (vec![0.5, 1.0], false));
    assert_eq!(rates(&[0.5, 0.25, 0.5]).expect("rates"), (vec![0.25, 0.5, 1.0], true));
    assert_eq!(rates(&[]).expect("rates"), (vec![1.0], true));
    for bad in [0.0, -0.5, 1.01, f64::NAN, f64::INFINITY, 1e-300] {
        assert!(matches!(rates(&[0.5, bad]), Err(Error::BadSetting { .. })), "{bad}");
    }
}

#[test]
fn labels_tell_rates_apart() {
    let labels = [0.5, 1.0, 0.125, 0.1249, 1.0 / 3.0].map(label);
    assert_eq!(labels[..4], ["0.50", "1.00", "0.125", "0.1249"]);
    assert_eq!(labels[4].parse(), Ok(1.0 / 3.0));
}
