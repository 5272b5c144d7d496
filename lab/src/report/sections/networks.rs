//! Networks from an ONNX file to a private run.

use tacita_page::text::count;
use tacita_page::{Section, Table};

use crate::networks::row::{Phase, Row};
use crate::report::format::{NONE, size, time};
use crate::report::inputs::{Inputs, NETWORKS};

const TITLE: &str = "Networks from ONNX";

/// The section.
pub fn section(inputs: &Inputs) -> Section {
    if inputs.networks.is_empty() {
        return super::missing(TITLE, NETWORKS);
    }
    let text = "Imported, compiled, predicted and run privately over loopback; lab/results/README.md \
                says how the files are made.";
    let (kind, command) = ("one row a network", NETWORKS.command);
    super::tables(TITLE, kind, text, command, vec![table(inputs).opened()])
}

fn table(inputs: &Inputs) -> Table {
    let headings = [
        "network",
        "weights",
        "input",
        "#ReLUs kept",
        "#of",
        "#comparisons",
        "#batch",
        "#offline bytes",
        "#online bytes",
        "#offline",
        "#online",
        "#private = clear",
        "bytes",
    ];
    let mut table = Table::new("Networks, a ticket and an image", &headings);
    table.rows = inputs.networks.iter().map(row).collect();
    table
}

fn row(r: &Row) -> Vec<String> {
    let [c, h, w] = r.input;
    let private = r.private.as_ref();
    let predicted = r.predicted.as_ref();
    let share = |p: Phase, n: usize| size(p.bytes() as f64 / n.max(1) as f64);
    let or = |cell: Option<String>| cell.unwrap_or_else(|| NONE.into());
    let refused = r.refused.as_ref().map(|_| "refused".to_owned());
    let verdict = |exact: bool| if exact { "as predicted" } else { "NOT as predicted" }.to_owned();
    vec![
        r.network.clone(),
        r.weights.clone(),
        if c > 0 { format!("{c}x{h}x{w}") } else { or(refused) },
        count(r.relus as u64),
        count(r.unmasked_relus as u64),
        or(r.compile.as_ref().map(|c| count(c.comparisons as u64))),
        or(predicted.map(|p| p.batch.to_string())),
        or(predicted.map(|p| share(p.offline, p.batch))),
        or(predicted.map(|p| share(p.online, 1))),
        or(private.map(|p| time(p.offline_seconds))),
        or(private.map(|p| time(p.online_seconds))),
        or(private.map(|p| format!("{} of {}", p.same, p.images))),
        or(private.map(|p| verdict(p.as_predicted))),
    ]
}
