//! Criticality of the stages, and sensitivity of the layers.

use super::budgets::{PANEL, WIDE, none};
use super::published::resnet18_stages;
use crate::results::{Criticality, Sensitivity, SensitivityRow, StageCell, order};
use tacita_page::axis::Axis;
use tacita_page::chart::{Chart, Hue, Look, Point, Series};
use tacita_page::html::{Figure, Table};
use tacita_page::text::{count, percent};

/// Name of the published profile.
const PUBLISHED: &str = "ResNet18, CIFAR-100 (published)";

/// Accuracy and criticality by stage, beside the published profile.
pub fn criticality(study: &Criticality, cells: &[StageCell]) -> Figure {
    let published = resnet18_stages();
    let ours =
        |c: &StageCell| Some((100.0 * c.test.mean, Some((100.0 * c.test.min, 100.0 * c.test.max))));
    let ranked = |c: &StageCell| c.criticality.map(|v| (v, None));
    let both = [cells, &published];
    let accuracy = "Test accuracy with the ReLUs of one stage alone";
    let weighted = "Criticality of the stages";
    let all: Vec<StageCell> = both.concat();
    let theirs: Vec<StageCell> = all.iter().filter(|c| c.criticality.is_some()).cloned().collect();
    Figure {
        heading: "Criticality of the stages".to_owned(),
        caption: format!(
            "Accuracy by stage: mean over seeds, bars from the lowest to the highest. \
             Criticality: C = (accuracy \u{2212} least accuracy) / (thousand ReLUs)^0.07, in \
             points. Most critical first: {}; published: {}.",
            order(cells).join(", "),
            order(&published).join(", ")
        ),
        command: study.head.command.clone(),
        charts: vec![
            bars(accuracy, "test accuracy, %", both, &names(&all), ours).into(),
            bars(weighted, "criticality C", both, &names(&theirs), ranked).into(),
        ],
        legend: vec![
            (study.head.title.clone(), Hue::Ours(0), Look::Bars),
            (PUBLISHED.to_owned(), Hue::Theirs(0), Look::Bars),
        ],
        tables: vec![stage_table(study, cells, &published).opened()],
    }
}

/// Names of the stages, each once.
fn names(cells: &[StageCell]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for cell in cells {
        if !names.contains(&cell.stage) {
            names.push(cell.stage.clone());
        }
    }
    names
}

/// A value and the range behind it.
type Ranged = (f64, Option<(f64, f64)>);

fn bars(
    title: &str,
    label: &str,
    cells: [&[StageCell]; 2],
    stages: &[String],
    value: impl Fn(&StageCell) -> Option<Ranged>,
) -> Chart {
    let one = |(cells, (name, hue)): (&[StageCell], (&str, Hue))| {
        let point = |cell: &StageCell| {
            let x = stages.iter().position(|s| *s == cell.stage)? as f64;
            let (y, range) = value(cell)?;
            Some(Point { x, y, range, note: format!("{name}, {}: {y:.2}", cell.stage) })
        };
        let points = cells.iter().filter_map(point).collect();
        Series { name: name.to_owned(), hue, look: Look::Bars, named: false, points }
    };
    let kinds = [("ours", Hue::Ours(0)), ("published", Hue::Theirs(0))];
    let series: Vec<Series> = cells.into_iter().zip(kinds).map(one).collect();
    let tops = series.iter().flat_map(|s| &s.points).map(|p| p.range.map_or(p.y, |r| r.1));
    let y = Axis::from_zero(label, tops);
    Chart {
        title: title.to_owned(),
        description: format!("{title}, ours beside that of ResNet18 as published."),
        size: PANEL,
        x: Axis::bands("", stages),
        second: None,
        y,
        rules: Vec::new(),
        parts: Vec::new(),
        series,
    }
}

fn stage_table(study: &Criticality, cells: &[StageCell], published: &[StageCell]) -> Table {
    let headings = [
        "Source",
        "Stage",
        "#ReLUs",
        "#Seeds",
        "#Mean %",
        "#Std. dev.",
        "#Lowest",
        "#Highest",
        "#C",
    ];
    let mut table = Table::new("Accuracy and criticality by stage", &headings);
    // The poster gives one number for each stage, not how many seeds are behind it.
    let row = |source: &str, known: bool, c: &StageCell| {
        let spread = |text: String| if known { text } else { none() };
        vec![
            source.to_owned(),
            c.stage.clone(),
            count(c.relus as u64),
            spread(c.test.n.to_string()),
            percent(c.test.mean),
            c.test.deviation.map_or_else(none, percent),
            spread(percent(c.test.min)),
            spread(percent(c.test.max)),
            c.criticality.map_or_else(none, |c| format!("{c:.2}")),
        ]
    };
    table.rows.extend(cells.iter().map(|c| row(&study.head.title, true, c)));
    table.rows.extend(published.iter().map(|c| row(PUBLISHED, false, c)));
    table
}

/// Sensitivity by layer, beside the authors' table where there is one.
pub fn sensitivity(study: &Sensitivity) -> Figure {
    let ours = normalised(study, |r| Some(r.sensitivity));
    let table = normalised(study, |r| r.table);
    let compared = !table.is_empty();
    let bar = series("measured", Hue::Ours(0), Look::Bars, ours);
    let line = series("the authors' table", Hue::Ours(1), Look::Line, table);
    let legend = [&bar, &line].map(|s| (s.name.clone(), s.hue, s.look));
    let names: Vec<String> = study.rows.iter().map(|r| r.layer.clone()).collect();
    let size = (WIDE.0, 320.0);
    let chart = Chart {
        title: format!("Sensitivity of the layers of {}", study.network),
        description: "Sensitivity of each layer, from first to last; the largest is 1.".to_owned(),
        size,
        x: Axis::bands("", &names),
        second: None,
        y: Axis::from_zero("sensitivity, largest = 1", [1.0]),
        rules: Vec::new(),
        parts: Vec::new(),
        series: if compared { vec![bar, line] } else { vec![bar] },
    };
    Figure {
        heading: format!("Sensitivity of the layers of {}", study.network),
        caption: format!(
            "\u{3b7}_\u{3b8} is the share of a layer's weights that a sparse network of the same \
             shape keeps; the sensitivity is \u{3b7}_\u{3b1} = 1 \u{2212} \u{3b7}_\u{3b8}, \
             drawn as a share of its largest value. Method: {}.",
            study.method
        ),
        command: study.head.command.clone(),
        charts: vec![chart.into()],
        legend: if compared { legend.to_vec() } else { Vec::new() },
        tables: vec![sensitivity_table(study)],
    }
}

fn series(name: &str, hue: Hue, look: Look, points: Vec<Point>) -> Series {
    Series { name: name.to_owned(), hue, look, named: false, points }
}

/// One value of each layer divided by the largest of them.
fn normalised(study: &Sensitivity, value: impl Fn(&SensitivityRow) -> Option<f64>) -> Vec<Point> {
    let largest = study.rows.iter().filter_map(&value).fold(f64::MIN_POSITIVE, f64::max);
    let point = |(i, row): (usize, &SensitivityRow)| {
        let y = value(row)? / largest;
        Some(Point { x: i as f64, y, range: None, note: format!("{}: {y:.3}", row.layer) })
    };
    study.rows.iter().enumerate().filter_map(point).collect()
}

fn sensitivity_table(study: &Sensitivity) -> Table {
    let headings =
        ["Layer", "#Units", "#Kept weights \u{3b7}_\u{3b8}", "#\u{3b7}_\u{3b1}", "#Authors' table"];
    let mut table = Table::new("Sensitivity by layer", &headings);
    let row = |r: &SensitivityRow| {
        vec![
            r.layer.clone(),
            count(r.units as u64),
            format!("{:.4}", r.dense),
            format!("{:.4}", r.sensitivity),
            r.table.map_or_else(none, |t| format!("{t:.4}")),
        ]
    };
    table.rows = study.rows.iter().map(row).collect();
    table
}
