//! Renders a folder of results into one HTML page that needs nothing else (see [`tacita_page`]).

mod budgets;
mod published;
mod stages;
mod tables;
#[cfg(test)]
mod tests;
mod training;

use crate::results::Study;
use tacita_page::{Figure, Section, Table, page};

/// Renders studies, given with the names of their files, as an HTML page.
pub fn render(studies: &[(String, Study)], title: &str) -> String {
    let mut ordered: Vec<&(String, Study)> = studies.iter().collect();
    // Stable: within a kind the order stays that of the files.
    ordered.sort_by_key(|(_, study)| place(study));
    let sections: Vec<Section> = ordered.iter().map(|(file, study)| section(file, study)).collect();
    page(title, ("Studies", "study"), &sections)
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

fn section(file: &str, study: &Study) -> Section {
    let (figures, mut tables) = contents(study);
    tables.push(tables::conditions(file, study));
    let (title, kind) = (study.head().title.clone(), kind(study).to_owned());
    Section { title, kind, figures, tables, ..Section::default() }
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
