use std::io::Write;

use super::*;

#[test]
fn drawn_images_are_reproducible_and_varied() {
    let shape = Shape::new(3, 8, 8);
    let (a, b) = (Calibration::synthetic(shape, 3), Calibration::synthetic(shape, 3));
    assert_eq!(a.images, b.images);
    assert_ne!(a.images[0], a.images[1]);
}

fn rgb(sample: &Sample) -> &[u8] {
    &sample.picture().unwrap().rgb
}

/// A NumPy array as `numpy.save` writes it.
fn npy(kind: &str, dims: &[usize], bytes: &[u8]) -> Vec<u8> {
    let dims: Vec<String> = dims.iter().map(|d| format!("{d},")).collect();
    let dims = dims.join(" ");
    let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({dims}), }}");
    let text = format!("{text:<117}\n");
    let head = [b"\x93NUMPY\x01\x00".as_slice(), &(text.len() as u16).to_le_bytes()].concat();
    [&head, text.as_bytes(), bytes].concat()
}

fn archive(arrays: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("set.npz");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    for (name, bytes) in arrays {
        zip.start_file(format!("{name}.npy"), zip::write::FileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    (dir, path)
}

fn read(path: &Path, part: Part, limit: usize) -> Result<Calibration> {
    Calibration::read(path, part, Shape::new(3, 2, 4), limit, false)
}

#[test]
fn archives_of_all_layouts_are_read() {
    let bytes: Vec<u8> = (0..48).collect();
    let labels = npy("|u1", &[2, 1], &[4, 7]);
    let last = npy("|u1", &[2, 2, 4, 3], &bytes);
    let (_dir, path) = archive(&[("test_images", last), ("test_labels", labels)]);
    for part in [Part::Train, Part::Test] {
        let got = read(&path, part, 10).unwrap();
        assert_eq!((got.labels, rgb(&got.images[1])), (vec![4, 7], &bytes[24..]));
    }
    assert_eq!(read(&path, Part::Test, 1).unwrap().labels, [4]);
    // Channels first, labels of eight bytes.
    let wide: Vec<u8> = [3u64, 2].iter().flat_map(|x| x.to_le_bytes()).collect();
    let (_dir, path) =
        archive(&[("x", npy("|u1", &[2, 3, 2, 4], &bytes)), ("y", npy("<i8", &[2], &wide))]);
    let got = read(&path, Part::Test, 10).unwrap();
    assert_eq!((got.labels, &rgb(&got.images[0])[..4]), (vec![3, 2], &[0, 8, 16, 1][..]));
    // Grey, several labels an image.
    let many = npy("|u1", &[2, 2], &[0, 1, 1, 0]);
    let (_dir, path) =
        archive(&[("images", npy("|u1", &[2, 2, 4], &bytes[..16])), ("labels", many)]);
    let got = read(&path, Part::Test, 10).unwrap();
    assert_eq!((got.labels.len(), &rgb(&got.images[1])[..6]), (0, &[8, 8, 8, 9, 9, 9][..]));
}

#[test]
fn archives_have_a_training_and_a_test_part() {
    let set = |value: u8| npy("|u1", &[1, 2, 4], &[value; 8]);
    let (_dir, path) = archive(&[("train_images", set(1)), ("test_images", set(2))]);
    let first = |part| rgb(&read(&path, part, 9).unwrap().images[0])[0];
    assert_eq!((first(Part::Train), first(Part::Test)), (1, 2));
}

#[test]
fn damaged_archives_are_refused() {
    let refused = |arrays: &[(&str, Vec<u8>)], why: &str| {
        let (_dir, path) = archive(arrays);
        let text = read(&path, Part::Test, 10).unwrap_err().to_string();
        assert!(text.contains(why) && text.contains("set.npz"), "{text}");
    };
    refused(&[("other", npy("|u1", &[1], &[0]))], "no array");
    refused(&[("x", npy("<i4", &[1, 2, 4], &[0; 32]))], "uint8 is needed");
    refused(&[("x", npy("|u1", &[2, 2, 4], &[0; 11]))], "shorter than its header");
    refused(&[("x", npy("|u1", &[2, 5, 2, 4], &[0; 80]))], "shape [2, 5, 2, 4]");
    refused(&[("x", npy("|u1", &[9, 1 << 30, 1 << 30], &[]))], "absurd");
    refused(&[("x", b"\x93NUMPY\x01\x00\xff\xff".to_vec())], "too long");
    refused(&[("x", b"PK".to_vec())], "fill whole buffer");
    let images = || ("x", npy("|u1", &[2, 2, 4], &[0; 16]));
    refused(&[images(), ("y", npy("|u1", &[1], &[0]))], "1 labels for 2 images");
    refused(&[images(), ("y", npy("<f4", &[2], &[0; 8]))], "integers are needed");
}

#[test]
fn folders_of_batches_have_two_parts_and_others_none() {
    let dir = tempfile::tempdir().unwrap();
    let record = |label: u8| [vec![label], vec![0; 3072]].concat();
    for (name, label) in [("data_batch_2.bin", 2), ("data_batch_1.bin", 1), ("test_batch.bin", 9)] {
        std::fs::write(dir.path().join(name), record(label)).unwrap();
    }
    let shape = Shape::new(3, 32, 32);
    let labels = |part, n| Calibration::read(dir.path(), part, shape, n, false).unwrap().labels;
    assert_eq!(labels(Part::Train, 9), [1, 2]);
    assert_eq!(labels(Part::Train, 1), [1]);
    assert_eq!(labels(Part::Test, 9), [9]);
    let empty = tempfile::tempdir().unwrap();
    let e = Calibration::read(empty.path(), Part::Test, shape, 9, false).unwrap_err();
    assert!(e.to_string().contains("no images"));
}
