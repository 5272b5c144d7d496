//! The sections of the page; the tables in short are some of theirs.

pub mod against;
pub mod alternatives;
pub mod backends;
pub mod conditions;
mod cost;
pub mod headline;
pub mod kernels;
pub mod layers;
pub mod memory;
pub mod networks;
pub mod relu;
pub mod shaping;
pub mod sweep;

use tacita_page::{Figure, Section, Table};

use super::inputs::File;

/// A section whose file is missing.
fn missing(title: &str, file: File) -> Section {
    Section {
        title: title.into(),
        kind: "not measured".into(),
        text: file.missing(),
        ..Section::default()
    }
}

/// Tables with the command that made them, without a chart.
fn tables(title: &str, kind: &str, text: &str, command: &str, tables: Vec<Table>) -> Section {
    let made = if command.is_empty() { String::new() } else { format!(" Made by: {command}") };
    Section {
        title: title.into(),
        kind: kind.into(),
        text: format!("{text}{made}").trim().into(),
        tables,
        ..Section::default()
    }
}

/// A section of figures.
fn figures(title: &str, kind: &str, figures: Vec<Figure>) -> Section {
    Section { title: title.into(), kind: kind.into(), figures, ..Section::default() }
}
