use super::*;
use std::io::Write;

/// A text of a pickle.
fn text(value: &str) -> Vec<u8> {
    let mut out = vec![b'X'];
    out.extend((value.len() as u32).to_le_bytes());
    out.extend(value.as_bytes());
    out
}

/// An integer of a pickle.
fn int(value: i64) -> Vec<u8> {
    [[0x8a, 8].as_slice(), &value.to_le_bytes()].concat()
}

fn ints(values: &[i64]) -> Vec<u8> {
    let items: Vec<u8> = values.iter().flat_map(|&v| int(v)).collect();
    [b"(".as_slice(), &items, b"t"].concat()
}

/// What is to be damaged in a file with one tensor of f32.
struct Case<'a> {
    dims: &'a [i64],
    strides: &'a [i64],
    offset: i64,
    count: i64,
}

impl Case<'_> {
    /// `{"w": tensor}` as a pickle.
    fn pickle(&self) -> Vec<u8> {
        let storage = [
            b"(".to_vec(),
            text("storage"),
            b"ctorch\nFloatStorage\n".to_vec(),
            text("0"),
            text("cpu"),
            int(self.count),
            b"tQ".to_vec(),
        ]
        .concat();
        [
            b"\x80\x02}".to_vec(),
            text("w"),
            b"ctorch._utils\n_rebuild_tensor_v2\n(".to_vec(),
            storage,
            int(self.offset),
            ints(self.dims),
            ints(self.strides),
            b"tRs.".to_vec(),
        ]
        .concat()
    }

    /// A file of the older form whose storage is `data`.
    fn older(&self, data: &[f32]) -> Vec<u8> {
        let magic = [b"\x80\x02\x8a\x0a".as_slice(), &MAGIC, b"."].concat();
        let data: Vec<u8> = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        [
            magic,
            [b"\x80\x02".to_vec(), int(PROTOCOL), b".".to_vec()].concat(),
            b"}.".to_vec(),
            self.pickle(),
            [b"]".to_vec(), text("0"), b"a.".to_vec()].concat(),
            self.count.to_le_bytes().to_vec(),
            data,
        ]
        .concat()
    }

    fn array(&self, data: &[f32]) -> Parsed<Array> {
        only_tensor(self.older(data))
    }
}

fn only_tensor(bytes: Vec<u8>) -> Parsed<Array> {
    let mut file = TorchFile::parse(bytes)?;
    let id = file.pickle.get(file.pickle.root(), "w").expect("an entry");
    let tensor = file.tensor(id)?.expect("a tensor");
    file.array(&tensor)
}

fn zip(pickle: &[u8], members: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::FileOptions::default().compression_method(method);
    for (name, content) in [("a/data.pkl", pickle)].iter().chain(members) {
        writer.start_file(*name, options).expect("started");
        writer.write_all(content).expect("written");
    }
    writer.finish().expect("finished").into_inner()
}

const DATA: [f32; 6] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
const GOOD: Case = Case { dims: &[2, 3], strides: &[3, 1], offset: 0, count: 6 };

#[test]
fn strides_and_offsets_count() {
    assert_eq!(GOOD.array(&DATA).expect("read").to_f32(), DATA);
    let transposed = Case { dims: &[2, 2], strides: &[1, 3], offset: 1, ..GOOD };
    assert_eq!(transposed.array(&DATA).expect("read").to_f32(), [1.0, 4.0, 2.0, 5.0]);
    let expanded = Case { dims: &[2, 2], strides: &[0, 1], offset: 4, ..GOOD };
    assert_eq!(expanded.array(&DATA).expect("read").to_f32(), [4.0, 5.0, 4.0, 5.0]);
    let scalar = Case { dims: &[], strides: &[], offset: 5, ..GOOD };
    assert_eq!(scalar.array(&DATA).expect("read").to_f32(), [5.0]);
    let empty = Case { dims: &[0, i64::MAX], strides: &[i64::MAX, 1], ..GOOD };
    assert!(empty.array(&DATA).expect("read").to_f32().is_empty());
}

#[test]
fn tensors_that_leave_their_storage_are_refused() {
    let max = i64::MAX;
    let cases = [
        Case { offset: 1, ..GOOD },
        Case { offset: max, ..GOOD },
        Case { offset: -1, ..GOOD },
        Case { dims: &[2, 4], ..GOOD },
        Case { dims: &[max, max], ..GOOD },
        Case { dims: &[-2, 3], ..GOOD },
        Case { strides: &[4, 1], ..GOOD },
        Case { strides: &[max, max], ..GOOD },
        Case { strides: &[1], ..GOOD },
        Case { dims: &[1; 9], strides: &[1; 9], ..GOOD },
        Case { count: 0, ..GOOD },
    ];
    for case in cases {
        let problem = case.array(&DATA).expect_err("refused").to_string();
        assert!(problem.contains("leaves") || problem.contains("damaged"), "{problem}");
    }
}

#[test]
fn lengths_beyond_the_file_are_refused() {
    for count in [7, i64::MAX, i64::MAX / 4] {
        let problem = Case { count, ..GOOD }.array(&DATA).expect_err("refused").to_string();
        assert!(problem.contains("cut short") || problem.contains("too large"), "{problem}");
    }
    let repeated = Case { dims: &[1 << 20, 1 << 20], strides: &[0, 0], ..GOOD };
    let problem = repeated.array(&DATA).expect_err("refused").to_string();
    assert!(problem.contains("far larger"), "{problem}");
}

#[test]
fn archives_are_read_and_their_members_checked() {
    let stored = zip::CompressionMethod::Stored;
    let data: Vec<u8> = DATA.iter().flat_map(|v| v.to_le_bytes()).collect();
    let order = |order: &[u8]| {
        let members = [("a/data/0", data.as_slice()), ("a/byteorder", order)];
        only_tensor(zip(&GOOD.pickle(), &members, stored))
    };
    assert_eq!(order(b"little").expect("read").to_f32(), DATA);
    assert!(order(b"big").expect_err("refused").to_string().contains("big-endian"));
    let with = |members: &[(&str, &[u8])], method| {
        only_tensor(zip(&GOOD.pickle(), members, method)).expect_err("refused").to_string()
    };
    assert!(with(&[], stored).contains("missing"));
    assert!(with(&[("a/data/0", &data[1..])], stored).contains("not of 24 bytes"));
    assert!(with(&[("a/data/0", &[0; 25])], stored).contains("longer"));
    let count = 1 << 22;
    let inflated = vec![0; count * 4];
    let bomb = Case { count: count as i64, ..GOOD }.pickle();
    let bomb = zip(&bomb, &[("a/data/0", &inflated)], zip::CompressionMethod::Deflated);
    assert!(bomb.len() < 100_000, "it is a bomb");
    assert!(only_tensor(bomb).expect_err("refused").to_string().contains("larger than the file"));
}

#[test]
fn other_files_are_told_apart() {
    let refused = |bytes: &[u8]| TorchFile::parse(bytes.to_vec()).expect_err("refused").to_string();
    assert!(refused(b"").contains("not a file of torch.save"));
    assert!(refused(b"\x80\x02}.").contains("not a file of torch.save"));
    assert!(refused(b"PK\x03\x04").contains("zip"));
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    assert!(refused(&tar).contains("tar archive"));
    let other = zip(b"N.", &[], zip::CompressionMethod::Stored);
    assert!(TorchFile::parse(other).is_ok());
}
