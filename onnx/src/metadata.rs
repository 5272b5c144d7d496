//! Rewriting a model's metadata without touching anything else in the file.

use prost::Message;

use crate::{ModelProto, StringStringEntryProto};

/// Field number of `ModelProto.metadata_props`.
const METADATA_PROPS: u64 = 14;

/// The model file `model` with these metadata entries in place of any of the same keys.
///
/// Decoding and encoding again would lose every field that this crate does not know. Instead, all
/// other fields are copied byte for byte and the entries appended: protobuf adds the elements of a
/// repeated field up, wherever in the message they stand. `None` if `model` is no protobuf message.
pub fn with_metadata(model: &[u8], entries: &[(&str, &str)]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(model.len());
    let mut rest = model;
    while !rest.is_empty() {
        let (number, content, next) = field(rest)?;
        let replaced = number == METADATA_PROPS && {
            let old = StringStringEntryProto::decode(content).ok()?;
            entries.iter().any(|(key, _)| *key == old.key)
        };
        if !replaced {
            out.extend_from_slice(rest.get(..rest.len() - next.len())?);
        }
        rest = next;
    }
    let entry = |&(key, value): &(&str, &str)| StringStringEntryProto {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    let metadata_props = entries.iter().map(entry).collect();
    let fragment = ModelProto { metadata_props, ..ModelProto::default() };
    out.extend(fragment.encode_to_vec());
    Some(out)
}

/// Number and content of the first field, and what follows it. The content of a number is left
/// empty: nobody asks for it.
fn field(bytes: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let (key, rest) = varint(bytes)?;
    let (content, next) = match key & 7 {
        0 => (&[][..], varint(rest)?.1),
        1 => (&[][..], rest.get(8..)?),
        2 => {
            let (len, rest) = varint(rest)?;
            rest.split_at_checked(usize::try_from(len).ok()?)?
        }
        5 => (&[][..], rest.get(4..)?),
        // Groups: no ONNX file has them.
        _ => return None,
    };
    Some((key >> 3, content, next))
}

/// A base-128 number and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (i, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(i + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model with fields that [`ModelProto`] does not know: 4 (domain), 5 (version), 25.
    fn model() -> Vec<u8> {
        let mut bytes = vec![0x22, 2, b'a', b'b', 0x28, 0x96, 0x01];
        let known = ModelProto {
            ir_version: -1,
            producer_name: "x".into(),
            metadata_props: vec![
                StringStringEntryProto { key: "keep".into(), value: "this".into() },
                StringStringEntryProto { key: "range".into(), value: "old".into() },
            ],
            ..ModelProto::default()
        };
        bytes.extend(known.encode_to_vec());
        bytes.extend([0xca, 0x01, 1, 7]);
        bytes
    }

    #[test]
    fn unknown_fields_and_other_entries_survive() {
        let old = model();
        let new = with_metadata(&old, &[("range", "new")]).unwrap();
        let read = ModelProto::decode(new.as_slice()).unwrap();
        assert_eq!((read.ir_version, read.producer_name.as_str()), (-1, "x"));
        let metadata = read.metadata();
        assert_eq!((metadata.len(), metadata["keep"], metadata["range"]), (2, "this", "new"));
        assert_eq!(read.metadata_props.len(), 2);
        assert!(new.starts_with(&old[..7]));
        assert!(new.windows(4).any(|w| w == [0xca, 0x01, 1, 7]));
    }

    #[test]
    fn rewriting_does_not_grow_the_file() {
        let once = with_metadata(&model(), &[("range", "one"), ("n", "1")]).unwrap();
        let twice = with_metadata(&once, &[("range", "two"), ("n", "2")]).unwrap();
        assert_eq!(once.len(), twice.len());
        assert_eq!(with_metadata(&twice, &[("range", "one"), ("n", "1")]).unwrap(), once);
    }

    #[test]
    fn damaged_files_are_refused() {
        let whole = model();
        let cut = &whole[..whole.len() - 1];
        assert_eq!(with_metadata(cut, &[("a", "b")]), None);
        assert_eq!(with_metadata(&[0x80; 12], &[]), None);
        assert_eq!(with_metadata(&[0x0b], &[]), None);
    }
}
