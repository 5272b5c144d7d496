//! Fixed little-endian encoding of bulk data, read with every length checked.

use crate::error::{Error, Result};

/// Reads fixed-size fields off a message whose total length was checked by the caller.
///
/// Running off the end is [`Error::PeerMisbehaved`], never a panic.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, tail) = self
            .rest
            .split_at_checked(n)
            .ok_or_else(|| Error::misbehaved("a message is shorter than its contents"))?;
        self.rest = tail;
        Ok(head)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    /// The next little-endian u64.
    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// The next little-endian u128.
    pub fn u128(&mut self) -> Result<u128> {
        Ok(u128::from_le_bytes(self.array()?))
    }

    /// The next `n` little-endian u64 values.
    pub fn u64s(&mut self, n: usize) -> Result<Vec<u64>> {
        Ok(u64s_from(self.take(n.saturating_mul(8))?))
    }

    /// Succeeds only if nothing is left.
    pub fn finish(self) -> Result<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Error::misbehaved("a message is longer than its contents"))
        }
    }
}

/// Decodes little-endian u64 values; a partial value at the end is ignored.
pub fn u64s_from(bytes: &[u8]) -> Vec<u64> {
    bytes
        .chunks_exact(8)
        .map(|c| {
            let mut w = [0; 8];
            w.copy_from_slice(c);
            u64::from_le_bytes(w)
        })
        .collect()
}

/// Appends little-endian u64 values.
pub fn put_u64s(out: &mut Vec<u8>, values: &[u64]) {
    out.reserve(values.len() * 8);
    for v in values {
        out.extend_from_slice(&v.to_le_bytes());
    }
}

/// Little-endian u64 values, as a message of their own.
pub fn u64s_bytes(values: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    put_u64s(&mut out, values);
    out
}

/// Packs bits, least significant first.
pub fn pack_bits(bits: impl IntoIterator<Item = bool>) -> Vec<u8> {
    let mut out = Vec::new();
    for (i, bit) in bits.into_iter().enumerate() {
        if i % 8 == 0 {
            out.push(0);
        }
        if let Some(last) = out.last_mut() {
            *last |= u8::from(bit) << (i % 8);
        }
    }
    out
}

/// Bit `i` of a packed bit string, least significant first; false beyond its end.
pub fn bit(packed: &[u8], i: usize) -> bool {
    packed.get(i / 8).is_some_and(|b| (b >> (i % 8)) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_round_trip() {
        let bits = [true, false, false, true, true, true, false, true, true];
        let packed = pack_bits(bits);
        assert_eq!(packed.len(), 2);
        for (i, b) in bits.iter().enumerate() {
            assert_eq!(bit(&packed, i), *b);
        }
        assert!(!bit(&packed, 400));
    }

    #[test]
    fn reader_refuses_short_and_long_messages() {
        let mut r = Reader::new(&[1, 0, 0, 0, 0, 0, 0, 0, 9]);
        assert_eq!(r.u64().unwrap(), 1);
        assert!(r.u64().is_err());
        assert!(r.finish().is_err());
    }
}
