//! Kernels on one core, beside what the machine leaves as the least and what they are meant to
//! reach.

use tacita_page::{Axis, Figure, Hue, Marks, Row, Rows, Section, Table};

use crate::report::format::{NONE, maybe, rate, ratio, size, three, time};
use crate::report::inputs::{Inputs, KERNELS, Kernel, Kernels};

const TITLE: &str = "Kernels";

/// The section.
pub fn section(inputs: &Inputs) -> Section {
    let Some(kernels) = &inputs.kernels else { return super::missing(TITLE, KERNELS) };
    let mut section = super::figures(TITLE, "one core", figure(kernels).into_iter().collect());
    section.tables = vec![table(kernels).opened(), floors(kernels), peaks(kernels)];
    section
}

/// Name with the instructions that it was run with.
fn name(k: &Kernel) -> String {
    k.backend.as_ref().map_or_else(|| k.kernel.clone(), |b| format!("{} ({b})", k.kernel))
}

/// Seconds over the least, from what is there.
fn over(k: &Kernel) -> Option<f64> {
    k.ratio.or_else(|| k.floor_seconds.filter(|f| *f > 0.0).map(|floor| k.seconds / floor))
}

fn figure(kernels: &Kernels) -> Option<Figure> {
    let known: Vec<(&Kernel, f64)> =
        kernels.kernels.iter().filter_map(|k| Some((k, over(k)?))).collect();
    if known.is_empty() {
        return None;
    }
    let caption = "Seconds over the least that the machine's limits leave: 1 cannot be beaten.";
    let row = |(k, over): &(&Kernel, f64)| Row {
        name: name(k),
        values: vec![*over],
        of: None,
        aside: format!("{}x", three(*over)),
    };
    let chart = Rows {
        title: "Kernels over their floors".into(),
        description: caption.into(),
        axis: Axis::from_zero("seconds / least seconds", known.iter().map(|k| k.1)),
        marks: Marks::Stacked,
        series: vec![("over the floor".into(), Hue::Ours(0))],
        rows: known.iter().map(row).collect(),
        aside: "ratio".into(),
    };
    Some(Figure {
        heading: "Against the machine's limits".into(),
        caption: caption.into(),
        command: kernels.command.clone(),
        charts: vec![chart.into()],
        legend: Vec::new(),
        tables: Vec::new(),
    })
}

/// Every kernel.
pub fn table(kernels: &Kernels) -> Table {
    let headings = [
        "kernel",
        "unit",
        "#time",
        "#a second",
        "#bytes",
        "#over floor",
        "#target a second",
        "met",
    ];
    let mut table = Table::new("Kernels on one core", &headings);
    let row = |k: &Kernel| {
        let met =
            k.target.map(|t| if k.rate >= t.rate { "yes".into() } else { ratio(k.rate, t.rate) });
        vec![
            name(k),
            k.unit.clone(),
            time(k.seconds),
            rate(k.rate),
            maybe(k.bytes, size),
            over(k).map_or_else(|| NONE.into(), |r| format!("{}x", three(r))),
            maybe(k.target.map(|t| t.rate), rate),
            met.unwrap_or_else(|| NONE.into()),
        ]
    };
    table.rows = kernels.kernels.iter().map(row).collect();
    table
}

/// The kernels that have a target.
pub fn summary(kernels: &Kernels) -> Table {
    let kept = kernels.kernels.iter().filter(|k| k.target.is_some()).cloned().collect();
    table(&Kernels { kernels: kept, ..kernels.clone() })
}

fn floors(kernels: &Kernels) -> Table {
    let mut table = Table::new("What the floors are made of", &["kernel", "#floor", "from"]);
    let known = kernels.kernels.iter().filter(|k| k.floor.is_some());
    table.rows = known
        .map(|k| vec![name(k), maybe(k.floor_seconds, time), k.floor.clone().unwrap_or_default()])
        .collect();
    table
}

fn peaks(kernels: &Kernels) -> Table {
    let mut table = Table::new("The machine's limits, one core", &["limit", "#value", "unit"]);
    let row = |p: &crate::report::inputs::Peak| vec![p.name.clone(), rate(p.value), p.unit.clone()];
    table.rows = kernels.peaks.iter().map(row).collect();
    table
}
