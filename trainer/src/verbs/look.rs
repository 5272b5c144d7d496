//! Verbs that train nothing.

use super::{Answer, json, table};
use crate::cli::{AllocateArgs, BudgetArgs, DataArgs, DescribeArgs, EvalArgs};
use crate::eval::accuracy;
use crate::results::{SensitivityRow, Study};
use crate::senet::{allocate, sensitivity};
use crate::{Error, Result, checkpoint, data, pipeline, results};
use serde_json::json;
use std::path::Path;
use tacita_architectures::{Graph, Layer, Shape};

/// Shape of the images that the options describe.
pub(super) fn input(args: &DescribeArgs) -> Shape {
    let (height, width) = args.input_size;
    Shape { channels: args.channels as i64, height: height as i64, width: width as i64 }
}

fn graph(args: &DescribeArgs) -> Result<Graph> {
    Ok(args.net.options().network(input(args), args.classes as i64)?.graph())
}

/// Counts a network.
pub(super) fn describe(args: &DescribeArgs) -> Result<Answer> {
    let graph = graph(args)?;
    let counts = graph.counts();
    let row = |l: &Layer| {
        let [c, h, w] = l.dims();
        format!("{:<8}{:>10} ReLUs  {c}x{h}x{w}  behind {}", l.name, l.units(), l.conv)
    };
    let mut lines: Vec<String> = graph.layers.iter().map(row).collect();
    let stages = graph.stage_relus();
    lines.push(format!("{} ReLUs, by stage {stages:?}", counts.relus));
    lines.push(format!("{:.1} million multiplications", counts.macs as f64 / 1e6));
    lines.push(format!("{} parameters", counts.parameters));
    let layers: Vec<_> = graph
        .layers
        .iter()
        .map(|l| json!({"name": l.name, "units": l.units(), "shape": l.dims(), "conv": l.conv}))
        .collect();
    let value = json!({"counts": counts, "stages": stages, "layers": layers});
    Ok((lines.join("\n"), value))
}

/// Describes a data set.
pub(super) fn data(args: &DataArgs) -> Result<Answer> {
    let data = args.load()?;
    Ok((data::describe(&data), json(data.note())))
}

/// Shares a budget out.
pub(super) fn allocate(args: &AllocateArgs) -> Result<Answer> {
    let graph = graph(&args.net)?;
    let shares = shares(&args.net.net.name, &graph.layers, &args.budget)?;
    let rows: Vec<_> = graph
        .layers
        .iter()
        .zip(&shares)
        .map(|(l, s)| json!({"layer": l.name, "relus": s, "units": l.units()}))
        .collect();
    let total: usize = shares.iter().sum();
    Ok((table(&graph.layers, &shares), json!({"relus": total, "layers": rows})))
}

/// The budget of each layer.
pub(super) fn shares(network: &str, layers: &[Layer], args: &BudgetArgs) -> Result<Vec<usize>> {
    let culled = pipeline::cull_flags(layers, &args.cull)?;
    let units: Vec<usize> = layers.iter().map(Layer::units).collect();
    let sensitivity = sensitivities(network, layers, args.sensitivity.as_deref())?;
    let budget = args.relu_budget.of(units.iter().sum());
    allocate::allocate(budget, &units, &sensitivity, &culled)
}

/// The sensitivities in `file`, else the built-in ones of the network.
pub(super) fn sensitivities(
    network: &str,
    layers: &[Layer],
    file: Option<&Path>,
) -> Result<Vec<f64>> {
    match file {
        Some(path) => measured(path, layers),
        None => Ok(sensitivity::table(network, layers.len())),
    }
}

/// Reads the sensitivities that the verb `sensitivity` measured.
fn measured(path: &Path, layers: &[Layer]) -> Result<Vec<f64>> {
    let bad = |problem: &str| {
        let (path, problem) = (path.to_owned(), problem.to_owned());
        Err(Error::BadResult { path, problem })
    };
    let Study::Sensitivity(study) = results::read(path)? else {
        return bad("holds no sensitivities");
    };
    let fits = |(row, layer): (&SensitivityRow, &Layer)| row.layer == layer.name;
    if study.rows.len() != layers.len() || !study.rows.iter().zip(layers).all(fits) {
        return bad("its layers are not those of the network");
    }
    Ok(study.rows.iter().map(|row| row.sensitivity).collect())
}

/// Measures a checkpoint.
pub(super) fn eval(args: &EvalArgs) -> Result<Answer> {
    let device = args.compute.prepare()?;
    let data = args.data.load()?;
    let (net, manifest) = checkpoint::load(&args.stage, device)?;
    let accuracy = accuracy(&net, &data.test, &data.normalise)?;
    let masks = net.masks()?;
    let (relus, hash, images) = (pipeline::kept(&masks), masks.hash(net.layers()), data.test.len());
    let percent = 100.0 * accuracy;
    let name = &manifest.identity.network.name;
    let text =
        format!("{name}: {percent:.2} % of {images} test images, {relus} ReLUs, masks {hash}");
    let value = json!({"accuracy": accuracy, "images": images, "relus": relus, "mask_hash": hash});
    Ok((text, value))
}
