//! The page and the README from made-up results.

use std::path::Path;

use super::*;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/testdata");

fn inputs() -> Inputs {
    Inputs::read(Path::new(DATA)).unwrap()
}

/// A folder with a copy of the README, and the options that write into it.
fn options(results: &Path) -> (tempfile::TempDir, Options) {
    let dir = tempfile::tempdir().unwrap();
    let readme = dir.path().join("README.md");
    std::fs::copy(Path::new(DATA).join("README.md"), &readme).unwrap();
    let out = dir.path().join("new/performance.html");
    let options = Options { results: results.into(), out, readme, json: true };
    (dir, options)
}

fn made(results: &Path) -> (String, String) {
    let (_dir, options) = options(results);
    run(&options).unwrap();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    (read(&options.out), read(&options.readme))
}

#[test]
fn the_same_results_give_the_same_bytes() {
    let first = made(Path::new(DATA));
    assert_eq!(first, made(Path::new(DATA)));
    // A second run over its own README changes nothing.
    let (_dir, options) = options(Path::new(DATA));
    run(&options).unwrap();
    run(&options).unwrap();
    assert_eq!(std::fs::read_to_string(&options.readme).unwrap(), first.1);
}

#[test]
fn every_result_stands_beside_the_command_that_made_it() {
    let (page, readme) = made(Path::new(DATA));
    for (program, verb) in [
        ("tacita-bench", "e2e"),
        ("tacita-bench", "sweep"),
        ("tacita-bench", "kernels"),
        ("tacita-bench", "relu"),
        ("tacita-lab", "compare"),
    ] {
        let command = format!("{program} {verb} --test-data");
        assert!(page.contains(&command), "{command} in the page");
        assert!(readme.contains(&format!("`{command}`")), "{command} in the README");
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
fn the_readme_keeps_what_is_outside_the_markers() {
    let (_, readme) = made(Path::new(DATA));
    assert!(readme.starts_with("# Test data\n") && readme.ends_with("\n\nThe end.\n"));
    assert!(!readme.contains("\nold\n"));
    let row = "| resnet18 | all | 5.00 s (36.9 s, 7.38x) | 405 MB (198 MB, 0.490x) | 4.00 s (307 s, 76.8x) |";
    assert!(readme.contains(row), "{readme}");
}

#[test]
fn missing_files_are_named_with_their_commands() {
    let empty = tempfile::tempdir().unwrap();
    let (page, readme) = made(empty.path());
    for file in [E2E, SWEEP, KERNELS, RELU, BACKENDS, COMPARE, inputs::NETWORKS, inputs::SHAPING] {
        assert!(page.contains(&tacita_page::text::escape(&file.missing())), "{file:?}");
    }
    assert!(readme.contains(&E2E.missing()) && readme.contains(&KERNELS.missing()));
    // Published figures need no run.
    assert!(page.contains("OpenCheetah"));
}

#[test]
fn nothing_is_written_without_markers() {
    let (_dir, options) = options(Path::new(DATA));
    std::fs::write(&options.readme, "no markers\n").unwrap();
    let message = run(&options).unwrap_err().to_string();
    assert!(message.contains("<!-- performance -->"), "{message}");
    assert!(!options.out.exists());
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
