//! Where the ReLUs are, and how wide their comparisons.

use tacita_page::text::count;
use tacita_page::{Axis, Figure, Hue, Look, Marks, Row, Rows, Table};

use super::{Page, none, shape};
use crate::compile::LayerReport;

const KEPT: &str = "kept";
const ALL: &str = "without masks";

/// Kept of all by layer.
pub fn figure(p: &Page<'_>) -> Figure {
    let active = || p.layers.iter().filter(|l| l.relus > 0 || l.unmasked_relus > 0);
    let row = |l: &LayerReport| Row {
        name: l.name.clone(),
        values: vec![l.relus as f64],
        of: Some(l.unmasked_relus as f64),
        aside: comparison(l),
    };
    let rows: Vec<Row> = active().map(row).collect();
    let largest = active().map(|l| l.relus.max(l.unmasked_relus) as f64);
    let caption = "ReLUs that the masks keep, in front of those of the network without masks. On \
                   the right the bits of a comparison; its lowest bits may be dropped.";
    let chart = Rows {
        title: "ReLUs by layer".into(),
        description: caption.into(),
        axis: Axis::from_zero("ReLUs", largest),
        marks: Marks::Stacked,
        series: vec![(KEPT.into(), Hue::Ours(0))],
        rows,
        aside: "comparison".into(),
    };
    Figure {
        heading: "ReLUs by layer".into(),
        caption: caption.into(),
        command: String::new(),
        charts: vec![chart.into()],
        legend: vec![
            (KEPT.into(), Hue::Ours(0), Look::Bars),
            (ALL.into(), Hue::Theirs(0), Look::Bars),
        ],
        tables: vec![table(active())],
    }
}

/// Bits that the comparison leaves out.
fn dropped(l: &LayerReport) -> Option<u32> {
    l.compare_bits.map(|k| (l.magnitude + 1).saturating_sub(k))
}

fn comparison(l: &LayerReport) -> String {
    match (l.compare_bits, dropped(l)) {
        (Some(k), Some(0)) => format!("{k} bits"),
        (Some(k), Some(dropped)) => format!("{k} bits, {dropped} dropped"),
        _ => none(),
    }
}

fn table<'a>(layers: impl Iterator<Item = &'a LayerReport>) -> Table {
    let headings =
        ["Layer", "Shape", "#Kept", "#Of", "#Share %", "#Comparison bits", "#Dropped bits", "By"];
    let mut table = Table::new("Layers: ReLUs", &headings);
    let bits = |n: Option<u32>| n.map_or_else(none, |n| n.to_string());
    let row = |l: &LayerReport| {
        let share = match l.unmasked_relus {
            0 => none(),
            all => format!("{:.2}", 100.0 * l.relus as f64 / all as f64),
        };
        vec![
            l.name.clone(),
            shape(l),
            count(l.relus as u64),
            count(l.unmasked_relus as u64),
            share,
            bits(l.compare_bits),
            bits(dropped(l)),
            l.relu.clone().unwrap_or_else(none),
        ]
    };
    table.rows = layers.map(row).collect();
    table
}
