//! Cost follows the mask: seconds and bytes against the ReLUs that a mask keeps.

use std::collections::BTreeSet;

use tacita_page::text::count;
use tacita_page::{Axis, Chart, Drawing, Figure, Hue, Look, Point, Section, Series, Table};

use crate::report::format::{commands, ratio, size, time};
use crate::report::inputs::{Inputs, Run, SWEEP};
use crate::report::sections::cost;

const TITLE: &str = "Cost follows the mask";
const SIZE: (f64, f64) = (440.0, 300.0);

/// What a chart shows of a run.
struct Measure {
    title: &'static str,
    label: &'static str,
    scale: f64,
    of: fn(&Run) -> f64,
    show: fn(f64) -> String,
}

const SECONDS: [Measure; 2] = [
    Measure {
        title: "Online, an image",
        label: "seconds online",
        scale: 1.0,
        of: |r| r.online.seconds,
        show: time,
    },
    Measure {
        title: "Offline, a ticket",
        label: "seconds offline",
        scale: 1.0,
        of: Run::ticket_seconds,
        show: time,
    },
];

const BYTES: [Measure; 2] = [
    Measure {
        title: "Online, an image",
        label: "MB online, both ways",
        scale: 1e-6,
        of: Run::image_bytes,
        show: size,
    },
    Measure {
        title: "Offline, a ticket",
        label: "MB offline, both ways",
        scale: 1e-6,
        of: Run::ticket_bytes,
        show: size,
    },
];

/// The section.
pub fn section(inputs: &Inputs) -> Section {
    if inputs.sweep.is_empty() {
        return super::missing(TITLE, SWEEP);
    }
    let nets: BTreeSet<&str> = inputs.sweep.iter().map(|r| r.net.as_str()).collect();
    let of = |net: &str| {
        let runs = sorted(inputs, net);
        [
            figure(net, "latency against the ReLU budget", &SECONDS, &runs),
            figure(net, "bytes against the ReLU budget", &BYTES, &runs),
        ]
    };
    let mut section = super::figures(TITLE, "one network, masks of several sizes", Vec::new());
    section.figures = nets.into_iter().flat_map(of).collect();
    section.tables = table(inputs).into_iter().collect();
    section
}

/// The runs of a network, by link in the file's order, then by ReLUs.
fn sorted<'a>(inputs: &'a Inputs, net: &str) -> Vec<&'a Run> {
    let mut runs: Vec<&Run> = inputs.sweep.iter().filter(|r| r.net == net).collect();
    let links = links(&runs);
    runs.sort_by_key(|r| (links.iter().position(|l| *l == r.network), r.relus));
    runs
}

/// The links of some runs, in their order.
fn links<'a>(runs: &[&'a Run]) -> Vec<&'a str> {
    let mut links: Vec<&str> = Vec::new();
    for run in runs {
        if !links.contains(&run.network.as_str()) {
            links.push(&run.network);
        }
    }
    links
}

/// The links whose curves are drawn: one of them where none makes a difference, as with bytes.
fn drawn<'a>(measures: &[Measure], runs: &[&'a Run]) -> Vec<&'a str> {
    let links = links(runs);
    let curve = |link: &str| -> Vec<(u64, Vec<u64>)> {
        let values = |r: &Run| measures.iter().map(|m| (m.of)(r).to_bits()).collect();
        let of_link = runs.iter().filter(|r| r.network == link);
        of_link.map(|r| (r.relus, values(r))).collect()
    };
    match links.split_first() {
        Some((first, rest)) if rest.iter().all(|l| curve(l) == curve(first)) => vec![*first],
        _ => links,
    }
}

fn figure(net: &str, what: &str, measures: &[Measure], runs: &[&Run]) -> Figure {
    let drawn = drawn(measures, runs);
    let alike = drawn.len() < links(runs).len();
    let name = |l: &str| if alike { "every link".to_owned() } else { l.to_owned() };
    let legend = drawn.iter().enumerate().map(|(i, l)| (name(l), Hue::Ours(i), Look::Line));
    let found: Vec<String> = measures.iter().filter_map(|m| finding(m, runs)).collect();
    Figure {
        heading: format!("{net}: {what}"),
        caption: format!("{} A point is a run with a random mask of that size.", found.join(" ")),
        command: commands(runs.iter().map(|r| r.command.as_str())),
        charts: measures.iter().map(|m| chart(m, &drawn, runs)).collect(),
        legend: legend.collect(),
        tables: Vec::new(),
    }
}

/// What the fewest ReLUs above none save, on the first link.
fn finding(m: &Measure, runs: &[&Run]) -> Option<String> {
    let first = &runs.first()?.network;
    let of_link = || runs.iter().filter(|r| r.network == *first && r.relus > 0);
    let (least, most) = (of_link().next()?, of_link().next_back()?);
    let (few, many) = ((m.of)(least), (m.of)(most));
    (least.relus < most.relus).then(|| {
        format!(
            "{} ({first}): {} times fewer ReLUs ({} of {}) take {} instead of {}, {} less.",
            m.title,
            ratio(most.relus as f64, least.relus as f64).trim_end_matches('x'),
            count(least.relus),
            count(most.relus),
            (m.show)(few),
            (m.show)(many),
            ratio(many, few),
        )
    })
}

fn chart(m: &Measure, links: &[&str], runs: &[&Run]) -> Drawing {
    let value = |r: &Run| (m.of)(r) * m.scale;
    let series = links.iter().enumerate().map(|(i, link)| Series {
        name: (*link).to_owned(),
        hue: Hue::Ours(i),
        look: Look::Line,
        named: false,
        points: runs
            .iter()
            .filter(|r| r.network == **link)
            .map(|r| Point {
                x: r.relus as f64,
                y: value(r),
                range: None,
                note: format!("{link}, {} ReLUs: {}", count(r.relus), (m.show)((m.of)(r))),
            })
            .collect(),
    });
    Drawing::Chart(Chart {
        title: m.title.into(),
        description: format!("{} against the number of ReLUs kept.", m.label),
        size: SIZE,
        x: Axis::from_zero("ReLUs kept", runs.iter().map(|r| r.relus as f64)),
        second: None,
        y: Axis::from_zero(m.label, runs.iter().map(|r| value(r))),
        rules: Vec::new(),
        parts: Vec::new(),
        series: series.collect(),
    })
}

/// What made the table.
pub fn command(inputs: &Inputs) -> String {
    commands(inputs.sweep.iter().map(|r| r.command.as_str()))
}

/// Every run of the sweep.
pub fn table(inputs: &Inputs) -> Option<Table> {
    if inputs.sweep.is_empty() {
        return None;
    }
    let headings = [&["network", "#ReLUs kept", "#of"], &cost::COLUMNS[..]].concat();
    let mut table = Table::new("Cost follows the mask", &headings).opened();
    let nets: BTreeSet<&str> = inputs.sweep.iter().map(|r| r.net.as_str()).collect();
    let runs = nets.into_iter().flat_map(|net| sorted(inputs, net));
    table.rows = runs
        .map(|r| {
            let net = [r.net.clone(), count(r.relus), count(r.unmasked_relus)];
            net.into_iter().chain(cost::row(r)).collect()
        })
        .collect();
    Some(table)
}
