//! `tacita-compile explain`.

use tacita_compile::testing::{ConvSpec, ModelBuilder};
use tacita_onnx::ModelProto;

use crate::cli::{json, run, text};

/// conv -> ReLU -> 1x1 conv -> mean -> fc.
fn model() -> ModelProto {
    let mut b = ModelBuilder::new(3, [3, 8, 8]);
    let x = b.conv("conv1", &b.image(), ConvSpec::same(3, 4, 3, 1), true);
    let x = b.op("Relu", "act1", &[&x]);
    let x = b.conv("conv2", &x, ConvSpec::same(4, 6, 1, 1), true);
    let x = b.op("GlobalAveragePool", "pool", &[&x]);
    let x = b.op("Flatten", "flatten", &[&x]);
    let x = b.gemm("fc", &x, 6, 5);
    b.finish(&x, 5)
}

fn write(dir: &tempfile::TempDir) -> std::path::PathBuf {
    let path = dir.path().join("m.onnx");
    std::fs::write(&path, prost::Message::encode_to_vec(&model())).unwrap();
    path
}

#[test]
fn stages_show_what_each_step_changed() {
    let dir = tempfile::tempdir().unwrap();
    let model = write(&dir);
    let all = json(&["explain", text(&model), "--json"]);
    let stages = all["stages"].as_array().unwrap();
    let names: Vec<_> = stages.iter().map(|s| s["pass"].as_str().unwrap()).collect();
    assert_eq!((names[0], names.len()), ("import", 1 + tacita_compile::lower::PASSES.len()));
    let changed = |pass: &str| {
        let stage = stages.iter().find(|s| s["pass"] == pass).unwrap();
        let layers = stage["layers"].as_array().unwrap().iter();
        let changed = layers.filter(|l| l["changed"] == true);
        changed.map(|l| l["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // The mean moves before the 1x1 convolution, which the last layer then takes in.
    assert_eq!(changed("merge_linear"), ["conv2", "fc"]);
    assert!(changed("import").is_empty() && changed("clip").is_empty());
    let macs = |i: usize| stages[i]["totals"]["macs"].as_u64().unwrap();
    assert_eq!(macs(0), (3 * 9 * 4 + 4 * 6) * 64 + 6 * 5);
    assert_eq!(macs(names.len() - 1), 3 * 9 * 4 * 64 + 4 * 5);
    assert_eq!(stages[0]["totals"]["relus"], 256);
    assert_eq!(stages[0]["layers"][1]["terms"][0], "conv 3x3 pad 1 3>4 (image)");
}

#[test]
fn text_marks_changes_and_one_step_can_be_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let model = write(&dir);
    let out = run(&["explain", text(&model)]);
    let shown = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{shown}");
    let marked = |l: &&str| l.starts_with('*') && l.contains("avgpool 8x8 (act1)");
    assert_eq!(shown.lines().filter(marked).count(), 1, "{shown}");
    assert!(shown.contains("nothing to do"));
    let out = run(&["explain", text(&model), "--pass", "clip"]);
    let one = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(one.starts_with("clip: ") && !one.contains("nothing to do"), "{one}");
    let out = run(&["explain", text(&model), "--pass", "clap"]);
    assert_eq!(out.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&out.stderr).contains("import, guards, swap_pools, max_pool"));
}

#[test]
fn masks_from_outside_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    let model = write(&dir);
    let culled = json(&["explain", text(&model), "--cull", "act*", "--json", "--pass", "import"]);
    let stages = culled["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 1);
    assert_eq!(
        (&stages[0]["totals"]["relus"], &stages[0]["totals"]["unmasked_relus"]),
        (&0.into(), &256.into())
    );
    let failed = run(&["explain", text(&model), "--cull", "relu*"]);
    assert_eq!((failed.status.code(), failed.stdout.len()), (Some(3), 0));
}
