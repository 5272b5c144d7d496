//! Tests of the page as a whole.

use super::render;
use crate::results::{Study, tests::budgets, tests::studies};

/// Elements that HTML lets stand open; the page closes them all the same.
fn check_balance(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    let body = page.strip_prefix("<!DOCTYPE html>").expect("a document type");
    let mut rest = body;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("an end of the tag");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        assert!(!tag.contains('<'), "unescaped: {tag}");
        assert_eq!(tag.matches('"').count() % 2, 0, "quotes of {tag}");
        let name = |t: &'_ str| t.split(char::is_whitespace).next().map(str::len).unwrap_or(0);
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "before {:.80}", rest);
        } else if !tag.ends_with('/') {
            open.push(&tag[..name(tag)]);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn the_page_is_well_formed_and_stands_alone() {
    let page = render(&studies(), "Results <of> \"all\" & more");
    check_balance(&page);
    for outside in ["http", "src=", "<link", "<script", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page, render(&studies(), "Results <of> \"all\" & more"));
}

#[test]
fn texts_are_escaped() {
    let page = render(&studies(), "Results <of> & more");
    assert!(page.contains("<h1>Results &lt;of&gt; &amp; more</h1>"));
    assert!(page.contains("Budgets of &lt;thin&gt;") && page.contains("uni&lt;form"));
    assert!(page.contains("--seeds 2 &gt; &quot;a&lt;b&quot;"));
    assert!(!page.contains("uni<form") && !page.contains("a<b"));
}

#[test]
fn ids_are_unique_and_every_drawing_is_described() {
    let page = render(&studies(), "x");
    let mut ids: Vec<&str> =
        page.split(" id=\"").skip(1).filter_map(|s| s.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    let drawings = page.matches("role=\"img\"").count();
    // Accuracy, three of layers, four of training; two of stages, two of training; layers.
    assert_eq!(drawings, 1 + 3 + 4 + 2 + 2 + 1);
    assert_eq!(page.matches("<desc id=").count(), drawings);
    assert!(!page.contains("NaN") && !page.contains("inf\""));
}

#[test]
fn published_curves_stand_beside_their_own_data_set_alone() {
    let page = |name: &str| {
        let mut study = budgets();
        study.head.data.name = name.to_owned();
        render(&[("x.json".to_owned(), Study::Budgets(study))], "x")
    };
    let cifar100 = page("CIFAR-100");
    assert!(cifar100.contains("remembered, unverified") && cifar100.contains("AutoReP"));
    let cifar10 = page("cifar10");
    assert!(cifar10.contains("DeepReDuce") && !cifar10.contains("AutoReP"));
    assert!(!page("digits").contains("DeepReDuce"));
}

#[test]
fn numbers_of_the_summary_are_on_the_page() {
    let page = render(&studies(), "x");
    let row = "<td>50 %</td><td>senet</td><td class=\"n\">1,500</td><td class=\"n\">3</td>\
               <td class=\"n\">63.00</td><td class=\"n\">3.61</td><td class=\"n\">60.00</td>\
               <td class=\"n\">67.00</td><td class=\"n\">+2.00</td>";
    assert!(page.contains(row));
    assert!(page.contains("Most critical first: s2, s1; published: s3, s2, s4, s1."));
    assert!(page.contains("812.2") && page.contains("1.23M"));
}

#[test]
fn studies_without_runs_do_no_harm() {
    let mut empty = budgets();
    empty.runs.clear();
    empty.network.layers.clear();
    let empty = ("x.json".to_owned(), Study::Budgets(empty));
    check_balance(&render(&[empty], "x"));
    check_balance(&render(&[], "x"));
    let mut diverged = budgets();
    diverged.runs.iter_mut().for_each(|r| r.history.iter_mut().for_each(|h| h.loss = f64::NAN));
    let page = render(&[("x.json".to_owned(), Study::Budgets(diverged))], "x");
    check_balance(&page);
    assert!(page.contains("diverged") && !page.contains("NaN"));
}
