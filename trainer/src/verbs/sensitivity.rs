//! The verb that measures how sensitive the layers are, or writes the published table.

use super::{Answer, command, json, network, shape};
use crate::cli::SensitivityArgs;
use crate::data::{DataNote, Dataset, ImageShape};
use crate::pipeline::Run;
use crate::rank::spearman;
use crate::results::{self, Sensitivity, SensitivityRow, Study};
use crate::senet::sensitivity::{published, table};
use crate::senet::sparse::{self, Sparse};
use crate::{Error, Result, machine};
use serde_json::json;
use tacita_architectures::Layer;

const TITLE: &str = "Sensitivity of the layers";

/// Measures, or looks up, the sensitivities and writes them to a file.
pub(super) fn sensitivity(args: &SensitivityArgs) -> Result<Answer> {
    let study = if args.built_in { built_in(args)? } else { measured(args)? };
    results::write(&args.out, &Study::Sensitivity(study.clone()))?;
    tracing::info!(file = %args.out.display(), "sensitivities written");
    Ok(answer(&study))
}

/// The published table, or that of ResNet18 by depth.
fn built_in(args: &SensitivityArgs) -> Result<Sensitivity> {
    let data = args.data.as_ref().map(|data| data.load()).transpose()?;
    let note = data.as_ref().map_or_else(|| image(args), Dataset::note);
    let network = args.net.options().network(shape(note.shape), note.classes as i64)?;
    let (name, layers) = (network.name.as_str(), network.graph().layers);
    let values = table(name, layers.len());
    let method = match own_table(name, layers.len()) {
        Some(_) => "published table",
        None => "published table of ResNet18, interpolated by depth",
    };
    let conditions = vec![("Sensitivities".to_owned(), method.to_owned())];
    let head = machine::head(TITLE, conditions, note, 0.0);
    let dense: Vec<f64> = values.iter().map(|value| 1.0 - value).collect();
    Ok(study(head, name, method, rows(name, &layers, &dense, &values)))
}

fn image(args: &SensitivityArgs) -> DataNote {
    let (height, width) = args.image.input_size;
    let shape = ImageShape { channels: args.image.channels, height, width };
    DataNote { shape, classes: args.image.classes, ..DataNote::default() }
}

/// What the sparse proxy shows.
fn measured(args: &SensitivityArgs) -> Result<Sensitivity> {
    let missing = |setting| {
        let problem = "is needed to train the sparse proxy (or give --built-in for the table)";
        Error::BadSetting { setting, problem }
    };
    let source = args.data.as_ref().ok_or_else(|| missing("--data"))?;
    let work = args.work.clone().ok_or_else(|| missing("--work"))?;
    let (proxy, device) = (&args.proxy, args.compute.prepare()?);
    let data = source.load()?;
    let run = Run {
        data: &data,
        network: network(&args.net.options(), &data)?,
        device,
        seed: proxy.batches.seed,
        batch: proxy.batches.batch,
        augment: proxy.batches.augment(),
        mixed: args.compute.mixed_precision,
        work,
        command: command(),
        fresh: args.fresh,
    };
    train(&run, args)
}

fn train(run: &Run<'_>, args: &SensitivityArgs) -> Result<Sensitivity> {
    let (training, settings) = (args.proxy.training()?, args.proxy.settings()?);
    let mut net = run.random_net(&[1.0])?;
    let mut method = Sparse::new(settings, training.epochs, run.seed);
    let done = run.train("sparse", &mut net, training, json!({"sparse": settings}), &mut method)?;
    let dense = sparse::densities(&net)?;
    let sensitivity: Vec<f64> = dense.iter().map(|&d| sparse::sensitivity(d)).collect();
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let mut conditions = conditions(args)?;
    conditions.extend([
        ("Weights that are not 0".to_owned(), percent(sparse::overall(&net)?)),
        ("Test accuracy of the proxy".to_owned(), percent(done.reached.test)),
        ("Least sensitivity".to_owned(), sparse::LEAST.to_string()),
    ]);
    let seconds = done.rows.iter().map(|row| row.seconds).sum();
    let head = machine::head(TITLE, conditions, run.data.note(), seconds);
    let name = run.network.name.as_str();
    let rows = rows(name, net.layers(), &dense, &sensitivity);
    Ok(study(head, name, "sparse proxy, sparse momentum", rows))
}

fn conditions(args: &SensitivityArgs) -> Result<Vec<(String, String)>> {
    let (proxy, training) = (&args.proxy, args.proxy.training()?);
    let curve = json(training.schedule.curve);
    let all = [
        ("Width multiplier", args.net.width_multiplier.to_string()),
        ("Density", proxy.density.to_string()),
        ("Epochs", training.epochs.to_string()),
        ("Learning rate", format!("{} ({})", proxy.rate, curve.as_str().unwrap_or_default())),
        ("Mini-batch", proxy.batches.batch.to_string()),
        ("Weights moved at first", format!("{} of the active ones", proxy.prune_rate)),
        ("Seed", proxy.batches.seed.to_string()),
    ];
    Ok(all.map(|(name, value)| (name.to_owned(), value)).into())
}

fn study(
    head: results::Head,
    network: &str,
    method: &str,
    rows: Vec<SensitivityRow>,
) -> Sensitivity {
    Sensitivity { head, network: network.to_owned(), method: method.to_owned(), rows }
}

/// The published table of a network, if it has a value for each of its layers.
fn own_table(network: &str, layers: usize) -> Option<&'static [f64]> {
    published(network).filter(|t| t.len() == layers)
}

fn rows(
    network: &str,
    layers: &[Layer],
    dense: &[f64],
    sensitivity: &[f64],
) -> Vec<SensitivityRow> {
    let table = own_table(network, layers.len());
    let row = |(i, layer): (usize, &Layer)| SensitivityRow {
        layer: layer.name.clone(),
        units: layer.units(),
        dense: dense[i],
        sensitivity: sensitivity[i],
        table: table.map(|t| t[i]),
    };
    layers.iter().enumerate().map(row).collect()
}

/// Rank correlation with the published table, where there is one.
fn agreement(rows: &[SensitivityRow]) -> Option<f64> {
    let table: Vec<f64> = rows.iter().filter_map(|row| row.table).collect();
    let ours: Vec<f64> = rows.iter().map(|row| row.sensitivity).collect();
    spearman(&ours, &table)
}

fn answer(study: &Sensitivity) -> Answer {
    let line = |row: &SensitivityRow| {
        let table = row.table.map_or_else(|| "-".to_owned(), |t| format!("{t:.4}"));
        format!("{:<8}{:>9.4}{:>13.4}{table:>11}", row.layer, row.dense, row.sensitivity)
    };
    let mut lines =
        vec![format!("{:<8}{:>9}{:>13}{:>11}", "layer", "density", "sensitivity", "published")];
    lines.extend(study.rows.iter().map(line));
    let spearman = agreement(&study.rows);
    lines.push(match spearman {
        Some(rho) => format!("rank correlation with the published table (Spearman): {rho:.4}"),
        None => "no published table of this network to compare with".to_owned(),
    });
    (lines.join("\n"), json!({"study": study, "spearman": spearman}))
}

#[cfg(test)]
mod tests;
