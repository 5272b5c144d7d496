//! The two containers of `torch.save`: a zip archive (since PyTorch 1.6), and before that a
//! sequence of pickles followed by the bytes of the storages.

use super::pickle::{self, Id, Pickle, Value};
use super::{Parsed, Problem};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::ops::Range;

mod tensor;

pub use tensor::{Array, ArrayData, Dtype, StorageRef, TensorRef};

/// Longest pickle that is read out of a zip archive, in bytes.
const MAX_PICKLE: u64 = 64 << 20;

/// Bytes that tensors may take beyond a multiple of the file's length.
const SLACK: usize = 1 << 20;

/// How often the bytes of the file may be taken by tensors, at eight bytes an element.
const EXPANSION: usize = 16;

/// `0x1950a86a20f9469cfc6c`, least significant byte first.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// Version of the form without an archive.
const PROTOCOL: i64 = 1001;

/// A file of `torch.save`.
#[derive(Debug)]
pub struct TorchFile {
    /// What was saved; tensors in it are references.
    pub pickle: Pickle,
    bytes: Vec<u8>,
    storages: BTreeMap<String, Range<usize>>,
    /// Bytes that tensors may still take.
    budget: usize,
}

impl TorchFile {
    /// Reads a file of either form.
    ///
    /// # Errors
    /// It is of neither form, damaged, or exceeds a limit.
    pub fn parse(bytes: Vec<u8>) -> Parsed<Self> {
        if bytes.starts_with(b"PK") {
            return from_zip(&bytes);
        }
        if bytes.get(257..262) == Some(b"ustar") {
            return problem("a tar archive; PyTorch files of before version 0.1.10 are not read");
        }
        from_sequence(bytes)
    }

    fn new(pickle: Pickle, bytes: Vec<u8>, storages: BTreeMap<String, Range<usize>>) -> Self {
        let budget = bytes.len().saturating_mul(EXPANSION).saturating_add(SLACK);
        Self { pickle, bytes, storages, budget }
    }

    /// The tensor that a value of the pickle describes; nothing if it describes none.
    ///
    /// # Errors
    /// The description is damaged, or of a kind of tensor that is not read.
    pub fn tensor(&self, id: Id) -> Parsed<Option<TensorRef>> {
        tensor::tensor(&self.pickle, id)
    }

    /// The elements of a tensor. All tensors taken from a file together may be larger than it
    /// only by a constant factor, since a tensor may name one element any number of times.
    ///
    /// # Errors
    /// The tensor leaves its storage, or takes too much memory.
    pub fn array(&mut self, tensor: &TensorRef) -> Parsed<Array> {
        let count = tensor.check()?;
        let left = count.checked_mul(8).and_then(|bytes| self.budget.checked_sub(bytes));
        let Some(left) = left else {
            return problem("its tensors are far larger than the file");
        };
        self.budget = left;
        let span = self.storages.get(&tensor.storage.key).cloned().unwrap_or_default();
        tensor.array(&self.bytes[span])
    }
}

fn problem<T>(text: impl Into<String>) -> Parsed<T> {
    Err(Problem::new(text))
}

/// Type and length of every storage that the pickle refers to, by key.
fn storages(pickle: &Pickle) -> Parsed<BTreeMap<String, StorageRef>> {
    let mut all: BTreeMap<String, StorageRef> = BTreeMap::new();
    for id in pickle.ids() {
        let Some(storage) = tensor::storage(pickle, id)? else { continue };
        let same = |s: &StorageRef| s.dtype == storage.dtype && s.count == storage.count;
        match all.get(&storage.key) {
            Some(known) if same(known) => {}
            Some(_) => return problem(format!("storage {:?} has two forms", storage.key)),
            None => _ = all.insert(storage.key.clone(), storage),
        }
    }
    Ok(all)
}

fn from_zip(file: &[u8]) -> Parsed<TorchFile> {
    let mut archive = zip::ZipArchive::new(Cursor::new(file))
        .map_err(|e| Problem::new(format!("damaged zip archive: {e}")))?;
    let names = archive.file_names().filter_map(|name| name.strip_suffix("data.pkl"));
    let prefix = names.filter(|p| p.is_empty() || p.ends_with('/')).min_by_key(|p| p.len());
    let Some(prefix) = prefix.map(str::to_owned) else {
        return problem("a zip archive without data.pkl, not one of torch.save");
    };
    let order = member(&mut archive, &format!("{prefix}byteorder"), 16)?;
    if order.is_some_and(|order| order.trim_ascii() != b"little") {
        return problem("written on a big-endian machine");
    }
    let data = member(&mut archive, &format!("{prefix}data.pkl"), MAX_PICKLE)?.unwrap_or_default();
    let (pickle, _) = pickle::parse(&data)?;
    let (mut bytes, mut spans) = (Vec::new(), BTreeMap::new());
    for (key, storage) in storages(&pickle)? {
        let expected = storage.bytes()?;
        // torch.save does not compress, so all storages together fit into the file.
        if expected > file.len() - bytes.len() {
            return problem(format!("storage {key:?} is larger than the file"));
        }
        let content = member(&mut archive, &format!("{prefix}data/{key}"), expected as u64)?;
        let Some(content) = content.filter(|c| c.len() == expected) else {
            return problem(format!("storage {key:?} is missing or not of {expected} bytes"));
        };
        spans.insert(key, bytes.len()..bytes.len() + expected);
        bytes.extend_from_slice(&content);
    }
    Ok(TorchFile::new(pickle, bytes, spans))
}

/// The content of a member of at most `limit` bytes; nothing if there is no such member.
fn member(
    archive: &mut zip::ZipArchive<Cursor<&[u8]>>,
    name: &str,
    limit: u64,
) -> Parsed<Option<Vec<u8>>> {
    let file = match archive.by_name(name) {
        Err(zip::result::ZipError::FileNotFound) => return Ok(None),
        other => other.map_err(|e| Problem::new(format!("{name}: {e}")))?,
    };
    let mut content = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut content)
        .map_err(|e| Problem::new(format!("{name}: {e}")))?;
    if content.len() as u64 > limit {
        return problem(format!("{name}: longer than {limit} bytes"));
    }
    Ok(Some(content))
}

fn from_sequence(file: Vec<u8>) -> Parsed<TorchFile> {
    let mut at = 0;
    let mut next = || {
        let (pickle, used) = pickle::parse(&file[at..])?;
        at += used;
        Ok::<_, Problem>(pickle)
    };
    let magic = next().ok().filter(is_magic);
    if magic.is_none() {
        return problem("not a file of torch.save (neither a zip archive nor the older form)");
    }
    let version = next()?;
    if *version.value(version.root()) != Value::Int(PROTOCOL) {
        return problem("a torch.save format other than 1001");
    }
    let system = next()?;
    let little = system.get(system.root(), "little_endian").map(|id| system.value(id));
    if little == Some(&Value::Bool(false)) {
        return problem("written on a big-endian machine");
    }
    let pickle = next()?;
    let keys = next()?;
    let spans = spans(&pickle, &keys, &file, at)?;
    Ok(TorchFile::new(pickle, file, spans))
}

fn is_magic(pickle: &Pickle) -> bool {
    matches!(pickle.value(pickle.root()), Value::Long(bytes) if *bytes == MAGIC)
}

/// Where in the file the storages lie, which follow in the order of `keys`: the number of
/// elements as 64 bits, then the elements.
fn spans(
    pickle: &Pickle,
    keys: &Pickle,
    file: &[u8],
    start: usize,
) -> Parsed<BTreeMap<String, Range<usize>>> {
    let known = storages(pickle)?;
    let mut at = start;
    let mut spans = BTreeMap::new();
    for &id in keys.sequence(keys.root()).unwrap_or_default() {
        let key = keys.text(id).unwrap_or_default();
        let Some(storage) = known.get(key) else {
            return problem(format!("storage {key:?} is of no tensor"));
        };
        let cut = || Problem::new(format!("storage {key:?} is cut short"));
        let count = file.get(at..).and_then(|rest| rest.first_chunk::<8>()).ok_or_else(cut)?;
        if u64::from_le_bytes(*count) != storage.count as u64 {
            return problem(format!("storage {key:?} differs in length from its description"));
        }
        at += 8;
        let end = at.checked_add(storage.bytes()?).filter(|&end| end <= file.len());
        let end = end.ok_or_else(cut)?;
        spans.insert(key.to_owned(), at..end);
        at = end;
    }
    match known.keys().find(|&key| !spans.contains_key(key)) {
        Some(key) => problem(format!("storage {key:?} is missing")),
        None => Ok(spans),
    }
}

#[cfg(test)]
mod tests;
