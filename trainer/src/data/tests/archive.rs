//! MedMNIST.

use super::*;
use crate::rng::Rng;
use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::FileOptions;

/// A NumPy file with that text for a shape and that element type.
fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    let text = format!("{text:<117}\n");
    let len = (text.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &len, text.as_bytes(), data].concat()
}

fn archive(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(name, FileOptions::default()).expect("a member");
        zip.write_all(bytes).expect("written");
    }
    zip.finish().expect("finished").into_inner()
}

/// Images of two rows and one column; `tail` is what follows in the shape, such as `, 3`.
fn members(tail: &str, channels: u8) -> Vec<(String, Vec<u8>)> {
    let mut members = Vec::new();
    for (set, count) in [("train", 6), ("val", 3), ("test", 2)] {
        let pixels: Vec<u8> = (0..2 * count * channels).collect();
        let labels: Vec<u8> = (0..count).map(|i| i % 2).collect();
        let images = npy("|u1", &format!("({count}, 2, 1{tail})"), &pixels);
        members.push((format!("{set}_images.npy"), images));
        members.push((format!("{set}_labels.npy"), npy("|u1", &format!("({count}, 1)"), &labels)));
    }
    members
}

fn given(path: &Path) -> Result<Dataset> {
    let validation = Holdout::Given;
    Dataset::load(path, &LoadOptions { validation, ..LoadOptions::default() })
}

#[test]
fn gray_archives_round_trip() {
    let dir = folder();
    let path = dir.path().join("smallmnist.npz");
    write(&path, archive(&members("", 1)));
    let data = given(&path).expect("a data set");
    assert_eq!((data.name.as_str(), data.classes.len()), ("smallmnist", 2));
    assert_eq!(data.shape(), ImageShape { channels: 1, height: 2, width: 1 });
    assert_eq!((data.train.len(), data.validation.len(), data.test.len()), (6, 3, 2));
    assert_eq!(data.train.image(5), [10, 11]);
    assert_eq!(data.validation.labels, [0, 1, 0]);
    let same = Dataset::load(dir.path(), &LoadOptions::default()).expect("its folder");
    assert_eq!(same.hash, data.hash);
    let held = load(&path, 2).expect("held out of the training images");
    assert_eq!((held.train.len(), held.validation.len()), (4, 2));
    write(&dir.path().join("other.npz"), []);
    assert!(refusal(dir.path(), "looked for").contains("exactly one"));
}

#[test]
fn colours_become_planes() {
    let dir = folder();
    let path = dir.path().join("colours.npz");
    write(&path, archive(&members(", 3", 3)));
    let data = given(&path).expect("a data set");
    assert_eq!(data.shape(), ImageShape { channels: 3, height: 2, width: 1 });
    assert_eq!(data.train.image(1), [6, 9, 7, 10, 8, 11]);
}

#[test]
fn damage_is_refused_by_name() {
    let dir = folder();
    let path = dir.path().join("set.npz");
    let check = |member: &str, bytes: Option<Vec<u8>>, problem: &str| {
        let mut members = members("", 1);
        members.retain(|(name, _)| name != member);
        members.extend(bytes.map(|bytes| (member.to_owned(), bytes)));
        write(&path, archive(&members));
        let message = refusal(&path, "set.npz");
        assert!(message.contains(problem), "{message} does not say {problem}");
    };
    let images = |shape: &str, data: &[u8]| Some(npy("|u1", shape, data));
    let name = "train_images.npy";
    check(name, None, name);
    check(name, images("(6, 2, 1)", &[0; 11]), "truncated: 11 of the 12");
    check(name, images("(6, 2, 1)", &[0; 13]), "goes on");
    check(name, images("(6, 2)", &[0; 12]), "shape [6, 2]");
    check(name, images("(6, 2, 1, 2)", &[0; 24]), "not [N, H, W]");
    check(name, images("(5, 2, 1)", &[0; 10]), "6 labels for 5 images");
    check(name, images("(0, 2, 1)", &[]), "no data");
    check(name, images("(6, 1, 2)", &[0; 12]), "different sizes");
    check(name, Some(npy("<f4", "(6, 2, 1)", &[0; 48])), "unsigned bytes");
    check(name, Some(b"plain text, not an array".to_vec()), "not a NumPy array");
    check(name, Some(b"\x93NUMPY\x01\x00\xff\xff".to_vec()), "too long");
    check(name, Some(npy("|u1", "(6, 2, 1)", &[])[..40].to_vec()), "train_images.npy");
    check(name, images("(4294967295, 4294967295, 4294967295)", &[1]), "absurd");
    check(name, images("(99999, 99999, 9)", &[1]), "more than");
    check(name, images("(6, -2, 1)", &[1]), "negative");
    check("test_labels.npy", images("(2, 1)", &[0, 2]), "label 2 of image 1 is not below 2");
    check("val_labels.npy", images("(3, 2)", &[0; 6]), "one label an image");
}

#[test]
fn damaged_archives_are_refused_by_name() {
    let dir = folder();
    let path = dir.path().join("set.npz");
    let whole = archive(&members("", 1));
    let mut flipped = whole.clone();
    // A byte of the first member's packed data: its checksum no longer fits.
    flipped[30 + "train_images.npy".len() + 60] ^= 0x55;
    for bytes in [&whole[..whole.len() / 2], &flipped, b"nothing of the kind"] {
        write(&path, bytes);
        refusal(&path, "set.npz");
    }
}

/// Bytes of `whole` changed at random places, some of them cut short.
fn mutated(whole: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..1 + rng.below(4) {
        let at = rng.below(bytes.len());
        // Digits and brackets reach further into the parser than noise does.
        let text = b"0123456789()[]{},:'-|<>uifOSV ";
        let noise = rng.below(256) as u8;
        bytes[at] = if rng.below(2) == 0 { noise } else { text[rng.below(text.len())] };
    }
    if rng.below(8) == 0 {
        bytes.truncate(rng.below(whole.len()));
    }
    bytes
}

#[test]
fn random_damage_never_panics() {
    let dir = folder();
    let path = dir.path().join("set.npz");
    let mut rng = Rng::new(1, "damage");
    let members = members("", 1);
    let whole = archive(&members);
    let mut refused = 0;
    for _ in 0..400 {
        write(&path, mutated(&whole, &mut rng));
        refused += u32::from(given(&path).is_err());
        let mut one = members.clone();
        let member = rng.below(one.len());
        one[member].1 = mutated(&one[member].1, &mut rng);
        write(&path, archive(&one));
        refused += u32::from(given(&path).is_err());
    }
    assert!((400..800).contains(&refused), "{refused}");
}

#[test]
fn the_published_pneumonia_set_is_read() {
    let root = std::env::var_os("TACITA_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        std::path::PathBuf::from,
    );
    let path = root.join("pneumoniamnist/pneumoniamnist.npz");
    if !path.is_file() {
        println!("skipped: no {} (set TACITA_DATA)", path.display());
        return;
    }
    let data = given(&path).expect("a data set");
    assert_eq!((data.train.len(), data.validation.len(), data.test.len()), (4708, 524, 624));
    assert_eq!(data.shape(), ImageShape { channels: 1, height: 28, width: 28 });
    assert_eq!((data.name.as_str(), data.classes.len()), ("pneumoniamnist", 2));
    // Its authors count 3,494 + 389 + 390 images with pneumonia.
    let sick = |images: &Images| images.labels.iter().filter(|&&label| label == 1).count();
    assert_eq!([&data.train, &data.validation, &data.test].map(sick), [3494, 389, 390]);
    assert!((data.normalise.mean[0] - 0.57).abs() < 0.01, "{:?}", data.normalise);
}
