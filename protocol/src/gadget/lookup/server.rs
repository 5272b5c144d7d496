//! The server's half of the lookup: it reads masked tables at its digits, opens masked bits,
//! offers its share selected either way, and takes the re-shared value.

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::cost::{
    OPENED_BITS, PREPARED, REQUEST_BITS, answer_bytes, digit_windows, digits_bytes, label_ots,
    request_bytes, rows_bytes, selection_ots, selection_windows, tables_bytes,
};
use super::pads::{Held, receiver_pads};
use super::stream::{BitReader, BitWriter, pack3, unpack3};
use super::{CHUNK, Split, check_bits};
use crate::bytes::u64s_from;
use crate::error::Result;
use crate::gadget::check_count;
use crate::ot::{
    Block, CotView, Delta, GateHash, ReceiverPads, SenderPads, Windows, check_length, mask64,
    rot_windows,
};

/// The server's pads of the OTs in which it receives.
pub struct ServerPads {
    split: Split,
    held: Held,
    /// Bits `r1` and `r2` with the pads of the ANDs, `n` each.
    ands: ReceiverPads,
    /// Bit `r3` with the pad of the re-shared value.
    answer: ReceiverPads,
}

/// The server's ReLUs of one slice of one ticket, waiting for its shares.
///
/// ```compile_fail,E0382
/// # use tacita_protocol::gadget::lookup::ServerLookup;
/// fn twice(relu: ServerLookup, x_s: &[u64]) {
///     let _ = relu.digits(x_s);
///     let _ = relu.digits(x_s); // error[E0382]: use of moved value
/// }
/// ```
pub struct ServerLookup {
    split: Split,
    held: Held,
    /// `r1`, `r2`, and the XOR of the shares of `r1 alpha0` and `r2 beta`.
    pub(super) ands: Zeroizing<Vec<[u8; 3]>>,
    /// Of the four prepared OTs, `n` each, in the order of the client's wishes.
    offers: SenderPads,
    answer: ReceiverPads,
}

/// The server's ReLUs of one slice, its masked digits sent.
pub struct ServerDigits {
    pub(super) lookup: ServerLookup,
    x: Zeroizing<Vec<u64>>,
}

/// The server's ReLUs of one slice, its rows sent.
pub struct ServerRows {
    /// The server's share of the sign.
    sign: Zeroizing<Vec<u8>>,
    /// `rho` and the pad of the value to come, added.
    cover: Zeroizing<Vec<u64>>,
}

impl ServerPads {
    /// Pads of `n` positions from [`selection_ots`] of the correlated OTs that the server
    /// receives.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for other counts of OTs or windows ([`selection_windows`]) than
    /// belong.
    pub fn new(
        hash: &GateHash,
        windows: Windows,
        (n, split): (usize, Split),
        cots: CotView<'_>,
    ) -> Result<Self> {
        check_count("correlated OTs", cots.blocks.len(), selection_ots(n, split))?;
        let mut windows = windows.exactly(selection_windows(n, split))?;
        let (digits, rest) = cut(cots, n * split.digit_bits());
        let (ands, answer) = cut(rest, 2 * n);
        let digit_windows = windows.take(digit_windows(n, split))?;
        Ok(Self {
            split,
            held: receiver_pads(hash, &digit_windows, split, digits),
            ands: ReceiverPads::new(hash, windows.take(rot_windows(2 * n))?, ands)?,
            answer: ReceiverPads::new(hash, windows, answer)?,
        })
    }

    /// Positions.
    pub fn len(&self) -> usize {
        self.answer.bits.len()
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the client's request, and [`label_ots`] of the server's correlated OTs.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] for a malformed request, [`crate::Error::Input`] for other
    /// counts of OTs or windows ([`label_windows`](super::label_windows)) than belong.
    pub fn accept(
        self,
        hash: &GateHash,
        windows: Windows,
        (keys, delta): (&[Block], &Delta),
        request: &[u8],
    ) -> Result<ServerLookup> {
        let n = self.len();
        check_length(request, request_bytes(n))?;
        check_bits(request, REQUEST_BITS * n)?;
        check_count("correlated OTs", keys.len(), label_ots(n))?;
        let mut offers = SenderPads::new(hash, windows, keys, delta)?;
        let mut corrections = vec![0; n];
        unpack3(request, &mut corrections);
        for opened in 1..PREPARED {
            let SenderPads { zero, one } = &mut offers;
            let both = zero[opened * n..].iter_mut().zip(&mut one[opened * n..]);
            for ((zero, one), code) in both.zip(&corrections) {
                let difference = (*zero ^ *one) & mask64(code >> (opened - 1));
                *zero ^= difference;
                *one ^= difference;
            }
        }
        let ands = self.and_shares();
        let Self { split, held, answer, .. } = self;
        Ok(ServerLookup { split, held, ands, offers, answer })
    }

    /// `r1`, `r2` and the XOR of the shares of `r1 alpha0` and `r2 beta`.
    fn and_shares(&self) -> Zeroizing<Vec<[u8; 3]>> {
        let n = self.len();
        let mut all = Zeroizing::new(vec![[0; 3]; n]);
        let (r1, r2) = self.ands.bits.split_at(n);
        let (first, second) = self.ands.chosen.split_at(n);
        let held = r1.iter().zip(r2).zip(first.iter().zip(second));
        for (to, ((r1, r2), (first, second))) in all.iter_mut().zip(held) {
            let sum = *first as u8 & self.split.low_bit() ^ *second as u8 & 1;
            *to = [*r1, *r2, sum];
        }
        all
    }
}

/// The first `n` correlated OTs, and the others.
fn cut(cots: CotView<'_>, n: usize) -> (CotView<'_>, CotView<'_>) {
    let (bits, other_bits) = cots.bits.split_at(n);
    let (blocks, other_blocks) = cots.blocks.split_at(n);
    (CotView { bits, blocks }, CotView { bits: other_bits, blocks: other_blocks })
}

impl ServerLookup {
    /// Positions.
    pub fn len(&self) -> usize {
        self.ands.len()
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.ands.is_empty()
    }

    /// The split of its comparisons.
    pub fn split(&self) -> Split {
        self.split
    }

    /// Online, enters the server's shares: returns its digits, each less a random index
    /// ([`digits_bytes`]).
    ///
    /// # Errors
    /// [`crate::Error::Input`] unless there is one share a position.
    pub fn digits(self, x_s: &[u64]) -> Result<(ServerDigits, Vec<u8>)> {
        check_count("shares", x_s.len(), self.len())?;
        let mut message = vec![0; digits_bytes(self.len(), self.split)];
        let mut out = BitWriter::new(&mut message);
        for (x, index) in x_s.iter().zip(self.held.index.iter()) {
            let values = self.split.digits_of(*x);
            for ((digit, v), w) in self.split.digits().into_iter().zip(values).zip(index) {
                out.push(digit.minus(v, (*w).into()), digit.bits());
            }
        }
        out.finish();
        Ok((ServerDigits { lookup: self, x: Zeroizing::new(x_s.to_vec()) }, message))
    }
}

impl ServerDigits {
    /// Positions.
    pub fn len(&self) -> usize {
        self.x.len()
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// Online, reads the masked tables: returns the rows and the opened bits ([`rows_bytes`]).
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] for a malformed message.
    pub fn rows(self, tables: &[u8]) -> Result<(ServerRows, Vec<u8>)> {
        let (n, split) = (self.len(), self.lookup.split);
        check_length(tables, tables_bytes(n, split))?;
        check_bits(tables, n * split.table_bits())?;
        let mut message = vec![0; rows_bytes(n)];
        let (rows, opened) = message.split_at_mut(8 * n);
        let mut sign = Zeroizing::new(vec![0; n]);
        let mut cover = Zeroizing::new(vec![0; n]);
        rows.par_chunks_mut(8 * CHUNK)
            .zip(opened.par_chunks_mut(OPENED_BITS * CHUNK / 8))
            .zip(tables.par_chunks(CHUNK * split.table_bits() / 8))
            .zip(sign.par_chunks_mut(CHUNK).zip(cover.par_chunks_mut(CHUNK)))
            .enumerate()
            .for_each(|(i, (((rows, opened), tables), (sign, cover)))| {
                let (mut tables, mut codes) = (BitReader::new(tables), [0; CHUNK]);
                let n = sign.len();
                let slots = rows.chunks_exact_mut(8).zip(sign).zip(cover);
                let slots = slots.zip(&mut codes);
                for (i, (((row, sign), cover), code)) in (i * CHUNK..).zip(slots) {
                    let bits = self.open(i, self.read(i, &mut tables));
                    let flip = bits.sign ^ self.lookup.answer.bits[i];
                    *code = bits.e1 | bits.e2 << 1 | flip << 2;
                    let (rho, g) = self.offer(i, &bits);
                    row.copy_from_slice(&g.to_le_bytes());
                    *sign = bits.sign;
                    *cover = rho.wrapping_add(self.lookup.answer.chosen[i]);
                }
                pack3(&codes[..n], opened);
            });
        Ok((ServerRows { sign, cover }, message))
    }

    /// What the tables of position `i` say of its digits: greater, equal, greater, each under a
    /// mask of the client's.
    pub(super) fn read(&self, i: usize, tables: &mut BitReader<'_>) -> [u8; 3] {
        let [high, low] = self.lookup.split.digits();
        let [v1, v0] = self.lookup.split.digits_of(self.x[i]);
        let pads = self.lookup.held.pads[i];
        [
            high.pick(v1, |_| tables.take(high.ring())) ^ pads[0],
            high.pick(v1, |_| tables.take(high.ring())) ^ pads[1],
            low.pick(v0, |_| tables.take(low.ring())) ^ pads[2],
        ]
    }

    fn open(&self, i: usize, [g1, e, g0]: [u8; 3]) -> Opened {
        let [r1, r2, ands] = self.lookup.ands[i];
        let top = self.lookup.split.top(self.x[i]);
        Opened { e1: e ^ r1, e2: g0 ^ r2, sign: g1 ^ e & g0 ^ ands ^ top }
    }

    /// `rho` and the row of OT `(e1, e2)` of position `i`, whose two messages are
    /// `b_S x_S + rho` and `(1 - b_S) x_S + rho`: the first one's row is zero by choice of `rho`.
    fn offer(&self, i: usize, bits: &Opened) -> (u64, u64) {
        // The number of the OT is opened to the client: it may be an address.
        let number = usize::from(2 * bits.e1 + bits.e2) * self.len() + i;
        let offers = &self.lookup.offers;
        let (zero, one) = (offers.zero[number], offers.one[number]);
        let [kept, other] = [bits.sign, bits.sign ^ 1].map(|b| self.x[i] & mask64(b));
        let rho = zero.wrapping_sub(kept);
        (rho, other.wrapping_add(rho).wrapping_sub(one))
    }
}

/// What the server knows of a position once it has read the tables.
struct Opened {
    /// Equality of the high digits, under masks of both parties.
    e1: u8,
    /// The comparison of the low digits, under masks of both parties.
    e2: u8,
    /// The server's share of the sign.
    sign: u8,
}

impl ServerRows {
    /// Positions.
    pub fn len(&self) -> usize {
        self.sign.len()
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.sign.is_empty()
    }

    /// Online, takes the client's answer: the server's share `max(x, 0) - r'` of the result.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] if the answer is not [`answer_bytes`] long.
    pub fn finish(self, answer: &[u8]) -> Result<Vec<u64>> {
        check_length(answer, answer_bytes(self.len()))?;
        let pairs = u64s_from(answer);
        let choices = self.sign.iter().zip(self.cover.iter());
        let shares = pairs.chunks_exact(2).zip(choices).map(|(pair, (sign, cover))| {
            let chosen = pair[0] ^ (pair[0] ^ pair[1]) & mask64(*sign);
            chosen.wrapping_sub(*cover)
        });
        Ok(shares.collect())
    }
}
