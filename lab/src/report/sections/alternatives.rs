//! This protocol's ReLU and whole networks beside the alternatives.

use tacita_page::{Axis, Chart, Drawing, Figure, Hue, Look, Point, Section, Series, Table};

use crate::compare::peers::{PUBLISHED, Peer, all};
use crate::compare::record::{ClearRow, Comparison, ReluRow};
use crate::report::format::{NONE, ratio, size, three, time};
use crate::report::inputs::{COMPARE, Inputs};

const TITLE: &str = "The alternatives";
const SIZE: (f64, f64) = (440.0, 300.0);
/// The classic circuit's name.
const CLASSIC: &str = "classic";
/// Bits of the gadget that the comparison with homomorphic encryption takes.
const BITS: usize = 14;
/// Bits that the short table shows.
const SHOWN: [usize; 3] = [8, BITS, 20];

/// A curve of a chart and its values.
type Part = (&'static str, fn(&ReluRow) -> f64);

/// What a chart shows of a circuit.
struct Measure {
    title: &'static str,
    label: &'static str,
    parts: [Part; 2],
}

const MEASURES: [Measure; 2] = [
    Measure {
        title: "Processor time of one ReLU",
        label: "\u{b5}s, one core",
        parts: [("garble", |r| r.garble_us), ("evaluate", |r| r.evaluate_us)],
    },
    Measure {
        title: "Bytes of one ReLU",
        label: "bytes, both ways",
        parts: [("offline", |r| r.offline_bytes), ("online", |r| r.online_bytes)],
    },
];

/// The section.
pub fn section(inputs: &Inputs) -> Section {
    let Some(c) = &inputs.compare else {
        let mut section = super::missing(TITLE, COMPARE);
        section.tables = vec![peers(&all())];
        return section;
    };
    let mut section = super::figures(TITLE, "the same machine, the same run", vec![figure(c)]);
    section.text = format!(
        "All of it but the last table is measured by one command on this machine: {}",
        c.command
    );
    section.tables.extend([relu(c).opened()]);
    section.tables.extend(homomorphic(c).map(Table::opened));
    section.tables.extend(clear(c).map(Table::opened));
    section.tables.push(peers(&c.peers));
    section
}

fn classic(c: &Comparison) -> Option<&ReluRow> {
    c.relu.iter().find(|r| r.circuit == CLASSIC)
}

fn figure(c: &Comparison) -> Figure {
    let ours: Vec<&ReluRow> = c.relu.iter().filter(|r| r.circuit != CLASSIC).collect();
    Figure {
        heading: "One ReLU: sign and select beside the classic circuit".into(),
        caption: "By the bits that are compared, on a logarithmic scale. The dotted lines are the \
                  classic circuit over the same 64-bit shares, which adds them, tests the sign, \
                  selects and subtracts the new share; gates, hash and transfers are the same code."
            .into(),
        command: c.command.clone(),
        charts: MEASURES.iter().map(|m| chart(m, &ours, classic(c))).collect(),
        legend: Vec::new(),
        tables: Vec::new(),
    }
}

fn chart(m: &Measure, ours: &[&ReluRow], classic: Option<&ReluRow>) -> Drawing {
    let series = m.parts.iter().enumerate().map(|(i, (name, of))| Series {
        name: (*name).into(),
        hue: Hue::Ours(i),
        look: Look::Line,
        named: true,
        points: ours
            .iter()
            .map(|r| Point {
                x: r.bits as f64,
                y: of(r),
                range: None,
                note: format!("{name}, {} bits: {}", r.bits, three(of(r))),
            })
            .collect(),
    });
    let rules = m.parts.iter().filter_map(|(name, of)| {
        classic.map(|c| (of(c), format!("classic, {name}: {}", three(of(c)))))
    });
    let rules: Vec<(f64, String)> = rules.collect();
    let values = ours.iter().flat_map(|r| m.parts.iter().map(move |p| (p.1)(r)));
    Drawing::Chart(Chart {
        title: m.title.into(),
        description: format!("{} against the bits compared.", m.label),
        size: SIZE,
        x: Axis::linear("bits compared", ours.iter().map(|r| r.bits as f64)),
        second: None,
        y: Axis::log(m.label, values.chain(rules.iter().map(|r| r.0))),
        rules,
        parts: Vec::new(),
        series: series.collect(),
    })
}

/// Circuits for one ReLU.
pub fn relu(c: &Comparison) -> Table {
    let caption = "One ReLU over 64-bit shares, one core, bytes both ways";
    let headings = [
        "circuit",
        "#bits",
        "#ANDs",
        "#garble \u{b5}s",
        "#evaluate \u{b5}s",
        "#transfers \u{b5}s",
        "#labels \u{b5}s",
        "#offline B",
        "#online B",
        "#classic / this: garble",
        "#offline",
        "#online",
    ];
    let mut table = Table::new(caption, &headings);
    let than = |r: &ReluRow, of: fn(&ReluRow) -> f64| {
        classic(c).map_or_else(|| NONE.into(), |classic| ratio(of(classic), of(r)))
    };
    let row = |r: &ReluRow| {
        let shown =
            [r.garble_us, r.evaluate_us, r.ot_us, r.labels_us, r.offline_bytes, r.online_bytes];
        let mut cells = vec![r.circuit.clone(), r.bits.to_string(), r.ands.to_string()];
        cells.extend(shown.map(three));
        cells.push(than(r, |r| r.garble_us));
        cells.push(than(r, |r| r.offline_bytes));
        cells.push(than(r, |r| r.online_bytes));
        cells
    };
    table.rows = c.relu.iter().map(row).collect();
    table
}

/// The same in short: a few widths.
pub fn relu_summary(c: &Comparison) -> Table {
    let few = |r: &&ReluRow| r.circuit == CLASSIC || SHOWN.contains(&r.bits);
    let rows = c.relu.iter().filter(few).cloned().collect();
    relu(&Comparison { relu: rows, ..c.clone() })
}

fn homomorphic(c: &Comparison) -> Option<Table> {
    let t = c.tfhe.as_ref()?;
    let caption = "One ReLU under homomorphic encryption alone";
    let headings = ["ReLU", "#threads", "#time", "#ciphertext", "#server key", "#time / this"];
    let mut table = Table::new(caption, &headings);
    let ours = c.relu.iter().find(|r| r.circuit != CLASSIC && r.bits == BITS);
    let total = |r: &ReluRow| (r.garble_us + r.evaluate_us + r.ot_us + r.labels_us) * 1e-6;
    table.rows.push(vec![
        format!("{} in tfhe {}", t.kind, t.version),
        t.threads.to_string(),
        time(t.seconds),
        size(t.ciphertext_bytes),
        size(t.server_key_bytes),
        ratio(t.seconds, t.seconds),
    ]);
    table.rows.extend(ours.map(|r| {
        vec![
            format!("sign and select, {BITS} bits, every step of both parties"),
            "1".into(),
            time(total(r)),
            NONE.into(),
            NONE.into(),
            ratio(t.seconds, total(r)),
        ]
    }));
    Some(table)
}

fn clear(c: &Comparison) -> Option<Table> {
    if c.clear.is_empty() {
        return None;
    }
    let caption = "In the clear and privately over loopback, an image";
    let headings = [
        "network",
        "runtime",
        "#threads",
        "#clear",
        "#private, offline",
        "#private, online",
        "#online / clear",
        "#same label",
    ];
    let mut table = Table::new(caption, &headings);
    let row = |r: &ClearRow| {
        let mut cells =
            vec![r.net.clone(), r.runtime.clone(), r.threads.to_string(), time(r.seconds)];
        cells.extend(match &r.private {
            None => [(); 4].map(|()| NONE.to_owned()),
            Some(p) => [
                format!("{} (B = {})", time(p.offline_seconds), p.batch),
                time(p.online_seconds),
                ratio(p.online_seconds, r.seconds),
                format!("{} of {}", p.same, p.images),
            ],
        });
        cells
    };
    table.rows = c.clear.iter().map(row).collect();
    Some(table)
}

/// Figures from elsewhere: what others published in one column, what was measured for this project
/// on other hardware in another.
fn peers(peers: &[Peer]) -> Table {
    let headings = [
        "system",
        "network",
        "figure",
        "#published",
        "#measured by us on other hardware",
        "conditions",
    ];
    let mut table = Table::new("Figures of other systems; none was measured here", &headings);
    let row = |p: &Peer| {
        let value = match p.unit.as_str() {
            "B" => size(p.value),
            "s" => time(p.value),
            unit => format!("{} {unit}", three(p.value)).trim_end().to_owned(),
        };
        let published = p.origin.is_empty() || p.origin == PUBLISHED;
        let [left, right] = if published { [value, String::new()] } else { [String::new(), value] };
        vec![
            p.system.clone(),
            p.network.clone(),
            p.figure.clone(),
            left,
            right,
            p.conditions.clone(),
        ]
    };
    table.rows = peers.iter().map(row).collect();
    table
}
