//! The verb `report`.

use tacita_compile::testing::ResNet;

use crate::cli::{json, pictures, run, text};

#[test]
fn a_page_with_and_without_measurements() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (model, plan, page) = (at("m.onnx"), at("m.tacita"), at("m.html"));
    let small = ResNet { side: 32, widths: [2, 2, 2], classes: 10, ..ResNet::tiny(1, 0.5) };
    std::fs::write(&model, small.bytes()).unwrap();
    json(&["build", text(&model), "-o", text(&plan), "--json", "--batch", "2"]);
    let inspect = json(&["inspect", text(&plan), "--json"]);

    let done = json(&["report", text(&plan), "-o", text(&page), "--json"]);
    let html = std::fs::read_to_string(&page).unwrap();
    assert_eq!(
        (done["measured"].as_bool(), done["bytes"].as_u64()),
        (Some(false), Some(html.len() as u64))
    );
    assert!(html.contains(inspect["plan_hash"].as_str().unwrap()));
    assert!(html.contains("Not measured"));

    let (_, batch) = pictures(dir.path());
    let measure = ["report", text(&plan), "-o", text(&page), "--json", "--data", text(&batch)];
    assert_eq!(run(&measure).status.code(), Some(2), "images without their model");
    let measure = [&measure[..], &["--model", text(&model)]].concat();
    assert_eq!(json(&measure)["measured"], true);
    assert!(std::fs::read_to_string(&page).unwrap().contains("Relative difference"));

    let other = ResNet { blocks: 2, ..small };
    std::fs::write(&model, other.bytes()).unwrap();
    let out = run(&measure);
    assert_eq!(out.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&out.stderr).contains("m.onnx: the model is not the one"));
}
