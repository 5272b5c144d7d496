//! Each format from files that the tests write, whole and damaged.

mod archive;
mod binary;
mod idx;
mod pictures;

use super::*;
use std::fs;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("temporary folder")
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("created");
    fs::write(path, bytes).expect("written");
}

/// Everything at `path`, with `validation` images held out.
fn load(path: &Path, validation: usize) -> Result<Dataset> {
    let validation = Holdout::Count(validation);
    Dataset::load(path, &LoadOptions { validation, seed: 1, ..LoadOptions::default() })
}

/// Why `path` cannot be read: a fault of the input, which the message names as `file`.
#[track_caller]
fn refusal(path: &Path, file: &str) -> String {
    let error = load(path, 1).expect_err("refused");
    assert_eq!(error.exit_code(), 3, "{error}");
    let message = error.to_string();
    assert!(message.contains(file), "{message} does not name {file}");
    message
}

/// Training and validation images together, by their first byte.
fn by_first_byte(data: &Dataset) -> Vec<(u8, u16)> {
    let of = |images: &Images| -> Vec<(u8, u16)> {
        (0..images.len()).map(|i| (images.image(i)[0], images.labels[i])).collect()
    };
    let mut all = [of(&data.train), of(&data.validation)].concat();
    all.sort_unstable();
    all
}

#[test]
fn nothing_known_is_explained() {
    let dir = folder();
    let message = refusal(dir.path(), "looked for");
    for mark in ["data_batch_1.bin", "train.bin", "t10k-images", ".npz", "CLASS"] {
        assert!(message.contains(mark), "{message}");
    }
    refusal(&dir.path().join("absent"), "absent");
    let options = LoadOptions { format: Some(Format::Idx), ..LoadOptions::default() };
    let message = Dataset::load(dir.path(), &options).expect_err("empty").to_string();
    assert!(message.contains("idx3") && !message.contains("npz"), "{message}");
    write(&dir.path().join("notes.txt"), "not images");
    refusal(&dir.path().join("notes.txt"), "notes.txt");
}

#[test]
fn the_hash_is_of_the_content() {
    let all = Images::synthetic(20, 1);
    let hash = |all: &Images, test: Images| Dataset::split(all, test, 4, 0, 1).expect("split").hash;
    let test = Images::synthetic(4, 2);
    let first = hash(&all, test.clone());
    assert_eq!(first.len(), 64);
    assert_eq!(first, hash(&all, test.clone()));
    let mut changed = test.clone();
    changed.labels[3] ^= 1;
    assert_ne!(first, hash(&all, changed));
    let mut changed = test;
    changed.pixels[0] ^= 1;
    assert_ne!(first, hash(&all, changed));
    // Written out for one image: three empty sets would differ only in their shape.
    let shape = ImageShape { channels: 1, height: 1, width: 2 };
    let one = Images { shape, pixels: vec![7, 8], labels: vec![258] };
    let mut bytes = Vec::new();
    [1_u64, 1, 2, 1].iter().for_each(|n| bytes.extend(n.to_le_bytes()));
    bytes.extend([2, 1, 7, 8]);
    let want: String = <sha2::Sha256 as sha2::Digest>::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(note::hash(&[&one]), want);
}

#[test]
fn notes_and_descriptions_say_what_there_is() {
    let data = Dataset::split(&Images::synthetic(200, 1), Images::synthetic(30, 2), 40, 0, 1)
        .expect("split");
    let note = data.note();
    assert_eq!((note.train, note.validation, note.test, note.classes), (160, 40, 30, 10));
    assert_eq!(note.shape, ImageShape { channels: 3, height: 32, width: 32 });
    assert_eq!((note.mean.len(), &note.std), (3, &data.normalise.std));
    let text = serde_json::to_string(&note).expect("JSON");
    assert_eq!(serde_json::from_str::<DataNote>(&text).expect("a note"), note);
    let text = describe(&data);
    for part in ["synthetic: 3x32x32, 10 classes", "160 training", "40 val", "30 test", &data.hash]
    {
        assert!(text.contains(part), "{text}");
    }
}
