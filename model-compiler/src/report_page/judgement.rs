//! What the build measured on images: first on the page, since nothing else matters if it is bad.

use tacita_page::{Section, Table};

use crate::compile::{Accuracy, Judgement, Record, Share};

/// The section; a plan without a record is unjudged too.
pub fn section(record: Option<&Record>) -> Section {
    let verdict = record.map_or_else(
        || (false, "unjudged: the plan does not say how it was made".into()),
        |record| {
            let verdict = record.verdict();
            (verdict.good, verdict.why)
        },
    );
    let judgement = record.and_then(|r| r.judgement.as_ref());
    Section {
        title: "Labels".into(),
        kind: "measured on images, rounded as the protocol rounds".into(),
        verdict: Some(verdict),
        text: record.map_or_else(String::new, ranges),
        tables: judgement.map_or_else(Vec::new, |j| vec![classes(j), signs(j)]),
        ..Section::default()
    }
}

fn ranges(record: &Record) -> String {
    let accuracy = record.judgement.as_ref().and_then(|j| j.accuracy.as_ref());
    let accuracy = accuracy.map_or_else(String::new, |Accuracy { float, plan }| {
        format!("Right labels: float network {float}, plan {plan}. ")
    });
    format!(
        "{accuracy}Value ranges: {}; they hold {:.1} bits more than the largest values seen. Shares \
         are of images, with 95 % intervals.",
        record.calibration, record.headroom
    )
}

fn classes(j: &Judgement) -> Table {
    let headings = ["Class", "#Images", "Label kept", "Right in float", "Right in the plan"];
    let mut table = Table::new("Each class", &headings).opened();
    for c in &j.classes {
        let accuracy = |of: fn(&Accuracy) -> &Share| {
            c.accuracy.as_ref().map_or_else(super::none, |a| of(a).to_string())
        };
        table.rows.push(vec![
            c.name.clone(),
            c.agreement.of.to_string(),
            c.agreement.to_string(),
            accuracy(|a| &a.float),
            accuracy(|a| &a.plan),
        ]);
    }
    table
}

fn signs(j: &Judgement) -> Table {
    let headings = ["Layer", "#Signs compared", "#Wrong", "#Out of range"];
    let mut table = Table::new("Signs that the comparisons found", &headings);
    for s in &j.signs {
        let numbers = [s.compared, s.wrong, s.out_of_range].map(|n| n.to_string());
        table.rows.push(std::iter::once(s.name.clone()).chain(numbers).collect());
    }
    table
}
