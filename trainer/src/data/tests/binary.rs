//! CIFAR-10 and CIFAR-100.

use super::*;
use crate::rng::Rng;

/// A record whose pixels are all `value`, but for the planes' second bytes.
fn record(labels: &[u8], value: u8) -> Vec<u8> {
    let mut bytes = labels.to_vec();
    for channel in 0..3 {
        bytes.extend([value, channel]);
        bytes.extend([value; 1022]);
    }
    bytes
}

/// Ten training images, two a file, and three test images.
fn write_ten(dir: &Path) {
    for part in 0..5_u8 {
        let records = [2 * part, 2 * part + 1].map(|i| record(&[9 - i], i)).concat();
        write(&dir.join(format!("data_batch_{}.bin", part + 1)), records);
    }
    write(
        &dir.join("test_batch.bin"),
        [record(&[1], 1), record(&[0], 2), record(&[9], 3)].concat(),
    );
}

fn write_hundred(dir: &Path) {
    let records: Vec<u8> = (0..20).flat_map(|i| record(&[i, 99 - i], i)).collect();
    write(&dir.join("train.bin"), &records);
    write(&dir.join("test.bin"), &records[..3 * 3074]);
}

#[test]
fn ten_classes_round_trip() {
    let dir = folder();
    write_ten(&dir.path().join("cifar-10-batches-bin"));
    let data = load(dir.path(), 3).expect("the parent folder");
    assert_eq!((data.name.as_str(), data.train.len(), data.validation.len()), ("cifar10", 7, 3));
    assert_eq!(data.classes, cifar::CLASSES);
    assert_eq!(data.normalise, Normalise::cifar10());
    assert!(by_first_byte(&data).into_iter().eq((0..10).map(|i| (i, 9 - u16::from(i)))));
    assert_eq!(data.test.labels, [1, 0, 9]);
    assert_eq!(data.test.image(1)[..3], [2, 0, 2]);
    assert_eq!(data.test.image(1)[1025], 1, "second byte of the green plane");
    let own = load(&dir.path().join("cifar-10-batches-bin"), 3).expect("the folder itself");
    assert_eq!(own.hash, data.hash);
}

#[test]
fn the_split_is_that_of_the_seed() {
    let dir = folder();
    write_ten(dir.path());
    let mut order: Vec<u8> = (0..10).collect();
    Rng::new(1, "validation split").shuffle(&mut order);
    let data = load(dir.path(), 4).expect("a data set");
    let firsts =
        |images: &Images| (0..images.len()).map(|i| images.image(i)[0]).collect::<Vec<_>>();
    assert_eq!(firsts(&data.validation), order[..4]);
    assert_eq!(firsts(&data.train), order[4..]);
    let options = LoadOptions { seed: 1, limit: 2, ..LoadOptions::default() };
    let data = Dataset::load(dir.path(), &options).expect("a data set");
    assert_eq!(firsts(&data.validation), order[..1], "5 %, but one at least");
    assert_eq!(firsts(&data.train), order[1..3]);
    assert_eq!(firsts(&data.test), [1, 2]);
}

#[test]
fn hundred_classes_round_trip() {
    let dir = folder();
    write_hundred(dir.path());
    let data = load(dir.path(), 2).expect("a data set");
    assert_eq!((data.name.as_str(), data.classes.len()), ("cifar100", 100));
    assert_eq!((&*data.classes[0], &*data.classes[99]), ("apple", "worm"));
    assert_eq!(data.normalise, Normalise::cifar100());
    assert!(by_first_byte(&data).into_iter().eq((0..20).map(|i| (i, 99 - u16::from(i)))));
    assert_eq!(data.test.labels, [99, 98, 97]);
}

#[test]
fn names_beside_the_files_are_used() {
    let dir = folder();
    write_ten(dir.path());
    let names: Vec<String> = (0..10).map(|i| format!("class {i}")).collect();
    write(&dir.path().join("classes.txt"), names.join("\n"));
    assert_eq!(load(dir.path(), 1).expect("a data set").classes, names);
    write(&dir.path().join("batches.meta.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
    assert_eq!(load(dir.path(), 1).expect("a data set").classes[9], "j", "the archive's own");
    write(&dir.path().join("batches.meta.txt"), "a\nb\n");
    assert!(refusal(dir.path(), "batches.meta.txt").contains("2 names for 10"));
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let dir = folder();
    write_ten(dir.path());
    let refused = |change: fn(&mut LoadOptions)| {
        let mut options = LoadOptions { seed: 1, ..LoadOptions::default() };
        change(&mut options);
        matches!(Dataset::load(dir.path(), &options), Err(Error::BadSetting { .. }))
    };
    assert!(!refused(|o| o.size = Some((32, 32))));
    assert!(refused(|o| o.size = Some((32, 33))));
    assert!(refused(|o| o.validation = Holdout::Given));
    assert!(refused(|o| o.validation = Holdout::Count(10)));
    assert!(refused(|o| o.normalise = Some(Normalise { mean: vec![0.5], std: vec![0.5] })));
}

#[test]
fn damage_is_refused_by_name() {
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    write_ten(dir.path());
    write(&at("data_batch_3.bin"), &record(&[0], 0)[1..]);
    assert!(refusal(dir.path(), "data_batch_3.bin").contains("truncated"));
    write(&at("data_batch_3.bin"), record(&[10], 0));
    assert!(refusal(dir.path(), "data_batch_3.bin").contains("label 10 of record 0"));
    write(&at("data_batch_3.bin"), []);
    refusal(dir.path(), "data_batch_3.bin");
    fs::remove_file(at("data_batch_3.bin")).expect("removed");
    refusal(dir.path(), "data_batch_3.bin");

    let dir = folder();
    write_hundred(dir.path());
    write(&dir.path().join("test.bin"), [record(&[19, 99], 1), record(&[20, 0], 1)].concat());
    assert!(refusal(dir.path(), "test.bin").contains("label 20 of record 1"));
    write(&dir.path().join("test.bin"), record(&[0, 100], 1));
    assert!(refusal(dir.path(), "test.bin").contains("label 100 of record 0 is not below 100"));
    fs::remove_file(dir.path().join("test.bin")).expect("removed");
    refusal(dir.path(), "test.bin");
}
