//! Folders of images.

use super::*;
use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage};

/// Writes an image of one colour, three rows and two columns if nothing else is said.
fn picture(path: &Path, colour: [u8; 3]) {
    sized(path, colour, (3, 2));
}

fn sized(path: &Path, colour: [u8; 3], (height, width): (u32, u32)) {
    save(path, RgbImage::from_pixel(width, height, Rgb(colour)).into());
}

fn gray(path: &Path, value: u8) {
    save(path, GrayImage::from_pixel(2, 3, image::Luma([value])).into());
}

fn save(path: &Path, image: DynamicImage) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("created");
    let jpeg = path.extension().is_some_and(|e| !e.eq_ignore_ascii_case("png"));
    let format = if jpeg { ImageFormat::Jpeg } else { ImageFormat::Png };
    image.save_with_format(path, format).expect("written");
}

/// Files `0.png` and so on in the folder, with red values from `from`.
fn pictures(dir: &Path, from: u8, count: u8) {
    (0..count).for_each(|i| picture(&dir.join(format!("{i}.png")), [from + i, 0, 200]));
}

fn auto(path: &Path) -> Result<Dataset> {
    Dataset::load(path, &LoadOptions { seed: 1, ..LoadOptions::default() })
}

fn reds(images: &Images) -> Vec<u8> {
    (0..images.len()).map(|i| images.image(i)[0]).collect()
}

#[test]
fn sets_in_folders_of_their_own() {
    let dir = folder();
    let root = dir.path().join("pets");
    pictures(&root.join("train/dog"), 50, 3);
    pictures(&root.join("train/cat"), 10, 2);
    pictures(&root.join("validation/dog"), 60, 1);
    pictures(&root.join("test/cat"), 20, 2);
    write(&root.join("train/dog/notes.txt"), "not an image");
    write(&root.join("train/dog/.hidden.png"), "not an image");
    fs::create_dir_all(root.join("train/.cache")).expect("created");
    let data = auto(&root).expect("a data set");
    assert_eq!(
        (data.name.as_str(), &data.classes[..]),
        ("pets", &["cat".into(), "dog".into()][..])
    );
    assert_eq!(data.shape(), ImageShape { channels: 3, height: 3, width: 2 });
    assert_eq!(reds(&data.train), [10, 50, 11, 51, 52], "one class after the other");
    assert_eq!(data.train.labels, [0, 1, 0, 1, 1]);
    assert_eq!(data.train.image(1)[6..], [0, 0, 0, 0, 0, 0, 200, 200, 200, 200, 200, 200]);
    assert_eq!((reds(&data.validation), &data.validation.labels[..]), (vec![60], &[1][..]));
    assert_eq!((reds(&data.test), &data.test.labels[..]), (vec![20, 21], &[0, 0][..]));
    let options = LoadOptions { limit: 2, ..LoadOptions::default() };
    let few = Dataset::load(&root, &options).expect("a data set");
    assert_eq!(few.train.labels, [0, 1]);
}

#[test]
fn missing_sets_are_held_out() {
    let dir = folder();
    pictures(&dir.path().join("a"), 0, 20);
    pictures(&dir.path().join("b"), 100, 20);
    let data = auto(dir.path()).expect("a data set");
    assert_eq!((data.train.len(), data.validation.len(), data.test.len()), (35, 1, 4));
    let mut all = [&data.train, &data.validation, &data.test].map(reds).concat();
    all.sort_unstable();
    assert!(all.into_iter().eq((0..20).chain(100..120)), "none twice, none lost");
    assert_eq!(auto(dir.path()).expect("a data set").hash, data.hash);
    let options = LoadOptions { seed: 2, ..LoadOptions::default() };
    assert_ne!(Dataset::load(dir.path(), &options).expect("a data set").hash, data.hash);
}

#[test]
fn tiny_image_net_as_distributed() {
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    for (class, value) in [("n02", 100), ("n01", 30)] {
        for i in 0..3 {
            let path = at(&format!("train/{class}/images/{class}_{i}.JPEG"));
            picture(&path, [value, value, value]);
        }
        write(&at(&format!("train/{class}/{class}_boxes.txt")), "0 0 1 1");
    }
    picture(&at("val/images/val_0.JPEG"), [99, 99, 99]);
    picture(&at("val/images/val_1.JPEG"), [31, 31, 31]);
    picture(&at("test/images/test_0.JPEG"), [1, 1, 1]);
    let list = at("val/val_annotations.txt");
    write(&list, "val_0.JPEG\tn02\t0\t0\t1\t1\nval_1.JPEG\tn01\t0\t0\t1\t1\n");
    write(&at("words.txt"), "n01\tgoldfish, Carassius auratus\nn02\ttarantula\nn03\tother\n");
    let data = auto(dir.path()).expect("a data set");
    assert_eq!(data.classes, ["goldfish, Carassius auratus", "tarantula"]);
    assert_eq!((data.train.len(), data.validation.len()), (5, 1));
    assert_eq!((reds(&data.test), &data.test.labels[..]), (vec![99, 31], &[1, 0][..]));
    for (line, problem) in [
        ("val_0.JPEG\tn04\t0", "class without"),
        ("val_0.JPEG", "no tab"),
        ("../val_0.JPEG\tn01", "not the name"),
        ("", "lists no images"),
    ] {
        write(&list, line);
        assert!(refusal(dir.path(), "val_annotations.txt").contains(problem), "{line}");
    }
    write(&list, "val_7.JPEG\tn01");
    refusal(dir.path(), "val_7.JPEG");
}

#[test]
fn gray_stays_gray_unless_asked_or_mixed() {
    let dir = folder();
    for i in 0..4 {
        gray(&dir.path().join(format!("a/{i}.png")), i);
        gray(&dir.path().join(format!("b/{i}.png")), 100 + i);
    }
    let data = auto(dir.path()).expect("a data set");
    assert_eq!(data.shape(), ImageShape { channels: 1, height: 3, width: 2 });
    let options = LoadOptions { seed: 1, gray_to_rgb: true, ..LoadOptions::default() };
    let rgb = Dataset::load(dir.path(), &options).expect("a data set");
    assert_eq!(rgb.train, data.train.clone().with_three_channels());
    picture(&dir.path().join("b/4.png"), [1, 2, 3]);
    assert_eq!(auto(dir.path()).expect("a data set").shape().channels, 3);
}

#[test]
fn sizes_agree_or_are_made_to() {
    let dir = folder();
    pictures(&dir.path().join("a"), 0, 3);
    pictures(&dir.path().join("b"), 100, 3);
    sized(&dir.path().join("b/odd.png"), [90, 0, 200], (8, 5));
    assert!(refusal(dir.path(), "").contains("rows and"));
    let of = |size| {
        let options = LoadOptions { size: Some(size), seed: 1, ..LoadOptions::default() };
        Dataset::load(dir.path(), &options)
    };
    let data = of((4, 6)).expect("resized");
    assert_eq!(data.shape(), ImageShape { channels: 3, height: 4, width: 6 });
    let all = [&data.train, &data.validation, &data.test];
    assert!(all.iter().any(|set| reds(set).contains(&90)));
    for set in all {
        let flat = |plane: &[u8]| plane.iter().all(|&p| p == plane[0]);
        assert!(set.pixels.chunks_exact(24).all(flat), "one colour stays one colour");
    }
    for size in [(0, 4), (1 << 20, 1 << 20), (usize::MAX, 2)] {
        assert!(matches!(of(size), Err(Error::BadSetting { .. })), "{size:?}");
    }
}

#[test]
fn damage_is_refused_by_name() {
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    for class in ["a", "b"] {
        pictures(&at("train").join(class), 0, 3);
    }
    let check = |bytes: &[u8], problem: &str| {
        write(&at("train/b/broken.png"), bytes);
        let message = refusal(dir.path(), "broken.png");
        assert!(message.contains(problem), "{message} does not say {problem}");
    };
    let whole = fs::read(at("train/a/0.png")).expect("read");
    check(&whole[..whole.len() - 20], "damaged");
    check(&whole[..20], "damaged");
    check(b"no image at all", "not a PNG or JPEG");
    check(&[], "not a PNG or JPEG");
    // The first chunk announces 2^20 columns; its checksum is made to fit.
    let mut huge = whole.clone();
    huge[16..20].copy_from_slice(&(1_u32 << 20).to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&huge[12..29]);
    huge[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    check(&huge, "too large");
    fs::remove_file(at("train/b/broken.png")).expect("removed");

    pictures(&at("test/c"), 0, 1);
    assert!(refusal(dir.path(), "test/c").contains("without a folder of training"));
    fs::remove_dir_all(at("test/c")).expect("removed");
    assert!(refusal(dir.path(), "test").contains("no folders of classes"));
    fs::remove_dir_all(at("test")).expect("removed");
    fs::create_dir_all(at("train/empty")).expect("created");
    assert!(refusal(dir.path(), "train/empty").contains("without PNG"));
    fs::remove_dir_all(at("train/empty")).expect("removed");
    fs::remove_dir_all(at("train/b")).expect("removed");
    assert!(refusal(dir.path(), "train").contains("1 folders of classes, not 2"));
}
