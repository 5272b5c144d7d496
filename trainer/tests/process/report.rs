//! The page of results.

use super::Place;
use std::path::Path;
use tacita_train::results::{Head, Models, Study, write};

fn study(path: &Path, title: &str) {
    let head = Head { title: title.to_owned(), ..Head::default() };
    write(path, &Study::Models(Models { head, models: Vec::new() })).expect("written");
}

#[test]
fn a_folder_of_studies_becomes_a_page() {
    let place = Place::new();
    study(&place.path("a/results/one.json"), "First & best");
    study(&place.path("a/results/two.json"), "Second");
    std::fs::write(place.path("a/results/notes.txt"), "no study").expect("written");
    let mut command = place.command("report --out pages/all.html --title");
    let output = command.arg("All <of> it").output().expect("started");
    let said = super::text(&output.stdout);
    assert!(output.status.success(), "{}", super::text(&output.stderr));
    for part in ["one.json: First & best", "two.json: Second", "pages/all.html"] {
        assert!(said.contains(part), "{said}");
    }
    let page = std::fs::read_to_string(place.path("a/pages/all.html")).expect("a page");
    for part in ["<h1>All &lt;of&gt; it</h1>", "First &amp; best", "Second"] {
        assert!(page.contains(part), "{part}");
    }
    let found = place.answer("report results --out other.html");
    assert_eq!(found["studies"][1]["title"], "Second");
    assert_eq!(
        found["bytes"],
        std::fs::metadata(place.path("a/other.html")).expect("a page").len()
    );
}

#[test]
fn a_folder_without_studies_is_named() {
    let place = Place::new();
    assert!(place.complaint("report --out x.html").contains("results"));
    std::fs::create_dir_all(place.path("a/results")).expect("a folder");
    let message = place.complaint("report --out x.html");
    assert!(message.contains("results: holds no study"), "{message}");
    std::fs::write(place.path("a/results/bad.json"), "{\"study\": ").expect("written");
    assert!(place.complaint("report --out x.html").contains("bad.json"));
    assert!(!place.path("a/x.html").exists());
}
