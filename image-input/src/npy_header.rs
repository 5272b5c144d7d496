//! Headers of NumPy arrays, of a length and with numbers that cannot harm.

use std::io::Read;

use npyz::NpyHeader;

/// Magic, version and length of a header of format 1.0, in bytes.
const PREFIX: usize = 10;
/// Longest header; NumPy writes 118 bytes for four dimensions.
const MAX_HEADER: usize = 256;
/// Fewer digits than this in a header: no product of its numbers overflows.
const MAX_DIGITS: usize = 19;

/// Reads a header of format 1.0.
///
/// # Errors
/// What is wrong with it: not one of that format, too long, or with numbers too large to be sizes.
pub fn npy_header(reader: &mut impl Read) -> Result<NpyHeader, String> {
    let mut bytes = vec![0; PREFIX];
    reader.read_exact(&mut bytes).map_err(|e| e.to_string())?;
    let len = match bytes[..] {
        [.., low, high] if bytes.starts_with(b"\x93NUMPY\x01\x00") => {
            usize::from(u16::from_le_bytes([low, high]))
        }
        _ => return Err("not a NumPy array of format 1.0".into()),
    };
    if len > MAX_HEADER {
        return Err("a header that is too long".into());
    }
    let mut text = vec![0; len];
    reader.read_exact(&mut text).map_err(|e| e.to_string())?;
    let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
    if !text.is_ascii() || digits >= MAX_DIGITS {
        return Err("a header with absurd numbers".into());
    }
    NpyHeader::from_reader([bytes, text].concat().as_slice()).map_err(|e| e.to_string())
}
