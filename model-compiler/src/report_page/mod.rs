//! A plan as one HTML page: what an inference costs, layer by layer, and what fixed point does to
//! the values.

mod bytes;
mod errors;
mod judgement;
mod relus;
mod totals;

pub use errors::Errors;

use tacita_page::{Section, Table, page};
use tacita_protocol::cost::Prediction;
use tacita_protocol::plan::Plan;

use crate::compile::{LayerReport, Record, describe};
use crate::error::Result;

/// What the page is made from.
pub struct Contents<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Predicted traffic.
    pub prediction: &'a Prediction,
    /// Float against fixed point, if it was measured.
    pub errors: Option<&'a Errors>,
    /// The command that makes the page.
    pub command: &'a str,
}

/// What the sections share.
struct Page<'a> {
    contents: &'a Contents<'a>,
    layers: Vec<LayerReport>,
}

/// The page.
///
/// # Errors
/// If the plan cannot be hashed, or its record is damaged.
pub fn render(contents: &Contents<'_>) -> Result<String> {
    let layers = describe(contents.plan);
    let record = Record::of(contents.plan)?;
    let p = Page { contents, layers };
    let sections = [
        judgement::section(record.as_ref()),
        Section {
            title: "Totals".into(),
            kind: "one plan".into(),
            tables: vec![totals::table(&p)?],
            ..Section::default()
        },
        Section {
            title: "Where the bytes are".into(),
            kind: "predicted, to the byte".into(),
            figures: vec![bytes::offline(&p), bytes::online(&p)],
            ..Section::default()
        },
        Section {
            title: "Where the ReLUs are".into(),
            kind: "kept of all".into(),
            figures: vec![relus::figure(&p)],
            ..Section::default()
        },
        precision(&p),
        Section {
            title: "Layers".into(),
            kind: "the plan".into(),
            tables: vec![layer_table(&p)],
            ..Section::default()
        },
    ];
    let title = format!("{}: a private inference", contents.plan.public.name);
    Ok(page(&title, ("Sections", "part"), &sections))
}

fn precision(p: &Page<'_>) -> Section {
    let mut section = Section {
        title: "Float against fixed point".into(),
        kind: "measured in the clear".into(),
        ..Section::default()
    };
    match p.contents.errors {
        Some(errors) => section.figures = errors.figures(p),
        None => {
            section.text = "Not measured: give --model with the ONNX file that the plan was made \
                            from, and --data with images."
                .into();
        }
    }
    section
}

/// Every tensor of the plan.
fn layer_table(p: &Page<'_>) -> Table {
    let headings = [
        "#Index",
        "Layer",
        "Shape",
        "Sum of",
        "#Fraction bits",
        "#Cut",
        "#|x| < 2^",
        "#Failure 2^",
        "#Flooding bits",
        "Packing of what reads it",
    ];
    let mut table = Table::new("Every tensor of the plan", &headings).opened();
    let costs = &p.contents.prediction.tensors;
    table.rows = p
        .layers
        .iter()
        .enumerate()
        .map(|(i, l)| {
            vec![
                l.index.to_string(),
                l.name.clone(),
                shape(l),
                l.terms.join(" + "),
                l.frac.to_string(),
                l.truncate.to_string(),
                l.magnitude.to_string(),
                l.log2_failure.map_or_else(none, |f| format!("{f:.1}")),
                l.flooding_bits.map_or_else(none, |b| b.to_string()),
                costs.get(i).map(|c| c.packing.join("; ")).unwrap_or_default(),
            ]
        })
        .collect();
    table
}

fn shape(l: &LayerReport) -> String {
    let [c, h, w] = l.shape;
    format!("{c}\u{d7}{h}\u{d7}{w}")
}

fn none() -> String {
    "\u{2013}".into()
}

#[cfg(test)]
mod tests;
