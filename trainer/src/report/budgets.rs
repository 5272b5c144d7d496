//! Accuracy against ReLU count, and where the ReLUs stay.

use super::published::{CURVES, Curve, RESNET18_RELUS, Set};
use crate::results::{BudgetCell, Budgets, Spread};
use tacita_page::axis::Axis;
use tacita_page::chart::{Chart, Hue, Look, Point, Series};
use tacita_page::html::{Figure, Table};
use tacita_page::text::{count, percent, points, short};

/// Budgets whose layers are drawn at most.
const MAX_PANELS: usize = 8;
/// Size of a chart that has the page's width.
pub const WIDE: (f64, f64) = (860.0, 440.0);
/// Size of one of several.
pub const PANEL: (f64, f64) = (400.0, 240.0);

/// A share as it is written: `12.5 %`.
pub fn share_text(share: f64) -> String {
    format!("{} %", short((share * 1e6).round() / 1e4))
}

/// Accuracy against ReLU count.
pub fn accuracy(study: &Budgets) -> Figure {
    let cells = study.summary();
    let curves = Set::of(&study.head.data.name).map(published).unwrap_or_default();
    let mut tables = vec![cell_table(&cells).opened()];
    if !curves.is_empty() {
        tables.push(published_table(&curves));
    }
    Figure {
        heading: "Accuracy against ReLU count".to_owned(),
        caption: accuracy_caption(study, !curves.is_empty()),
        command: study.head.command.clone(),
        charts: vec![accuracy_chart(study, &cells, &curves).into()],
        legend: Vec::new(),
        tables,
    }
}

fn published(set: Set) -> Vec<&'static Curve> {
    CURVES.iter().filter(|c| c.set == set).collect()
}

fn accuracy_chart(study: &Budgets, cells: &[BudgetCell], curves: &[&Curve]) -> Chart {
    let theirs = curves.iter().enumerate().map(|(i, curve)| published_series(i, curve));
    let ours = study.arms().into_iter().enumerate().map(|(i, arm)| arm_series(i, arm, cells));
    let series: Vec<Series> = theirs.chain(ours).collect();
    let teacher = 100.0 * study.teacher.test;
    let all = || series.iter().flat_map(|s| &s.points);
    let ends = all().flat_map(|p| p.range.map_or([p.y, p.y], |(lo, hi)| [lo, hi]));
    let x = Axis::log("ReLUs kept (log scale)", all().map(|p| p.x));
    let top = all().map(|p| p.y).fold(teacher, f64::max);
    // Headroom for the names of the uppermost curves.
    let y = Axis::stepped("test accuracy, %", ends.chain([teacher, top + 1.0]), 9.0);
    let shares = study.shares().into_iter().rev();
    let at = |share: f64| (share * study.network.relus as f64, share_text(share));
    let rule = format!(
        "{}, all {} ReLUs: {teacher:.2} %",
        study.network.name,
        count(study.network.relus as u64)
    );
    Chart {
        title: "Test accuracy against ReLUs kept".to_owned(),
        description: describe(cells),
        size: WIDE,
        x,
        second: Some((
            format!("share of the ReLUs of {}", study.network.name),
            shares.map(at).collect(),
        )),
        y,
        rules: vec![(teacher, rule)],
        parts: Vec::new(),
        series,
    }
}

/// The means in words, for those who cannot see the chart.
fn describe(cells: &[BudgetCell]) -> String {
    let one = |c: &BudgetCell| {
        format!("{} at {} ReLUs {} %", c.arm, count(c.relus as u64), percent(c.test.mean))
    };
    let all: Vec<String> = cells.iter().map(one).collect();
    format!("Mean test accuracy: {}. The table below has all numbers.", all.join(", "))
}

fn arm_series(index: usize, arm: &str, cells: &[BudgetCell]) -> Series {
    let own = cells.iter().rev().filter(|c| c.arm == arm);
    let point = |c: &BudgetCell| Point {
        x: c.relus,
        y: 100.0 * c.test.mean,
        range: Some((100.0 * c.test.min, 100.0 * c.test.max)),
        note: format!(
            "{arm}, {} ReLUs: {} % (n = {})",
            count(c.relus.round() as u64),
            percent(c.test.mean),
            c.test.n
        ),
    };
    let (name, hue) = (arm.to_owned(), Hue::Ours(index));
    Series { name, hue, look: Look::Line, named: true, points: own.map(point).collect() }
}

fn published_series(index: usize, curve: &Curve) -> Series {
    let point = |&(thousands, y): &(f64, f64)| Point {
        x: 1000.0 * thousands,
        y,
        range: None,
        note: format!("{}, {thousands}k ReLUs: {y} % ({})", curve.method, curve.source),
    };
    let mark = if curve.caution.is_empty() { "" } else { " *" };
    Series {
        name: format!("{}{mark}", curve.method),
        hue: Hue::Theirs(index),
        look: Look::Line,
        named: true,
        points: curve.points.iter().map(point).collect(),
    }
}

fn accuracy_caption(study: &Budgets, published: bool) -> String {
    let network = &study.network;
    let mut text = "Marks are means over seeds; bars reach from the lowest to the highest seed. \
                    The teacher is the same network with all its ReLUs."
        .to_owned();
    if published {
        let shared = format!(
            " Grey and dashed: as published, at the absolute ReLU count of the authors' own \
             networks (ResNet18 has {} ReLUs); * see the note in the table. {} is another \
             network: it has {} ReLUs, {} multiply-accumulates and {} parameters, and the \
             scale at the top is the share of its own ReLUs.",
            count(RESNET18_RELUS as u64),
            network.name,
            count(network.relus as u64),
            short_rounded(network.macs),
            short_rounded(network.parameters),
        );
        text.push_str(&shared);
    }
    text
}

/// A large count to three digits: `40.8M`.
pub fn short_rounded(n: u64) -> String {
    let digits = (n.max(1) as f64).log10().floor() as i32;
    let unit = 10f64.powi((digits - 2).max(0));
    short((n as f64 / unit).round() * unit)
}

fn cell_table(cells: &[BudgetCell]) -> Table {
    let headings = [
        "Budget",
        "Arm",
        "#ReLUs",
        "#Seeds",
        "#Mean %",
        "#Std. dev.",
        "#Lowest",
        "#Highest",
        "#To best other",
    ];
    let mut table = Table::new("Test accuracy by budget and arm", &headings);
    let row = |c: &BudgetCell| {
        vec![
            share_text(c.share),
            c.arm.clone(),
            count(c.relus.round() as u64),
            c.test.n.to_string(),
            percent(c.test.mean),
            c.test.deviation.map(percent).unwrap_or_else(none),
            percent(c.test.min),
            percent(c.test.max),
            c.lead.map(points).unwrap_or_else(none),
        ]
    };
    table.rows = cells.iter().map(row).collect();
    table
}

/// What stands in a cell that has no value.
pub fn none() -> String {
    "\u{2013}".to_owned()
}

fn published_table(curves: &[&Curve]) -> Table {
    let headings = ["Method", "#ReLUs (k)", "#Accuracy %", "Source", "Note"];
    let mut table = Table::new("Published figures in the chart", &headings);
    for curve in curves {
        table.rows.extend(curve.points.iter().map(|(thousands, accuracy)| {
            vec![
                curve.method.to_owned(),
                format!("{thousands:.1}"),
                format!("{accuracy:.2}"),
                curve.source.to_owned(),
                curve.caution.to_owned(),
            ]
        }));
    }
    table
}

/// ReLUs kept in each layer; none if the study names no layers.
pub fn layers(study: &Budgets) -> Option<Figure> {
    if study.network.layers.is_empty() || study.runs.is_empty() {
        return None;
    }
    let shares = study.shares();
    let drawn = shares.iter().take(MAX_PANELS);
    let charts = std::iter::once(units_chart(study));
    let charts = charts.chain(drawn.map(|&share| kept_chart(study, share)));
    let left_out = shares.len().saturating_sub(MAX_PANELS);
    let mut caption = "Mean over seeds, as a share of the units of each layer, from the first \
                       layer to the last; the first panel has the units themselves."
        .to_owned();
    if left_out > 0 {
        caption.push_str(&format!(" {left_out} smaller budgets are in the table alone."));
    }
    let arms = study.arms().into_iter().enumerate();
    Some(Figure {
        heading: "ReLUs kept in each layer".to_owned(),
        caption,
        command: study.head.command.clone(),
        charts: charts.map(Into::into).collect(),
        legend: arms.map(|(i, arm)| (arm.to_owned(), Hue::Ours(i), Look::Line)).collect(),
        tables: vec![layer_table(study, &shares)],
    })
}

fn layer_axis(study: &Budgets) -> Axis {
    let names: Vec<String> = study.network.layers.iter().map(|l| l.name.clone()).collect();
    Axis::bands("", &names)
}

fn units_chart(study: &Budgets) -> Chart {
    let layers = &study.network.layers;
    let bar = |(i, layer): (usize, &crate::results::LayerUnits)| {
        let note = format!("{}: {} units", layer.name, count(layer.units as u64));
        Point { x: i as f64, y: layer.units as f64, range: None, note }
    };
    let points: Vec<Point> = layers.iter().enumerate().map(bar).collect();
    let (name, hue, look) = ("units".to_owned(), Hue::Theirs(0), Look::Bars);
    Chart {
        title: format!("All: {} units", count(study.network.relus as u64)),
        description: "Units of each activation layer.".to_owned(),
        size: PANEL,
        x: layer_axis(study),
        second: None,
        y: Axis::from_zero("units", points.iter().map(|p| p.y)),
        rules: Vec::new(),
        parts: Vec::new(),
        series: vec![Series { name, hue, look, named: false, points }],
    }
}

/// ReLUs kept in layer `i` by an arm at a share: mean over the seeds.
fn kept(study: &Budgets, arm: &str, share: f64, i: usize) -> Option<f64> {
    let values = study.of(arm, share).filter_map(|r| r.layers.get(i)).map(|&n| n as f64);
    Spread::of(&values.collect::<Vec<_>>()).map(|s| s.mean)
}

fn kept_chart(study: &Budgets, share: f64) -> Chart {
    let one = |(index, arm): (usize, &str)| {
        let point = |(i, layer): (usize, &crate::results::LayerUnits)| {
            let kept = kept(study, arm, share, i)?;
            let y = 100.0 * kept / layer.units.max(1) as f64;
            let note = format!("{arm}, {}: {} ({y:.1} %)", layer.name, count(kept as u64));
            Some(Point { x: i as f64, y, range: None, note })
        };
        let points = study.network.layers.iter().enumerate().filter_map(point).collect();
        let (name, hue) = (arm.to_owned(), Hue::Ours(index));
        Series { name, hue, look: Look::Line, named: false, points }
    };
    let series: Vec<Series> = study.arms().into_iter().enumerate().map(one).collect();
    let top = series.iter().flat_map(|s| &s.points).map(|p| p.y);
    Chart {
        title: format!("Budget {}", share_text(share)),
        description: format!("Share of each layer's units kept at {}.", share_text(share)),
        size: PANEL,
        x: layer_axis(study),
        second: None,
        y: Axis::from_zero("kept, % of units", top),
        rules: Vec::new(),
        parts: Vec::new(),
        series,
    }
}

fn layer_table(study: &Budgets, shares: &[f64]) -> Table {
    let arms = study.arms();
    let pairs = || shares.iter().flat_map(|&share| arms.iter().map(move |&arm| (share, arm)));
    let mut table = Table::new("ReLUs kept in each layer", &["Layer", "#Units"]);
    table.columns.extend(pairs().map(|(s, arm)| (format!("{} {arm}", share_text(s)), true)));
    for (i, layer) in study.network.layers.iter().enumerate() {
        let cell = |(share, arm): (f64, &str)| {
            kept(study, arm, share, i).map_or_else(none, |k| count(k.round() as u64))
        };
        let fixed = [layer.name.clone(), count(layer.units as u64)];
        table.rows.push(fixed.into_iter().chain(pairs().map(cell)).collect());
    }
    table
}
