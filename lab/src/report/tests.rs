//! The page and the tables from made-up results.

use std::path::Path;

use super::*;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/testdata");

fn inputs() -> Inputs {
    Inputs::read(Path::new(DATA)).unwrap()
}

/// Options that write into a folder.
fn options(results: &Path, dir: &Path) -> Options {
    let (out, tables) = (dir.join("new/performance.html"), dir.join("new/performance.md"));
    Options { results: results.into(), out, tables, json: true }
}

/// The page and the tables.
fn made(results: &Path) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    let options = options(results, dir.path());
    run(&options).unwrap();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    (read(&options.out), read(&options.tables))
}

#[test]
fn the_same_results_give_the_same_bytes() {
    assert_eq!(made(Path::new(DATA)), made(Path::new(DATA)));
}

#[test]
fn what_is_published_is_what_the_results_give() {
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
    let published = |name: &str| std::fs::read_to_string(results.join(name)).unwrap();
    let (page, tables) = made(&results);
    let hint = "write it again: `tacita-lab report`";
    assert!(page == published("performance.html"), "performance.html is out of date; {hint}");
    assert!(tables == published("performance.md"), "performance.md is out of date; {hint}");
}

#[test]
fn every_result_stands_beside_the_command_that_made_it() {
    let (page, tables) = made(Path::new(DATA));
    for (program, verb) in [
        ("tacita-bench", "e2e"),
        ("tacita-bench", "sweep"),
        ("tacita-bench", "kernels"),
        ("tacita-bench", "relu"),
        ("tacita-lab", "compare"),
    ] {
        let command = format!("{program} {verb} --test-data");
        assert!(page.contains(&command), "{command} in the page");
        assert!(tables.contains(&format!("`{command}`")), "{command} in the tables");
    }
    assert!(page.contains("tacita-lab networks MODEL..."));
    assert!(!page.contains("is missing"), "all files are there");
    // Self-contained: no address but that of the page's own sections.
    assert!(!page.contains("http") && !page.contains("src=") && !page.contains("NaN"));
    let figures = |text: &str| text.split("<figure").skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert!(figures(&page).len() >= 6);
    assert!(figures(&page).iter().all(|f| f.contains("Made by")));
}

#[test]
fn a_row_has_ours_then_theirs() {
    let (_, tables) = made(Path::new(DATA));
    assert!(tables.starts_with("# Tacita: performance\n\n"));
    let row = "| resnet18 | all | 5.00 s (36.9 s, 7.38x) | 405 MB (198 MB, 0.490x) | 4.00 s (307 s, 76.8x) |";
    assert!(tables.contains(row), "{tables}");
}

#[test]
fn missing_files_are_named_with_their_commands() {
    let empty = tempfile::tempdir().unwrap();
    let (page, tables) = made(empty.path());
    for file in [E2E, SWEEP, KERNELS, RELU, BACKENDS, COMPARE, inputs::NETWORKS, inputs::SHAPING] {
        assert!(page.contains(&tacita_page::text::escape(&file.missing())), "{file:?}");
    }
    assert!(tables.contains(&E2E.missing()) && tables.contains(&KERNELS.missing()));
    // Published figures need no run.
    assert!(page.contains("OpenCheetah"));
}

/// Bytes are the same over every link, seconds are not.
#[test]
fn links_that_make_no_difference_share_a_curve() {
    let figures = sweep::section(&inputs()).figures;
    let names = |i: usize| figures[i].legend.iter().map(|l| l.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(0), ["loopback", "lan", "wan"]);
    assert_eq!(names(1), ["every link"]);
}

#[test]
fn published_figures_have_a_column_of_their_own() {
    let section = alternatives::section(&inputs());
    let table = section.tables.last().unwrap();
    let column = |name: &str| table.columns.iter().position(|c| c.0 == name).unwrap();
    let (published, elsewhere) = (column("published"), column("measured by us on other hardware"));
    let cells = |i: usize| [table.rows[i][published].as_str(), &table.rows[i][elsewhere]];
    assert_eq!(cells(0), ["12.5 s", ""]);
    assert_eq!(cells(1), ["", "2.50 GB"]);
}

#[test]
fn every_table_has_a_cell_for_every_column() {
    let sections = [
        headline::section(&inputs()),
        sweep::section(&inputs()),
        against::section(&inputs()),
        layers::section(&inputs()),
        kernels::section(&inputs()),
        relu::section(&inputs()),
        alternatives::section(&inputs()),
        networks::section(&inputs()),
        shaping::section(&inputs()),
        conditions::section(&inputs()),
    ];
    for table in sections.iter().flat_map(|s| &s.tables) {
        assert!(!table.rows.is_empty(), "{}", table.caption);
        let width = table.columns.len();
        assert!(table.rows.iter().all(|r| r.len() == width), "{}: {:?}", table.caption, table.rows);
    }
}

#[test]
fn the_classic_circuit_is_compared_row_by_row() {
    let table = alternatives::relu(&inputs().compare.unwrap());
    let row = table.rows.iter().find(|r| r[1] == "14").unwrap();
    let expected = ["11.6x", "13.6x", "4.60x"];
    assert_eq!(row[9..], expected);
}
