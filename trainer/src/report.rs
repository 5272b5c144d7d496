//! Renders a folder of results into one HTML page that needs nothing else: inline SVG, no
//! script, no file or address from outside. The same results give the same bytes.
//!
//! Every figure has a title and a description for those who cannot see it, the table of its
//! numbers, and the command that makes it.

mod axis;
mod budgets;
mod chart;
mod html;
mod labels;
mod published;
mod stages;
mod svg;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod training;

use crate::results::Study;
use html::{Figure, Table};
use text::escape;

/// The style sheet of the page.
const STYLE: &str = include_str!("report/style.css");

/// Renders studies, given with the names of their files, as an HTML page.
pub fn render(studies: &[(String, Study)], title: &str) -> String {
    let mut ordered: Vec<&(String, Study)> = studies.iter().collect();
    // Stable: within a kind the order stays that of the files.
    ordered.sort_by_key(|(_, study)| place(study));
    let entry = |(i, (_, study)): (usize, &&(String, Study))| {
        let (kind, title) = (kind(study), escape(&study.head().title));
        format!("<li><a href=\"#study-{}\">{title}</a> <span>{kind}</span></li>\n", i + 1)
    };
    let contents: String = ordered.iter().enumerate().map(entry).collect();
    let sections = ordered.iter().enumerate().map(|(i, (file, study))| section(i + 1, file, study));
    let sections: String = sections.collect();
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n\
         <h1>{title}</h1>\n<nav aria-label=\"Studies\"><ol>\n{contents}</ol></nav>\n</header>\n\
         <main>\n{sections}</main>\n</body>\n</html>\n"
    )
}

/// Order of the kinds of study on the page.
fn place(study: &Study) -> usize {
    match study {
        Study::Budgets(_) => 0,
        Study::Criticality(_) => 1,
        Study::Sensitivity(_) => 2,
        Study::Models(_) => 3,
        Study::Throughput(_) => 4,
    }
}

fn kind(study: &Study) -> &'static str {
    match study {
        Study::Budgets(_) => "accuracy by ReLU budget",
        Study::Criticality(_) => "criticality of stages",
        Study::Sensitivity(_) => "sensitivity of layers",
        Study::Models(_) => "exported networks",
        Study::Throughput(_) => "throughput",
    }
}

fn section(number: usize, file: &str, study: &Study) -> String {
    let id = format!("study-{number}");
    let (figures, tables) = contents(study);
    let figure = |(i, f): (usize, &Figure)| f.html(&format!("{id}-figure-{}", i + 1));
    let figures: String = figures.iter().enumerate().map(figure).collect();
    let tables = tables.into_iter().chain([tables::conditions(file, study)]);
    let tables: String = tables.map(|t| t.html()).collect();
    format!(
        "<section id=\"{id}\">\n<p class=\"kind\">{}</p>\n<h2>{}</h2>\n{figures}{tables}\
         </section>\n",
        kind(study),
        escape(&study.head().title)
    )
}

/// Figures of a study, and the tables that belong to none.
fn contents(study: &Study) -> (Vec<Figure>, Vec<Table>) {
    match study {
        Study::Budgets(study) => {
            let more = [budgets::layers(study), training::budgets(study)];
            let first = std::iter::once(budgets::accuracy(study));
            (first.chain(more.into_iter().flatten()).collect(), Vec::new())
        }
        Study::Criticality(study) => {
            let cells = study.summary();
            let first = std::iter::once(stages::criticality(study, &cells));
            (first.chain(training::criticality(study, &cells)).collect(), Vec::new())
        }
        Study::Sensitivity(study) => (vec![stages::sensitivity(study)], Vec::new()),
        Study::Models(study) => (Vec::new(), tables::models(study)),
        Study::Throughput(study) => (Vec::new(), tables::throughput(study)),
    }
}
