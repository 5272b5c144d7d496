//! Bit strings of fields of up to 64 bits, least significant first.

/// Writes fields one after the other.
pub(super) struct BitWriter<'a> {
    out: &'a mut [u8],
    pending: u128,
    filled: usize,
}

impl<'a> BitWriter<'a> {
    /// Writes from the start of `out`, which takes all fields.
    pub(super) fn new(out: &'a mut [u8]) -> Self {
        Self { out, pending: 0, filled: 0 }
    }

    /// Appends the field `value`, less than `2^bits`.
    #[inline]
    pub(super) fn push(&mut self, value: u64, bits: usize) {
        // Whole words stay where they are.
        if self.filled == 0 && bits == 64 {
            return self.word(value);
        }
        self.pending |= u128::from(value) << self.filled;
        self.filled += bits;
        if self.filled >= 64 {
            self.word(self.pending as u64);
            self.pending >>= 64;
            self.filled -= 64;
        }
    }

    #[inline]
    fn word(&mut self, value: u64) {
        if let Some((word, rest)) = std::mem::take(&mut self.out).split_first_chunk_mut() {
            *word = value.to_le_bytes();
            self.out = rest;
        }
    }

    /// Writes what is pending; unused bits are zero.
    pub(super) fn finish(self) {
        for (to, from) in self.out.iter_mut().zip(self.pending.to_le_bytes()) {
            *to = from;
        }
    }
}

/// Reads the fields of a string whose length was checked; zeros beyond its end.
pub(super) struct BitReader<'a> {
    rest: &'a [u8],
    pending: u128,
    filled: usize,
}

impl<'a> BitReader<'a> {
    /// Reads from the start of `bytes`.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, pending: 0, filled: 0 }
    }

    /// The next field, of `bits` bits.
    #[inline]
    pub(super) fn take(&mut self, bits: usize) -> u64 {
        // Whole words stay where they are.
        if self.filled == 0
            && bits == 64
            && let Some((word, rest)) = self.rest.split_first_chunk()
        {
            self.rest = rest;
            return u64::from_le_bytes(*word);
        }
        if self.filled < bits {
            let mut word = [0; 8];
            let (head, tail) = self.rest.split_at(self.rest.len().min(8));
            word[..head.len()].copy_from_slice(head);
            self.pending |= u128::from(u64::from_le_bytes(word)) << self.filled;
            self.filled += 64;
            self.rest = tail;
        }
        let field = self.pending as u64 & low_bits(bits);
        self.pending >>= bits;
        self.filled -= bits;
        field
    }
}

/// Packs codes of three bits, a byte each; unused bits of the last byte are zero.
pub(super) fn pack3(codes: &[u8], out: &mut [u8]) {
    for (codes, out) in codes.chunks(8).zip(out.chunks_mut(3)) {
        let mut eight = [0; 8];
        eight[..codes.len()].copy_from_slice(codes);
        let mut x = u64::from_le_bytes(eight);
        x = (x | x >> 5) & 0x003f_003f_003f_003f;
        x = (x | x >> 10) & 0x0000_0fff_0000_0fff;
        x |= x >> 20;
        out.copy_from_slice(&x.to_le_bytes()[..out.len()]);
    }
}

/// The inverse of [`pack3`].
pub(super) fn unpack3(bytes: &[u8], codes: &mut [u8]) {
    for (codes, bytes) in codes.chunks_mut(8).zip(bytes.chunks(3)) {
        let mut packed = [0; 8];
        packed[..bytes.len()].copy_from_slice(bytes);
        let mut x = u64::from_le_bytes(packed);
        x = (x | x << 20) & 0x0000_0fff_0000_0fff;
        x = (x | x << 10) & 0x003f_003f_003f_003f;
        x = (x | x << 5) & 0x0707_0707_0707_0707;
        codes.copy_from_slice(&x.to_le_bytes()[..codes.len()]);
    }
}

/// The lowest `bits` bits, at most 64.
#[inline]
fn low_bits(bits: usize) -> u64 {
    ((1u128 << bits) - 1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SecretRng;

    #[test]
    fn packed_codes_are_fields_of_three_bits() {
        let mut rng = SecretRng::from_test_seed(5);
        for n in [0usize, 1, 2, 3, 7, 8, 9, 16, 255, 256] {
            let codes: Vec<u8> = (0..n).map(|_| rng.u64() as u8 & 7).collect();
            let [mut packed, mut fields] = [(); 2].map(|()| vec![0xff; (3 * n).div_ceil(8)]);
            pack3(&codes, &mut packed);
            let mut writer = BitWriter::new(&mut fields);
            codes.iter().for_each(|code| writer.push((*code).into(), 3));
            writer.finish();
            assert_eq!(packed, fields);
            let mut back = vec![0xff; n];
            unpack3(&packed, &mut back);
            assert_eq!(back, codes);
        }
    }

    #[test]
    fn fields_come_back() {
        let mut rng = SecretRng::from_test_seed(4);
        for lengths in [&[1usize, 64, 3, 0][..], &[64], &[7, 7, 10], &[63, 2], &[1]] {
            let fields: Vec<(u64, usize)> = (0..100)
                .flat_map(|_| lengths.to_vec())
                .map(|n| (rng.u64() & low_bits(n), n))
                .collect();
            let bits: usize = fields.iter().map(|f| f.1).sum();
            let mut bytes = vec![0; bits.div_ceil(8)];
            let mut writer = BitWriter::new(&mut bytes);
            fields.iter().for_each(|(value, n)| writer.push(*value, *n));
            writer.finish();
            let mut reader = BitReader::new(&bytes);
            for (value, n) in &fields {
                assert_eq!(reader.take(*n), *value);
            }
            let ones = (0..bits).filter(|i| crate::bytes::bit(&bytes, *i)).count();
            assert_eq!(ones, fields.iter().map(|f| f.0.count_ones() as usize).sum::<usize>());
        }
    }
}
