//! Reading opcodes and their arguments off the bytes of a pickle.

use crate::import::{Parsed, Problem};

/// A place in the bytes.
#[derive(Debug)]
pub struct Source<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Source<'a> {
    /// The start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Bytes left.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// A problem at this place.
    pub fn problem(&self, what: &str) -> Problem {
        Problem::new(format!("pickle: {what} (before byte {})", self.at))
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Parsed<&'a [u8]> {
        if count > self.left() {
            return Err(self.problem("cut short"));
        }
        let bytes = &self.bytes[self.at..][..count];
        self.at += count;
        Ok(bytes)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let bytes = self.take(N)?;
        <[u8; N]>::try_from(bytes).map_err(|_| self.problem("cut short"))
    }

    /// The next byte.
    pub fn byte(&mut self) -> Parsed<u8> {
        Ok(self.array::<1>()?[0])
    }

    /// An unsigned little-endian number of `N` bytes, at most 8.
    pub fn unsigned<const N: usize>(&mut self) -> Parsed<u64> {
        let mut all = [0; 8];
        all[..N].copy_from_slice(&self.array::<N>()?);
        Ok(u64::from_le_bytes(all))
    }

    /// As many bytes as a number of `N` bytes before them says.
    pub fn counted<const N: usize>(&mut self) -> Parsed<&'a [u8]> {
        let count = self.unsigned::<N>()?;
        let count = usize::try_from(count).map_err(|_| self.problem("a length is too large"))?;
        self.take(count)
    }

    /// The text up to the end of the line; a carriage return before it does not count.
    pub fn line(&mut self) -> Parsed<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&b| b == b'\n');
        let line = self.take(end.ok_or_else(|| self.problem("cut short in a line"))? + 1)?;
        let line = &line[..line.len() - 1];
        Ok(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// A line of ASCII.
    pub fn ascii(&mut self) -> Parsed<&'a str> {
        let line = self.line()?;
        std::str::from_utf8(line).map_err(|_| self.problem("a line is not text"))
    }
}
