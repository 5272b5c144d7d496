//! MNIST and its like.

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

fn idx(dims: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dims.len() as u8];
    dims.iter().for_each(|d| bytes.extend(d.to_be_bytes()));
    bytes.extend(data);
    bytes
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes).expect("packed");
    packer.finish().expect("packed")
}

/// Image `i` of two rows and three columns begins with byte `6 i`; labels repeat 0, 1, 2.
fn images(count: u32) -> Vec<u8> {
    idx(&[count, 2, 3], &(0..6 * count as u8).collect::<Vec<_>>())
}

fn labels(count: u32) -> Vec<u8> {
    idx(&[count], &(0..count as u8).map(|i| i % 3).collect::<Vec<_>>())
}

fn write_set(dir: &Path) {
    write(&dir.join("train-images-idx3-ubyte"), images(9));
    write(&dir.join("train-labels-idx1-ubyte"), labels(9));
    write(&dir.join("t10k-images-idx3-ubyte"), images(4));
    write(&dir.join("t10k-labels-idx1-ubyte"), labels(4));
}

#[test]
fn plain_and_packed_files_round_trip() {
    let dir = folder();
    let plain = dir.path().join("letters");
    write_set(&plain);
    let data = load(&plain, 2).expect("a data set");
    assert_eq!(data.name, "letters");
    assert_eq!(data.shape(), ImageShape { channels: 1, height: 2, width: 3 });
    assert_eq!(data.classes, ["0", "1", "2"]);
    assert_eq!((data.train.len(), data.validation.len()), (7, 2));
    assert!(by_first_byte(&data).into_iter().eq((0..9).map(|i| (6 * i, u16::from(i) % 3))));
    assert_eq!(data.test.image(3), [18, 19, 20, 21, 22, 23]);
    assert_eq!(data.normalise, Normalise::of(&data.train));

    let packed = dir.path().join("packed");
    for (name, bytes) in [
        ("train-images.idx3-ubyte.gz", images(9)),
        ("train-labels-idx1-ubyte.gz", labels(9)),
        ("t10k-images-idx3-ubyte.gz", images(4)),
    ] {
        write(&packed.join(name), gz(&bytes));
    }
    write(&packed.join("t10k-labels.idx1-ubyte"), labels(4));
    assert_eq!(load(&packed, 2).expect("a data set").hash, data.hash);
}

#[test]
fn gray_can_be_made_three_channels() {
    let dir = folder();
    write_set(dir.path());
    write(&dir.path().join("classes.txt"), "round\nsquare\nflat");
    let options = LoadOptions { gray_to_rgb: true, ..LoadOptions::default() };
    let data = Dataset::load(dir.path(), &options).expect("a data set");
    assert_eq!(data.shape().channels, 3);
    assert_eq!(data.test.image(1), [6, 7, 8, 9, 10, 11].repeat(3));
    assert_eq!(data.normalise.mean.len(), 3);
    assert_eq!(data.classes, ["round", "square", "flat"]);
}

#[test]
fn damage_is_refused_by_name() {
    let dir = folder();
    let check = |name: &str, bytes: &[u8], problem: &str| {
        write_set(dir.path());
        write(&dir.path().join(name), bytes);
        let message = refusal(dir.path(), name);
        assert!(message.contains(problem), "{message} does not say {problem}");
    };
    let (train, test) = ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte");
    check(train, &images(9)[..30], "truncated");
    check(train, &images(9)[..10], "truncated");
    check(train, &[images(9), vec![0]].concat(), "goes on");
    check(train, &labels(9), "not an idx file of bytes in 3");
    check(train, &[0, 0, 13, 3], "begins with");
    check(train, &idx(&[9, 0, 3], &[]), "no data");
    check(train, &idx(&[u32::MAX; 3], &[1, 2]), "more than");
    check(train, &idx(&[1 << 10, 1 << 10, 1 << 10], &[1, 2]), "truncated: 2 of");
    check(test, &labels(5), "5 labels for 4 images");
    check(test, &idx(&[4], &[0, 1, 3, 0]), "label 3 of image 2 is not below 3");
    check("t10k-images-idx3-ubyte", &idx(&[4, 3, 2], &[0; 24]), "another size");
    write_set(dir.path());
    fs::remove_file(dir.path().join(test)).expect("removed");
    refusal(dir.path(), test);
}

#[test]
fn damaged_packing_is_refused_by_name() {
    let dir = folder();
    write_set(dir.path());
    fs::remove_file(dir.path().join("train-images-idx3-ubyte")).expect("removed");
    let name = "train-images-idx3-ubyte.gz";
    let packed = gz(&images(9));
    let mut flipped = packed.clone();
    let at = flipped.len() - 6;
    flipped[at] ^= 0xff;
    // Unpacks to far more than its header announces: reading stops there.
    let bomb = gz(&[images(9), vec![0; 1 << 24]].concat());
    assert!(bomb.len() < 1 << 16);
    for (bytes, problem) in [
        (&packed[..packed.len() - 12], "truncated"),
        (&flipped, "damaged"),
        (&images(9), "damaged"),
        (&bomb, "goes on"),
    ] {
        write(&dir.path().join(name), bytes);
        let message = refusal(dir.path(), name);
        assert!(message.contains(problem), "{message} does not say {problem}");
    }
}
