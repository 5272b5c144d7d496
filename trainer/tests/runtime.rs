//! The ONNX of every family, judged by a runtime that is not ours: it computes the same logits.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests say how far they got, and stop"
)]

use prost::Message;
use tacita_architectures::{Options, Pool, Shape, Shortcut};
use tacita_train::data::Normalise;
use tacita_train::export::{Notes, model};
use tacita_train::masks::{MaskSet, values};
use tacita_train::net::{Mode, Net};
use tacita_train::rng::Rng;
use tch::{Device, Kind, Tensor};
use tract_onnx::onnx;
use tract_onnx::prelude::{DatumExt, Framework, InferenceModelExt, IntoRunnable, tvec};

const INPUT: Shape = Shape { channels: 3, height: 32, width: 32 };

/// Share of the largest logit that the two may differ by (f32 summed in another order).
const TOLERANCE: f32 = 1e-4;

fn named(name: &str, width_multiplier: f64) -> Options {
    Options { width_multiplier, ..Options::named(name) }
}

/// A network of random weights, statistics and masks.
fn random(options: &Options) -> Net {
    let network = options.network(INPUT, 10).expect("a network");
    let mut net = Net::new(&network, Device::Cpu);
    let drawn = |(name, tensor): (&str, &Tensor)| {
        let noise = Tensor::randn(tensor.size(), (Kind::Float, Device::Cpu));
        // Every normalisation gets numbers of its own; convolutions keep theirs.
        let value = match name.rsplit('.').next() {
            Some("running_var") => noise.abs() + 0.5,
            Some("running_mean" | "bias") => noise * 0.3,
            Some("weight") if tensor.dim() == 1 => noise * 0.2 + 1.0,
            _ => tensor.detach().copy(),
        };
        (name.to_owned(), value)
    };
    let all: Vec<(String, Tensor)> = net.store.all().map(drawn).collect();
    net.assign(all.iter().map(|(name, t)| (name.as_str(), t)), true).expect("the same names");
    // From a layer without ReLUs to one with all of them.
    let last = net.layers().len() - 1;
    let share = |(i, l): (usize, &tacita_architectures::Layer)| l.units() * i / last;
    let shares: Vec<usize> = net.layers().iter().enumerate().map(share).collect();
    let masks = MaskSet::random_exact(net.layers(), &shares, &mut Rng::new(1, "masks"));
    net.set_masks(&masks).expect("the same shapes");
    net
}

/// The network's logits for one image, ours and those of the runtime.
fn logits(net: &Net) -> [Vec<f32>; 2] {
    let Shape { channels, height, width } = INPUT;
    let image = Tensor::randn([1, channels, height, width], (Kind::Float, Device::Cpu));
    let ours = tch::no_grad(|| net.forward(&image, Mode::Eval)).expect("a pass").logits;
    let classes: Vec<String> = (0..10).map(|class| class.to_string()).collect();
    let notes = Notes { classes: &classes, normalise: &Normalise::cifar10(), more: &[] };
    let bytes = model(net, notes).expect("a model").encode_to_vec();
    let dims = [1, channels as usize, height as usize, width as usize];
    let runtime = onnx().model_for_read(&mut bytes.as_slice()).expect("a model it reads");
    let runtime = runtime.with_input_fact(0, f32::fact(dims).into()).expect("an input");
    let runtime = runtime.into_optimized().expect("a network").into_runnable().expect("a plan");
    let image = values(&image).expect("numbers");
    let image = tract_onnx::prelude::Tensor::from_shape(&dims, &image).expect("an image");
    let theirs = runtime.run(tvec!(image.into())).expect("a pass");
    let theirs = theirs[0].to_plain_array_view::<f32>().expect("numbers");
    [values(&ours).expect("numbers"), theirs.iter().copied().collect()]
}

fn agree(what: &str, options: &Options) {
    let net = random(options);
    let [ours, theirs] = logits(&net);
    let largest = |values: &[f32]| values.iter().fold(0.0, |m: f32, v| m.max(v.abs()));
    let off: Vec<f32> = ours.iter().zip(&theirs).map(|(a, b)| a - b).collect();
    let (off, scale) = (largest(&off), largest(&ours));
    println!("{what}: logits up to {scale:.3}, off by {off:e} at most");
    assert_eq!((ours.len(), theirs.len()), (10, 10), "{what}");
    assert!(scale > 1e-3, "{what}: the logits say nothing");
    assert!(off <= TOLERANCE * scale.max(1.0), "{what}: {off} of {scale}");
}

#[test]
fn another_runtime_computes_the_same_logits() {
    tch::manual_seed(1);
    tch::set_num_threads(1);
    let vgg = named("vgg16", 0.125);
    let thin = Options { base_width: Some(4), ..Options::named("resnet20") };
    let families = [
        ("resnet18", named("resnet18", 0.125)),
        ("resnet18 on large images", Options { imagenet_stem: true, ..named("resnet18", 0.125) }),
        ("resnet50", Options { imagenet_stem: true, ..named("resnet50", 0.0625) }),
        ("resnet18 without stem ReLU", Options { no_stem_relu: true, ..named("resnet18", 0.125) }),
        ("resnet20, projection", thin.clone()),
        ("resnet20, pad", Options { shortcut: Shortcut::Pad, ..thin.clone() }),
        ("resnet20 without identity", Options { no_identity_skip: true, ..thin }),
        ("wrn22-8", named("wrn22-8", 0.125)),
        ("wrn22-8 without last ReLU", Options { no_last_relu: true, ..named("wrn22-8", 0.125) }),
        ("vgg16, average", vgg.clone()),
        ("vgg16, max", Options { pool: Pool::Max, skip_fourth_pool: true, ..vgg }),
        ("mobilenetv1", named("mobilenetv1", 0.25)),
        ("minionn", named("minionn", 0.25)),
        ("hrn-5x5x3x", Options { base_width: Some(4), ..Options::named("hrn-5x5x3x") }),
    ];
    for (what, options) in families {
        agree(what, &options);
    }
}
