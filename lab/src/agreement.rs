//! What a build says of its agreement with the float network, held against images that it never
//! saw: does the printed interval contain the truth as often as it should?

use std::path::{Path, PathBuf};

use clap::Args;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::json;
use tacita_bench::table::markdown;
use tacita_cli::{json_line, line};
use tacita_compile::calibration::Part;
use tacita_compile::pixels::Before;
use tacita_compile::{
    Budget, Calibration, Evaluator, Judgement, Network, Options as Scales, Rounding, Simulator,
    compile, compile_within, load, lower, read_model, splitmix,
};
use tacita_image_input::{Sample, normalise};
use tacita_protocol::cost::predict;
use tacita_protocol::plan::{InputSpec, Plan, class_of};
use tacita_protocol::{Error, Result};

/// Options of `agreement`.
#[derive(Args)]
pub struct Options {
    /// The model (ONNX)
    model: PathBuf,
    /// Images that builds are given a part of: a CIFAR folder or batch, an archive (.npz), a folder
    #[arg(long, value_name = "PATH")]
    pool: PathBuf,
    /// Images of which every build is judged besides: the test part of a data set
    #[arg(long, value_name = "PATH")]
    test: Option<PathBuf>,
    /// Builds, each with other images of the pool
    #[arg(long, default_value_t = 20)]
    draws: usize,
    /// Images of each build
    #[arg(short, long, default_value_t = 2000)]
    n: usize,
    /// What the pixels are before the graph, as for `tacita-compile build`
    #[arg(long, value_name = "WHAT")]
    pixels: Option<Before>,
    /// Largest share of labels that may change, in percent
    #[arg(long, default_value_t = 1.0)]
    max_loss: f64,
    /// Seed of the draws and of the simulated shares
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Images with what the float network makes of them.
struct Known {
    images: Vec<Sample>,
    labels: Vec<usize>,
    float: Vec<usize>,
}

/// One build.
#[derive(Serialize)]
struct Draw {
    /// Printed by the build.
    judgement: Judgement,
    /// Agreement on the rest of the pool.
    truth: f64,
    /// The printed interval contains it.
    contained: bool,
    /// Bytes of the ReLUs, over those of a build without dropped bits.
    relu_bytes: f64,
    test: Option<Tested>,
}

/// A build on the test images.
#[derive(Clone, Debug, Serialize)]
struct Tested {
    agreement: f64,
    /// Right labels: of the float network, of the plan.
    accuracy: [f64; 2],
    /// The same of each class.
    classes: Vec<[f64; 2]>,
}

/// Builds with part after part of the pool, and compares what was printed with the rest.
///
/// # Errors
/// If a build fails or the images are unusable.
pub fn run(options: &Options) -> Result<()> {
    let network = network(options)?;
    let numbers = |v: &Option<Vec<f32>>| v.clone().unwrap_or_default();
    let input = InputSpec::new(numbers(&network.mean), numbers(&network.std));
    let known = |path: &Path, part| known(&network, &input, path, part);
    let pool = known(&options.pool, Part::Train)?;
    let test = options.test.as_deref().map(|path| known(path, Part::Test)).transpose()?;
    if options.n >= pool.images.len() {
        return Err(Error::input(format!(
            "-n {}: the pool has {} images, of which some must be left over",
            options.n,
            pool.images.len()
        )));
    }
    let whole = relu_bytes(&untouched(&network, &pool, options.n)?)?;
    let mut draws = Vec::new();
    for number in 0..options.draws as u64 {
        let draw = draw(options, &network, (&pool, test.as_ref()), (number, whole))?;
        tell(number, &draw);
        draws.push(draw);
    }
    report(options, &draws)
}

fn network(options: &Options) -> Result<Network> {
    let from = |e: tacita_compile::Error| Error::input(e.to_string());
    let mut network = read_model(&load(&options.model).map_err(from)?).map_err(from)?;
    if let Some(before) = &options.pixels {
        network.feed(before).map_err(from)?;
    }
    lower::lower(&mut network).map_err(from)?;
    if network.mean.is_none() {
        return Err(Error::input("nothing says what the pixels are: give --pixels"));
    }
    Ok(network)
}

fn known(network: &Network, input: &InputSpec, path: &Path, part: Part) -> Result<Known> {
    let read = Calibration::read(path, part, network.input, usize::MAX, false);
    let Calibration { images, labels, .. } = read.map_err(|e| Error::input(e.to_string()))?;
    let evaluator = Evaluator::new(network);
    let class = |pixels: &Sample| {
        let real = normalise(pixels, network.input, input)?;
        Ok(class_of(&evaluator.evaluate(&real.iter().map(|x| *x as f32).collect::<Vec<_>>())))
    };
    let float = images.par_iter().map(class).collect::<Result<_>>()?;
    Ok(Known { images, labels, float })
}

/// Those of `which`, for a build.
fn part(known: &Known, which: &[usize]) -> Calibration {
    let images = which.iter().filter_map(|i| known.images.get(*i).cloned()).collect();
    let labels = which.iter().filter_map(|i| known.labels.get(*i).copied()).collect();
    let source = format!("{} images of the pool", which.len());
    Calibration { images, labels, source, ..Calibration::default() }
}

fn untouched(network: &Network, pool: &Known, n: usize) -> Result<Plan> {
    let images = part(pool, &(0..n).collect::<Vec<_>>());
    let built = compile(network, &images, &Scales::default());
    built.map(|(plan, _)| plan).map_err(|e| Error::input(e.to_string()))
}

/// What the comparisons of an inference move, offline and online.
fn relu_bytes(plan: &Plan) -> Result<u64> {
    let prediction = predict(&plan.public, plan.public.batch)?;
    let batch = prediction.batch.max(1) as u64;
    let of = |c: &tacita_protocol::cost::TensorCost| {
        let offline = c.offline_up + c.offline_down;
        let lattice = c.lattice_up + c.lattice_down;
        offline.saturating_sub(lattice) / batch + c.online_up + c.online_down
    };
    Ok(prediction.tensors.iter().map(of).sum())
}

fn draw(
    options: &Options,
    network: &Network,
    (pool, test): (&Known, Option<&Known>),
    (number, whole): (u64, u64),
) -> Result<Draw> {
    let mut order: Vec<usize> = (0..pool.images.len()).collect();
    let seed = options.seed.wrapping_mul(1 << 32).wrapping_add(number);
    shuffle(&mut order, seed);
    let (given, rest) = order.split_at(options.n);
    let budget =
        Budget { max_loss: options.max_loss, max_class_loss: 3.0 * options.max_loss, seed };
    let images = part(pool, given);
    let built = compile_within(network, &images, &Scales::default(), &budget, &mut |_| ());
    let (plan, report) = built.map_err(|e| Error::input(e.to_string()))?;
    let judgement = report.judgement.ok_or_else(|| Error::local("a build judged nothing"))?;
    let simulator = Simulator::new(&plan);
    // Other shares than those that judged.
    let rounding = Rounding::Shares(seed ^ 0x5eed);
    let classes = |images: &[Sample], which: &[usize]| {
        let all = simulator.simulate_some(images, which, rounding, &|| ());
        all.map(|all| all.classes).map_err(|e| Error::input(e.to_string()))
    };
    let found = classes(&pool.images, rest)?;
    let truth = share(rest.iter().zip(&found), |(i, class)| pool.float.get(*i) == Some(class));
    let tested = |test: &Known| {
        let all: Vec<usize> = (0..test.images.len()).collect();
        classes(&test.images, &all).map(|found| tested(test, &found))
    };
    Ok(Draw {
        contained: (judgement.agreement.low..=judgement.agreement.high).contains(&truth),
        judgement,
        truth,
        relu_bytes: relu_bytes(&plan)? as f64 / whole.max(1) as f64,
        test: test.map(tested).transpose()?,
    })
}

fn tested(test: &Known, found: &[usize]) -> Tested {
    let agreement = share(test.float.iter().zip(found), |(a, b)| a == b);
    let right = |of: &[usize], class: Option<usize>| {
        let own = of.iter().zip(&test.labels).filter(|(_, l)| class.is_none_or(|c| **l == c));
        share(own, |(a, b)| a == b)
    };
    let both = |class| [right(&test.float, class), right(found, class)];
    let classes = test.labels.iter().max().map_or(0, |most| most + 1);
    Tested {
        agreement,
        accuracy: both(None),
        classes: (0..classes).map(|c| both(Some(c))).collect(),
    }
}

/// Share of items that fulfil something.
fn share<T>(items: impl Iterator<Item = T>, fulfils: impl Fn(T) -> bool) -> f64 {
    let (mut hits, mut of) = (0usize, 0usize);
    for item in items {
        of += 1;
        hits += usize::from(fulfils(item));
    }
    hits as f64 / of.max(1) as f64
}

/// Fisher and Yates.
fn shuffle(order: &mut [usize], seed: u64) {
    let mut state = seed;
    for i in (1..order.len()).rev() {
        order.swap(i, (splitmix(&mut state) % (i as u64 + 1)) as usize);
    }
}

fn tell(number: u64, draw: &Draw) {
    let a = &draw.judgement.agreement;
    tacita_cli::tell(&format!(
        "draw {number}: {:.2} to {:.2} % printed, {:.2} % on the rest; ReLU bytes {:.2} of those \
         without dropped bits",
        100.0 * a.low,
        100.0 * a.high,
        100.0 * draw.truth,
        draw.relu_bytes
    ));
}

fn report(options: &Options, draws: &[Draw]) -> Result<()> {
    let contained = draws.iter().filter(|d| d.contained).count();
    let widths = draws.iter().map(|d| d.judgement.agreement.high - d.judgement.agreement.low);
    let width = 100.0 * widths.sum::<f64>() / draws.len().max(1) as f64;
    if options.json {
        return json_line(&json!({
            "figure": "agreement", "draws": draws, "contained": contained, "mean_width": width,
        }));
    }
    let percent = |x: f64| format!("{:.2}", 100.0 * x);
    let mut rows = Vec::new();
    for (i, d) in draws.iter().enumerate() {
        let a = &d.judgement.agreement;
        let test = d.test.as_ref();
        let [agreement, float, plan, class] = [
            test.map(|t| t.agreement),
            test.map(|t| t.accuracy[0]),
            test.map(|t| t.accuracy[1]),
            test.map(worst_class),
        ]
        .map(|x| x.map_or_else(|| "-".into(), percent));
        rows.push(vec![
            i.to_string(),
            format!("{} ({} to {})", percent(a.share), percent(a.low), percent(a.high)),
            percent(d.truth),
            if d.contained { "yes" } else { "no" }.into(),
            agreement,
            float,
            plan,
            class,
            format!("{:.2}", d.relu_bytes),
        ]);
    }
    let head = [
        "draw",
        "printed (%)",
        "rest of the pool",
        "contained",
        "test: agreement",
        "float right",
        "plan right",
        "worst class lost",
        "ReLU bytes",
    ];
    markdown(&head, &rows)?;
    line(&format!(
        "\n{contained} of {} intervals contain the agreement on the rest of the pool; they are \
         {width:.2} points wide in the mean. ReLU bytes over those of a build without dropped bits.",
        draws.len()
    ))
}

/// By how much the class that loses most does.
fn worst_class(test: &Tested) -> f64 {
    test.classes.iter().map(|[float, plan]| float - plan).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_moves_everything_somewhere() {
        let mut order: Vec<usize> = (0..100).collect();
        shuffle(&mut order, 7);
        let moved = order.iter().enumerate().filter(|(i, x)| i != *x).count();
        assert!(moved > 80, "{moved}");
        order.sort_unstable();
        assert!(order.into_iter().eq(0..100));
    }

    #[test]
    fn the_worst_class_is_the_one_that_loses_most() {
        let test = Known { images: vec![], labels: vec![0, 0, 1, 1], float: vec![0, 0, 1, 0] };
        let tested = tested(&test, &[0, 1, 1, 1]);
        assert_eq!((tested.agreement, tested.accuracy), (0.5, [0.75, 0.75]));
        assert_eq!(tested.classes, [[1.0, 0.5], [0.5, 1.0]]);
        assert!((worst_class(&tested) - 0.5).abs() < 1e-12);
    }
}
