//! Studies that are tables, and the conditions of every study.

use super::budgets::{none, short_rounded};
use crate::results::{Head, ModelCard, Models, Study, Throughput, ThroughputRow};
use tacita_page::html::Table;
use tacita_page::text::{count, duration, percent, points};

/// Images a second.
pub fn throughput(study: &Throughput) -> Vec<Table> {
    let headings = [
        "Network",
        "Input",
        "#ReLUs",
        "#MACs",
        "#Parameters",
        "#Batch",
        "#Threads",
        "#Train images/s",
        "#Evaluate images/s",
    ];
    let mut table = Table::new("Images a second", &headings).opened();
    let row = |r: &ThroughputRow| {
        vec![
            r.network.clone(),
            r.input.clone(),
            count(r.relus as u64),
            short_rounded(r.macs),
            short_rounded(r.parameters),
            r.batch.to_string(),
            r.threads.to_string(),
            format!("{:.1}", r.train_images_per_second),
            format!("{:.1}", r.eval_images_per_second),
        ]
    };
    table.rows = study.rows.iter().map(row).collect();
    vec![table]
}

/// Exported networks: what they reach, how they got there, which files they are.
pub fn models(study: &Models) -> Vec<Table> {
    vec![reached(study).opened(), stages(study), files(study)]
}

fn reached(study: &Models) -> Table {
    let headings = [
        "Network",
        "Method",
        "Data set",
        "#ReLUs",
        "#of units",
        "#Share %",
        "#Validation %",
        "#Test %",
        "#Teacher test %",
        "#To teacher",
        "#Seed",
    ];
    let mut table = Table::new("Exported networks", &headings);
    let row = |m: &ModelCard| {
        let end = m.reached();
        vec![
            m.name.clone(),
            m.method.clone(),
            m.data.name.clone(),
            count(m.relus as u64),
            count(m.units as u64),
            percent(m.relus as f64 / m.units.max(1) as f64),
            end.map_or_else(none, |r| percent(r.validation)),
            end.map_or_else(none, |r| percent(r.test)),
            m.teacher.map_or_else(none, |t| percent(t.test)),
            end.zip(m.teacher).map_or_else(none, |(r, t)| points(r.test - t.test)),
            m.seed.to_string(),
        ]
    };
    table.rows = study.models.iter().map(row).collect();
    table
}

fn stages(study: &Models) -> Table {
    let headings = ["Network", "Stage", "#Validation %", "#Test %"];
    let mut table = Table::new("Accuracy after each stage of training", &headings);
    for model in &study.models {
        table.rows.extend(model.stages.iter().map(|s| {
            vec![model.name.clone(), s.stage.clone(), percent(s.validation), percent(s.test)]
        }));
    }
    table
}

fn files(study: &Models) -> Table {
    let headings = ["File", "#Bytes", "SHA-256", "Masks", "Made by"];
    let mut table = Table::new("Files and hashes", &headings);
    let row = |m: &ModelCard| {
        vec![
            m.onnx.name.clone(),
            count(m.onnx.bytes),
            m.onnx.sha256.clone(),
            m.mask_hash.clone(),
            m.command.clone(),
        ]
    };
    table.rows = study.models.iter().map(row).collect();
    table
}

/// The conditions of a study that lies in `file`.
pub fn conditions(file: &str, study: &Study) -> Table {
    let head = study.head();
    let mut table = Table::new("Conditions", &["Condition", "Value"]);
    let mut row = |name: &str, value: String| table.rows.push(vec![name.to_owned(), value]);
    row("Command", head.command.clone());
    row("Data set", data(head));
    row("Data hash", head.data.hash.clone());
    if let Study::Budgets(study) = study {
        let n = &study.network;
        let costs = format!(
            "{} ({} ReLUs, {} multiply-accumulates, {} parameters)",
            n.name,
            count(n.relus as u64),
            short_rounded(n.macs),
            short_rounded(n.parameters)
        );
        row("Network", costs);
    }
    for (name, value) in &head.conditions {
        row(name, value.clone());
    }
    row("Machine", format!("{}, {} cores, {} threads used", head.cpu, head.cores, head.threads));
    row("Time", duration(head.seconds));
    row("Version", head.version.clone());
    row("File", file.to_owned());
    table
}

fn data(head: &Head) -> String {
    let d = &head.data;
    let [train, held, test] = [d.train, d.validation, d.test].map(|n| count(n as u64));
    format!(
        "{}: {} classes; {train} images to train on, {held} held out to choose by, {test} to test",
        d.name, d.classes
    )
}
