//! Measures how fast networks train here.

use super::{Answer, json};
use crate::bench::{Setting, Speed, measure};
use crate::cli::BenchArgs;
use crate::data::{DataNote, ImageShape};
use crate::results::{self, Head, Study, Throughput, ThroughputRow};
use crate::{Result, machine};
use std::time::{Duration, Instant};
use tacita_architectures::{Network, Options, Shape};
use tch::Device;

/// One network of each family and size that papers use.
const NETWORKS: [&str; 10] = [
    "resnet18",
    "resnet34",
    "resnet20",
    "resnet32",
    "resnet56",
    "wrn22-8",
    "vgg16",
    "mobilenetv1",
    "minionn",
    "hrn-5x5x3x",
];
/// Width of the thin ResNet18 that goes with them.
const THIN: f64 = 0.25;
/// A training step is taken to cost as much as three forward passes: one forward, one back to
/// the activations, one to the weights.
const PASSES: f64 = 3.0;

/// Measures networks one after the other.
pub(super) fn bench(args: &BenchArgs) -> Result<Answer> {
    let device = args.compute.prepare()?;
    let networks = networks(args)?;
    let mixed = args.compute.mixed_precision && device.is_cuda();
    let time = Duration::from_secs(args.seconds);
    let setting = Setting { batch: i64::from(args.batch), time, device, mixed };
    let start = Instant::now();
    let rows: Vec<ThroughputRow> =
        networks.iter().map(|network| row(network, setting)).collect::<Result<_>>()?;
    let head = head(args, setting, start.elapsed().as_secs_f64());
    let study = Study::Throughput(Throughput { head, rows: rows.clone() });
    results::write(&args.out, &study)?;
    let text = format!("{}\nwrote {}", table(&rows), args.out.display());
    Ok((text, json(&study)))
}

/// The networks asked for; all are made before any is measured, so that a wrong name in the
/// last place costs nothing.
fn networks(args: &BenchArgs) -> Result<Vec<Network>> {
    let (height, width) = args.input_size;
    let input = Shape { channels: 3, height: height as i64, width: width as i64 };
    let of = |(name, width_multiplier): (&str, f64)| {
        let options = Options { width_multiplier, ..Options::named(name) };
        let mut network = options.network(input, i64::from(args.classes))?;
        if width_multiplier != 1.0 {
            network.name = format!("{name} x {width_multiplier}");
        }
        Ok(network)
    };
    let width = args.width_multiplier;
    match &args.nets {
        Some(names) => names.iter().map(|name| of((name, width))).collect(),
        None => {
            let thin = (width == 1.0).then_some(("resnet18", THIN));
            NETWORKS.iter().map(|&name| (name, width)).chain(thin).map(of).collect()
        }
    }
}

fn row(network: &Network, setting: Setting) -> Result<ThroughputRow> {
    let Speed { train, eval } = measure(network, setting)?;
    tracing::info!(network = network.name, train, eval, "images a second");
    let (counts, shape) = (network.graph().counts(), network.input);
    Ok(ThroughputRow {
        network: network.name.clone(),
        input: format!("{}x{}x{}", shape.channels, shape.height, shape.width),
        relus: counts.relus,
        macs: counts.macs,
        parameters: counts.parameters,
        batch: setting.batch as usize,
        threads: machine::threads(),
        train_images_per_second: train,
        eval_images_per_second: eval,
    })
}

fn head(args: &BenchArgs, setting: Setting, seconds: f64) -> Head {
    let (height, width) = args.input_size;
    let shape = ImageShape { channels: 3, height, width };
    let (name, classes) = ("random images".to_owned(), usize::from(args.classes));
    let device = match setting.device {
        Device::Cuda(index) => format!("cuda:{index}"),
        _ => "cpu".to_owned(),
    };
    let precision = if setting.mixed { "half, weights single" } else { "single" };
    let condition = |name: &str, value: String| (name.to_owned(), value);
    let data = DataNote { name, classes, shape, ..DataNote::default() };
    let conditions = vec![
        condition("device", device),
        condition("precision", precision.to_owned()),
        condition("batch", args.batch.to_string()),
        condition("seconds a network, training and again evaluation", args.seconds.to_string()),
        condition("speed", "of the median step, after one to warm up".to_owned()),
        condition("not measured", "reading and augmenting images".to_owned()),
    ];
    machine::head("Speed of training", conditions, data, seconds)
}

/// One line for each network. The last columns count multiplications alone, in thousands of
/// millions a second; training as [`PASSES`] forward passes.
fn table(rows: &[ThroughputRow]) -> String {
    let heading = format!(
        "{:<18}{:>9}{:>8}{:>8}{:>7}{:>9}{:>11}{:>11}{:>14}{:>13}",
        "network",
        "ReLUs",
        "M MACs",
        "M par.",
        "batch",
        "threads",
        "train im/s",
        "eval im/s",
        "train GMAC/s",
        "eval GMAC/s"
    );
    let line = |r: &ThroughputRow| {
        let (train, eval) = (r.train_images_per_second, r.eval_images_per_second);
        let giga = r.macs as f64 / 1e9;
        format!(
            "{:<18}{:>9}{:>8.1}{:>8.2}{:>7}{:>9}{train:>11.1}{eval:>11.1}{:>14.1}{:>13.1}",
            r.network,
            r.relus,
            r.macs as f64 / 1e6,
            r.parameters as f64 / 1e6,
            r.batch,
            r.threads,
            PASSES * giga * train,
            giga * eval
        )
    };
    let note = format!("GMAC/s of training: {PASSES} forward passes for a step");
    let rows = rows.iter().map(line);
    std::iter::once(heading).chain(rows).chain([note]).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::cli::{Cli, Verb};
    use clap::Parser;

    fn args(words: &str) -> BenchArgs {
        let words = ["tacita-train", "bench"].into_iter().chain(words.split_whitespace());
        let Verb::Bench(args) = Cli::try_parse_from(words).expect("parsed").verb else {
            panic!("another verb")
        };
        args
    }

    #[test]
    fn all_networks_and_a_thin_one_are_the_default() {
        let all = networks(&args("")).expect("networks");
        assert_eq!(all.len(), NETWORKS.len() + 1);
        let thin = all.last().expect("a thin one");
        assert_eq!((thin.name.as_str(), thin.graph().counts().relus), ("resnet18 x 0.25", 139_264));
        assert_eq!(all[0].graph().counts().relus, 557_056);
        let halves = networks(&args("--width-multiplier 0.5")).expect("networks");
        assert_eq!((halves.len(), halves[0].name.as_str()), (NETWORKS.len(), "resnet18 x 0.5"));
        let unknown = networks(&args("--nets resnet18,resnet19"));
        assert!(matches!(unknown, Err(Error::Network(e)) if e.to_string().contains("resnet19")));
    }

    #[test]
    fn results_are_written_and_read_again() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let out = dir.path().join("results/speed.json");
        let words = "--nets resnet20,minionn --width-multiplier 0.125 --batch 2 --seconds 0 \
                     --input-size 16 --classes 7 --device cpu --out";
        let (text, value) = bench(&args(&format!("{words} {}", out.display()))).expect("measured");
        let Study::Throughput(study) = results::read(&out).expect("read") else {
            panic!("another study")
        };
        assert_eq!(value, json(Study::Throughput(study.clone())));
        let names: Vec<&str> = study.rows.iter().map(|r| r.network.as_str()).collect();
        assert_eq!(names, ["resnet20 x 0.125", "minionn x 0.125"]);
        assert!(names.iter().all(|name| text.contains(name)), "{text}");
        let row = &study.rows[0];
        assert_eq!((row.batch, row.input.as_str(), study.head.data.classes), (2, "3x16x16", 7));
        assert!(study.rows.iter().all(|r| r.train_images_per_second > 0.0));
    }
}
