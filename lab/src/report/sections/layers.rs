//! Where the bytes and the seconds of one run are, layer by layer.

use tacita_page::text::count;
use tacita_page::{Axis, Figure, Hue, Look, Marks, Row, Rows, Section, Table};

use super::headline;
use crate::report::format::{size, time};
use crate::report::inputs::{E2E, Inputs, Layer, Run};

const TITLE: &str = "ResNet18, layer by layer";

/// A part of a layer's bar.
struct Part {
    name: &'static str,
    of: fn(&Layer) -> f64,
}

const BYTES: [Part; 4] = [
    Part { name: "offline, to the server", of: |l| l.offline_up },
    Part { name: "offline, to the client", of: |l| l.offline_down },
    Part { name: "online, to the server", of: |l| l.online_up },
    Part { name: "online, to the client", of: |l| l.online_down },
];
const SECONDS: [Part; 1] = [Part { name: "online", of: |l| l.seconds }];

/// What a chart shows.
struct View<'a> {
    heading: &'a str,
    label: &'a str,
    scale: f64,
    parts: &'a [Part],
    caption: String,
}

/// The section: the headline's run on the first link.
pub fn section(inputs: &Inputs) -> Section {
    let runs = headline::runs(inputs);
    let Some(run) = runs.into_iter().find(|r| !r.layers.is_empty()) else {
        return super::missing(TITLE, E2E);
    };
    let relus = count(run.relus);
    let bytes = View {
        heading: "Bytes of an image and its ticket",
        label: "MB",
        scale: 1e-6,
        parts: &BYTES,
        caption: format!("ResNet18 with {relus} ReLUs; exact, whatever the link."),
    };
    let seconds = View {
        heading: "Seconds online",
        label: "ms, medians",
        scale: 1e3,
        parts: &SECONDS,
        caption: format!("ResNet18 with {relus} ReLUs over {}; wall time.", run.link()),
    };
    let mut section =
        super::figures(TITLE, "end to end", vec![bytes.figure(run), seconds.figure(run)]);
    section.tables = vec![table(run)];
    section
}

impl View<'_> {
    fn figure(&self, run: &Run) -> Figure {
        let values =
            |l: &Layer| self.parts.iter().map(|p| (p.of)(l) * self.scale).collect::<Vec<f64>>();
        let sum = |l: &Layer| values(l).iter().sum::<f64>();
        let all: f64 = run.layers.iter().map(sum).sum();
        let row = |l: &Layer| Row {
            name: l.name.clone(),
            values: values(l),
            of: None,
            aside: if all > 0.0 { format!("{:.1} %", 100.0 * sum(l) / all) } else { String::new() },
        };
        let series = self.parts.iter().enumerate();
        let series: Vec<(String, Hue)> =
            series.map(|(i, p)| (p.name.to_owned(), Hue::Ours(i))).collect();
        let legend = series.iter().map(|(name, hue)| (name.clone(), *hue, Look::Bars));
        let legend = if series.len() > 1 { legend.collect() } else { Vec::new() };
        let chart = Rows {
            title: self.heading.into(),
            description: self.caption.clone(),
            axis: Axis::from_zero(self.label, run.layers.iter().map(sum)),
            marks: Marks::Stacked,
            series,
            rows: run.layers.iter().map(row).collect(),
            aside: "share".into(),
        };
        Figure {
            heading: self.heading.into(),
            caption: self.caption.clone(),
            command: run.command.clone(),
            charts: vec![chart.into()],
            legend,
            tables: Vec::new(),
        }
    }
}

fn table(run: &Run) -> Table {
    let parts = BYTES.iter().map(|p| format!("#{}", p.name));
    let headings: Vec<String> =
        ["layer", "#ReLUs"].map(str::to_owned).into_iter().chain(parts).collect();
    let headings: Vec<&str> =
        headings.iter().map(String::as_str).chain(["#seconds online"]).collect();
    let mut table = Table::new("Layers", &headings);
    let row = |l: &Layer| {
        let bytes = BYTES.iter().map(|p| size((p.of)(l)));
        [l.name.clone(), count(l.relus)].into_iter().chain(bytes).chain([time(l.seconds)]).collect()
    };
    table.rows = run.layers.iter().map(row).collect();
    table
}
