//! Masks from outside of the model.

use std::io::Write;

use safetensors::tensor::{Dtype, TensorView, serialize};
use tacita_compile::masks::{Edits, MaskFile, apply, import_with_edits};
use tacita_compile::testing::{MaskForm, ModelBuilder, ResNet};
use tacita_compile::{Network, read, read_model};
use zip::write::FileOptions;

use crate::cli::{json, run, text};

const TINY: ResNet = ResNet::tiny(1, 0.5);
/// Activations of it: name, channels, rows and columns.
const ACTIVATIONS: [(&str, usize, usize); 7] = [
    ("act1", 4, 8),
    ("layer1.0.act1", 4, 8),
    ("layer1.0.act2", 4, 8),
    ("layer2.0.act1", 8, 4),
    ("layer2.0.act2", 8, 4),
    ("layer3.0.act1", 8, 2),
    ("layer3.0.act2", 8, 2),
];

type Array = (String, Vec<usize>, Vec<f32>);

fn network() -> Network {
    read(&TINY.bytes()).unwrap()
}

/// A mask that keeps every third position.
fn thirds(name: &str, dims: &[usize]) -> Array {
    let n = dims.iter().product::<usize>();
    (name.into(), dims.to_vec(), (0..n).map(|i| f32::from(i % 3 == 0)).collect())
}

fn tensors(arrays: &[Array]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> =
        arrays.iter().map(|(.., v)| v.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let views = arrays.iter().zip(&bytes).map(|((name, dims, _), bytes)| {
        (name.clone(), TensorView::new(Dtype::F32, dims.clone(), bytes).unwrap())
    });
    serialize(views.collect::<Vec<_>>(), None).unwrap()
}

/// An array file of format 1.0.
fn npy(descr: &str, dims: &[usize], data: &[u8]) -> Vec<u8> {
    let dims: String = dims.iter().map(|d| format!("{d}, ")).collect();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({dims}), }}");
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn archive(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(format!("{name}.npy"), FileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn file(bytes: &[u8]) -> Edits {
    Edits { file: Some(MaskFile::from_bytes("masks", bytes).unwrap()), ..Edits::default() }
}

fn edited(edits: &Edits) -> Network {
    let mut network = network();
    apply(&mut network, edits).unwrap();
    network
}

fn refusal(edits: &Edits) -> String {
    apply(&mut network(), edits).unwrap_err().to_string()
}

fn ones(network: &Network, name: &str) -> usize {
    network.layers.iter().find(|l| l.name == name).unwrap().mask.ones()
}

#[test]
fn arrays_are_found_by_name_and_replace_masks() {
    let edits = file(&tensors(&[
        thirds("layer1.0.act2", &[1, 4, 8, 8]),
        thirds("layer2.0.act1", &[8, 1, 1]),
        thirds("model.layer3.0.act1.mask", &[32]),
        thirds("act1", &[4]),
    ]));
    let (before, after) = (network(), edited(&edits));
    assert_eq!(ones(&after, "layer1.0.act2"), 86);
    assert_eq!(ones(&after, "layer2.0.act1"), 3 * 16);
    assert_eq!(ones(&after, "layer3.0.act1"), 11);
    assert_eq!(ones(&after, "act1"), 2 * 64);
    assert_eq!(ones(&after, "layer2.0.act2"), ones(&before, "layer2.0.act2"));
    let mask = &after.layers.iter().find(|l| l.name == "layer1.0.act2").unwrap().mask;
    assert!((0..256).all(|i| mask.relu(i) == (i % 3 == 0)));
    let replaced = after.warnings.iter().filter(|w| w.contains("is replaced by"));
    assert_eq!(replaced.count(), 4, "{:?}", after.warnings);
}

#[test]
fn arrays_without_names_are_taken_in_order() {
    let array = |(_, c, n): &(&str, usize, usize), keep: usize| {
        (0..c * n * n).map(|i| u8::from(i < keep)).collect::<Vec<u8>>()
    };
    // Written out of order: `arr_10` comes last by number, and the archive's order counts.
    let members: Vec<(String, Vec<u8>)> = ACTIVATIONS
        .iter()
        .enumerate()
        .map(|(i, a)| (format!("arr_{}", 10 - i), npy("|b1", &[a.1, a.2, a.2], &array(a, i + 1))))
        .collect();
    let members: Vec<(&str, Vec<u8>)> =
        members.iter().map(|(n, b)| (n.as_str(), b.clone())).collect();
    let after = edited(&file(&archive(&members)));
    let counts: Vec<usize> = ACTIVATIONS.iter().map(|a| ones(&after, a.0)).collect();
    assert_eq!(counts, [1, 2, 3, 4, 5, 6, 7]);
    // Safetensors keep no order: their names' numbers give it.
    let arrays: Vec<Array> = ACTIVATIONS
        .iter()
        .enumerate()
        .map(|(i, a)| {
            let values = array(a, i + 1).into_iter().map(f32::from).collect();
            (format!("mask{}", i + 5), vec![a.1, a.2, a.2], values)
        })
        .collect();
    let after = edited(&file(&tensors(&arrays)));
    let counts: Vec<usize> = ACTIVATIONS.iter().map(|a| ones(&after, a.0)).collect();
    assert_eq!(counts, [1, 2, 3, 4, 5, 6, 7]);
    let text = refusal(&file(&archive(&members[..6])));
    assert!(text.contains("its 6 arrays") && text.contains("7 activations"), "{text}");
}

#[test]
fn numpy_types() {
    let bits = [0u8, 1, 1, 0];
    let wide = |f: &dyn Fn(u8) -> Vec<u8>| bits.iter().flat_map(|b| f(*b)).collect::<Vec<u8>>();
    for (descr, data) in [
        ("|u1", bits.to_vec()),
        ("|b1", bits.to_vec()),
        ("<i8", wide(&|b| i64::from(b).to_le_bytes().to_vec())),
        ("<i4", wide(&|b| i32::from(b).to_le_bytes().to_vec())),
        ("<f4", wide(&|b| f32::from(b).to_le_bytes().to_vec())),
        ("<f8", wide(&|b| f64::from(b).to_le_bytes().to_vec())),
    ] {
        let bytes = archive(&[("act1", npy(descr, &[4], &data))]);
        let read = MaskFile::from_bytes("m", &bytes).unwrap();
        assert_eq!(read.arrays[0].relus, [false, true, true, false], "{descr}");
    }
    let refused = |descr: &str, dims: &[usize], data: &[u8]| {
        let bytes = archive(&[("act1", npy(descr, dims, data))]);
        MaskFile::from_bytes("m", &bytes).unwrap_err().to_string()
    };
    assert!(refused("<f2", &[4], &[0; 8]).contains("save it as bool"));
    assert!(refused(">f4", &[4], &[0; 16]).contains("big-endian"));
    assert!(refused("<f4", &[4], &0.5f32.to_le_bytes().repeat(4)).contains("it holds 0.5"));
    assert!(refused("|u1", &[4], &[0, 1, 2, 0]).contains("it holds 2"));
    assert!(refused("|u1", &[4], &[0, 1]).contains("2 bytes do not make a [4]"));
    assert!(refused("|u1", &[1 << 23], &[]).contains("too large"));
    assert!(refused("|u1", &[1 << 40, 1 << 40], &[]).contains("absurd"));
}

#[test]
fn unfit_files_say_why() {
    let shape = refusal(&file(&tensors(&[thirds("layer1.0.act2", &[4, 4, 8])])));
    for part in ["layer `layer1.0.act2`", "[4, 4, 8]", "[1, 4, 8, 8]", "[256]"] {
        assert!(shape.contains(part), "{part}: {shape}");
    }
    let named = [thirds("act1", &[4]), thirds("relu7", &[4])];
    let text = refusal(&file(&tensors(&named)));
    assert!(text.contains("no activation is called `relu7`"), "{text}");
    assert!(text.contains("`layer3.0.act2`") && !text.contains("`fc`"), "{text}");
    let text = refusal(&file(&tensors(&[thirds("act2", &[4])])));
    assert!(text.contains("more than one activation"), "{text}");
    let twice = [thirds("layer1.0.act1", &[4]), thirds("module.layer1.0.act1", &[4])];
    assert!(refusal(&file(&tensors(&twice))).contains("the second array"));
    let soft = ("act1".to_owned(), vec![4], vec![0.0, 1.0, 0.3, f32::NAN]);
    let text = MaskFile::from_bytes("m", &tensors(&[soft])).unwrap_err().to_string();
    assert!(text.contains("m: `act1`: it holds 0.3"), "{text}");
    for bytes in [&b"neither"[..], b"PK\x03\x04 no archive", b""] {
        assert!(MaskFile::from_bytes("m", bytes).is_err());
    }
    let empty = MaskFile::from_bytes("m", &tensors(&[])).unwrap_err().to_string();
    assert!(empty.contains("holds no arrays"), "{empty}");
}

#[test]
fn culling_and_keeping() {
    let cull = |names: &[&str]| Edits {
        cull: names.iter().map(|n| (*n).to_owned()).collect(),
        ..Edits::default()
    };
    let after = edited(&cull(&["layer1.*", "act1"]));
    assert_eq!((ones(&after, "act1"), ones(&after, "layer1.0.act2")), (0, 0));
    assert!(ones(&after, "layer2.0.act1") > 0);
    let text = refusal(&cull(&["fc"]));
    assert!(text.contains("no activation `fc`") && text.contains("`act1`"), "{text}");

    let full = edited(&Edits { keep_all: true, ..Edits::default() });
    let total: usize = full.layers.iter().map(|l| l.unmasked_relus).sum();
    assert_eq!((full.relus(), total), (total, 4 * 64 * 3 + 8 * 16 * 2 + 8 * 4 * 2));
    let both = Edits { keep_all: true, ..cull(&["layer*"]) };
    assert_eq!(edited(&both).relus(), 256);
    assert!(edited(&Edits::default()).relus() == network().relus());
}

#[test]
fn edits_come_before_lowering() {
    // A culled layer is linear, and merges.
    let mut b = ModelBuilder::new(1, [2, 4, 4]);
    let x = b.conv("conv", &b.image(), tacita_compile::testing::ConvSpec::same(2, 3, 3, 1), true);
    let mask = b.mask(48, 0.5);
    let x = b.masked_relu("act1", &x, [3, 4, 4], &mask, MaskForm::default());
    let x = b.conv("point", &x, tacita_compile::testing::ConvSpec::same(3, 2, 1, 1), true);
    let x = b.op("Relu", "act2", &[&x]);
    let x = b.op("Flatten", "flatten", &[&x]);
    let x = b.gemm("fc", &x, 32, 3);
    let model = b.finish(&x, 3);
    let bytes = prost::Message::encode_to_vec(&model);
    let edits = Edits { cull: vec!["act1".into()], ..Edits::default() };
    let names: Vec<_> =
        import_with_edits(&bytes, &edits).unwrap().layers.into_iter().map(|l| l.name).collect();
    assert_eq!(names, ["image", "act2", "fc"]);
    assert_eq!(read_model(&model).unwrap().layers.len(), 4);
}

#[test]
fn the_program_takes_masks() {
    let dir = tempfile::tempdir().unwrap();
    let [model, masks, plan] = ["m.onnx", "m.safetensors", "m.tacita"].map(|n| dir.path().join(n));
    std::fs::write(&model, TINY.bytes()).unwrap();
    std::fs::write(&masks, tensors(&[thirds("act1", &[4, 8, 8])])).unwrap();
    let build = ["build", text(&model), "-o", text(&plan), "--json", "--batch", "1"];
    let with = |more: &[&str]| json(&[&build[..], more].concat());
    let relus = |v: &serde_json::Value, layer: usize| v["layers"][layer]["relus"].as_u64().unwrap();
    let plain = with(&[]);
    let file = with(&["--masks", text(&masks)]);
    assert_eq!((relus(&file, 1), relus(&file, 2)), (86, relus(&plain, 2)));
    let both =
        with(&["--masks", text(&masks), "--cull", "layer1.*,layer2.*", "--cull", "layer3.*"]);
    assert_eq!(both["relus"], 86);
    let all = with(&["--keep-all"]);
    assert_eq!(all["relus"], all["unmasked_relus"]);
    let out = run(&[&build[..], &["--cull", "nothing"]].concat());
    assert_eq!(out.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&out.stderr).contains("the model's activations are: `act1`"));
}

#[test]
fn stored_ranges_do_not_outlive_their_masks() {
    let mut network = network();
    network.stored_ranges = Some(tacita_compile::StoredRanges::default());
    let mut same = network.clone();
    apply(&mut same, &Edits::default()).unwrap();
    assert!(same.stored_ranges.is_some());
    apply(&mut network, &Edits { keep_all: true, ..Edits::default() }).unwrap();
    assert!(network.stored_ranges.is_none());
    assert!(network.warnings.iter().any(|w| w.contains("--calibrate")));
}
