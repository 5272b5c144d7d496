//! Most memory of both processes.

use tacita_page::text::count;
use tacita_page::{Axis, Figure, Hue, Look, Marks, Row, Rows, Section};

use crate::report::format::{commands, size};
use crate::report::inputs::{E2E, Inputs, Run};

const TITLE: &str = "Memory";

/// The section.
pub fn section(inputs: &Inputs) -> Section {
    let known: Vec<&Run> =
        inputs.e2e.iter().filter(|r| r.client_peak.or(r.server_peak).is_some()).collect();
    if known.is_empty() {
        return super::missing(TITLE, E2E);
    }
    super::figures(TITLE, "end to end", vec![figure(&known)])
}

fn figure(runs: &[&Run]) -> Figure {
    let values = |r: &Run| [r.client_peak, r.server_peak].map(Option::unwrap_or_default);
    let row = |r: &&Run| Row {
        name: format!("{}, {}, {}", r.net, count(r.relus), r.network),
        values: values(r).map(|b| b * 1e-6).to_vec(),
        of: None,
        aside: values(r).map(size).join(" / "),
    };
    let series = vec![("client".to_owned(), Hue::Ours(0)), ("server".to_owned(), Hue::Ours(1))];
    let legend = series.iter().map(|(name, hue)| (name.clone(), *hue, Look::Line)).collect();
    let caption = "Most resident memory of each process over a whole session; the dots of a line \
                   are not added up.";
    let all = runs.iter().flat_map(|r| values(r)).map(|b| b * 1e-6);
    let chart = Rows {
        title: "Most memory".into(),
        description: caption.into(),
        axis: Axis::from_zero("MB", all),
        marks: Marks::Dots,
        series,
        rows: runs.iter().map(row).collect(),
        aside: "client / server".into(),
    };
    Figure {
        heading: "Most memory of client and server".into(),
        caption: caption.into(),
        command: commands(runs.iter().map(|r| r.command.as_str())),
        charts: vec![chart.into()],
        legend,
        tables: Vec::new(),
    }
}
