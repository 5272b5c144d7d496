//! Accuracy, judged by a float runtime that is not ours.
//!
//! The bundled model is used where it is there, else a network with random weights. Environment:
//! `TACITA_CIFAR10`, a folder with the official CIFAR-10 binaries (`test_batch.bin`), turns the
//! accuracy test on; `TACITA_N` is its number of images (default 500; the published figure takes
//! all 10000).

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests, outside the test functions"
)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;
use tacita_compile::testing::ResNet;
use tacita_compile::{Calibration, Network, Options, compile, import};
use tacita_image_input::{Pixels, encode, normalise, read_cifar};
use tacita_protocol::plan::{InputSpec, Plan, clear};
use tract_onnx::onnx;
use tract_onnx::prelude::*;

/// Points of accuracy that fixed point may cost on all 10000 test images.
const MAX_LOSS: f64 = 0.3;
/// Images of the default run; the whole set takes minutes.
const DEFAULT_N: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn bundled() -> Option<Vec<u8>> {
    std::fs::read(root().join("models/cifar10-thin.onnx")).ok()
}

/// A model in our float evaluator and in tract.
struct Pair {
    network: Network,
    input: InputSpec,
    tract: Arc<TypedRunnableModel>,
}

impl Pair {
    fn new(model: &[u8]) -> Self {
        let network = import(model).unwrap();
        let channels = network.input.channels;
        let input = InputSpec::new(
            network.mean.clone().unwrap_or_else(|| vec![0.0; channels]),
            network.std.clone().unwrap_or_else(|| vec![1.0; channels]),
        );
        let tract = onnx().model_for_read(&mut &model[..]).unwrap();
        let fact = f32::fact([1, channels, network.input.height, network.input.width]);
        let tract = tract.with_input_fact(0, fact.into()).unwrap();
        Self { network, input, tract: tract.into_optimized().unwrap().into_runnable().unwrap() }
    }

    fn normalised(&self, pixels: &Pixels) -> Vec<f32> {
        let real = normalise(pixels, self.network.input, &self.input).unwrap();
        real.into_iter().map(|x| x as f32).collect()
    }

    fn tract_logits(&self, image: &[f32]) -> Vec<f32> {
        let s = self.network.input;
        let image = Tensor::from_shape(&[1, s.channels, s.height, s.width], image).unwrap();
        let out = self.tract.run(tvec!(image.into())).unwrap();
        out[0].to_plain_array_view::<f32>().unwrap().iter().copied().collect()
    }

    /// Largest difference of the logits, relative to the largest one where that is over 1.
    fn difference(&self, pixels: &Pixels) -> f32 {
        let image = self.normalised(pixels);
        let (ours, theirs) = (self.network.evaluate(&image), self.tract_logits(&image));
        assert_eq!(ours.len(), theirs.len());
        let scale = theirs.iter().fold(1.0, |m: f32, x| m.max(x.abs()));
        ours.iter().zip(&theirs).map(|(x, y)| (x - y).abs() / scale).fold(0.0, f32::max)
    }
}

fn largest<T: PartialOrd + Copy>(values: &[T]) -> usize {
    (0..values.len()).reduce(|a, b| if values[b] > values[a] { b } else { a }).unwrap()
}

/// The drawn samples at the network's size, and images drawn here.
fn pictures(network: &Network) -> Vec<Pixels> {
    let mut images = Calibration::pictures(network.input, 8);
    for entry in std::fs::read_dir(root().join("samples")).into_iter().flatten() {
        if let Ok(pixels) = Pixels::load(&entry.unwrap().path()) {
            images.push(pixels.fit(network.input, true).unwrap());
        }
    }
    images
}

#[test]
fn float_logits_equal_those_of_another_runtime() {
    let drawn = ["random tiny", "random thin ResNet20"].map(str::to_owned).into_iter();
    let drawn = drawn.zip([ResNet::tiny(7, 0.5).bytes(), ResNet::thin20(7, 0.4).bytes()]);
    let bundled = bundled().map(|bytes| ("bundled".to_owned(), bytes));
    if bundled.is_none() {
        println!("models/cifar10-thin.onnx is absent: networks with random weights only");
    }
    for (name, model) in drawn.chain(bundled) {
        let pair = Pair::new(&model);
        let images = pictures(&pair.network);
        let off = images.par_iter().map(|p| pair.difference(p)).reduce(|| 0.0, f32::max);
        println!("{name}: logits off by {off:e} at most on {} pictures", images.len());
        assert!(off < 1e-3);
    }
}

/// The plan as `tacita-compile build` makes it: stored ranges, else training images, else drawn.
fn plan(network: &Network, data: &Path) -> Plan {
    let images = Calibration::stored(network, 16).unwrap().unwrap_or_else(|| {
        let training = data.join("data_batch_1.bin");
        Calibration::from_path(&training, network.input, 128, false)
            .unwrap_or_else(|_| Calibration::synthetic(network.input, 32))
    });
    println!("ranges: {}", images.ranges.as_ref().map_or(images.source.as_str(), |r| r.images()));
    compile(network, &images, &Options::default()).unwrap().0
}

#[test]
fn fixed_point_keeps_the_accuracy() {
    let Some(data) = std::env::var_os("TACITA_CIFAR10").map(PathBuf::from) else {
        println!(
            "skipped: set TACITA_CIFAR10 to a folder with test_batch.bin (the official CIFAR-10 \
             binaries; the cifar10-lite pack is turned into them by its unpack_cifar.py)"
        );
        return;
    };
    let n = std::env::var("TACITA_N").map_or(DEFAULT_N, |n| n.parse().expect("TACITA_N: a number"));
    let mut images = read_cifar(&data.join("test_batch.bin")).unwrap();
    assert!(images.len() >= n, "{} test images, TACITA_N asks for {n}", images.len());
    images.truncate(n);
    let model = bundled().unwrap_or_else(|| {
        println!("models/cifar10-thin.onnx is absent: a network with random weights stands in");
        ResNet::thin20(7, 0.4).bytes()
    });
    let pair = Pair::new(&model);
    let plan = plan(&pair.network, &data);

    let accuracy = |name: &str, class: &(dyn Fn(&Pixels) -> usize + Sync)| {
        let start = Instant::now();
        let right = |(label, pixels): &&(u8, Pixels)| class(pixels) == usize::from(*label);
        let percent = 100.0 * images.par_iter().filter(right).count() as f64 / n as f64;
        println!("{name}: {percent:.2} % of {n}, {:.1} s", start.elapsed().as_secs_f64());
        percent
    };
    let float = accuracy("float (tract)", &|p| largest(&pair.tract_logits(&pair.normalised(p))));
    let fixed = accuracy("fixed point", &|p| {
        largest(clear::evaluate(&plan, &encode(p, &plan.public).unwrap()).last().unwrap())
    });
    // On fewer images a single one weighs more: three of them are granted on top.
    let slack = if n >= 10_000 { 0.0 } else { 300.0 / n as f64 };
    assert!((float - fixed).abs() <= MAX_LOSS + slack, "{float} float, {fixed} fixed");
}
