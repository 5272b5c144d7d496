//! The client's half of the lookup: it prepares its choices offline, masks tables, re-shares.

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::cost::{
    answer_bytes, digit_windows, digits_bytes, label_ots, request_bytes, rows_bytes, selection_ots,
    selection_windows, tables_bytes,
};
use super::digit::Digit;
use super::masks::Masks;
use super::pads::sender_pads;
use super::stream::{BitReader, BitWriter, pack3, unpack3};
use super::{CHUNK, Split, check_bits};
use crate::error::Result;
use crate::gadget::check_count;
use crate::ot::{
    Block, CotView, Delta, GateHash, ReceiverPads, SenderPads, Windows, check_length, mask64,
    rot_windows,
};

/// The client's pads of the OTs in which it sends.
pub struct ClientPads {
    split: Split,
    /// Of the tables, [`Split::words`] a position.
    tables: Zeroizing<Vec<u64>>,
    /// Of the two ANDs, `n` each.
    ands: SenderPads,
    /// Of the re-shared values.
    answer: SenderPads,
}

/// The client's ReLUs of one slice of one ticket, its request sent.
///
/// ```compile_fail,E0382
/// # use tacita_protocol::gadget::lookup::ClientLookup;
/// fn twice(relu: ClientLookup, digits: &[u8]) {
///     let _ = relu.tables(digits);
///     let _ = relu.tables(digits); // error[E0382]: use of moved value
/// }
/// ```
pub struct ClientLookup {
    tables: Zeroizing<Vec<u64>>,
    pub(super) after: ClientTables,
}

/// The client's ReLUs of one slice, the masked tables sent.
pub struct ClientTables {
    split: Split,
    x: Zeroizing<Vec<u64>>,
    pub(super) masks: Zeroizing<Vec<Masks>>,
    /// Of the four prepared OTs, `n` each.
    chosen: Zeroizing<Vec<u64>>,
    answer: SenderPads,
}

impl ClientPads {
    /// Pads of `n` positions from [`selection_ots`] of the client's correlated OTs.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for other counts of OTs or windows ([`selection_windows`]) than
    /// belong.
    pub fn new(
        hash: &GateHash,
        windows: Windows,
        (n, split): (usize, Split),
        keys: &[Block],
        delta: &Delta,
    ) -> Result<Self> {
        check_count("correlated OTs", keys.len(), selection_ots(n, split))?;
        let mut windows = windows.exactly(selection_windows(n, split))?;
        let (digits, rest) = keys.split_at(n * split.digit_bits());
        let (ands, answer) = rest.split_at(2 * n);
        let digit_windows = windows.take(digit_windows(n, split))?;
        Ok(Self {
            split,
            tables: sender_pads(hash, &digit_windows, split, digits, delta),
            ands: SenderPads::new(hash, windows.take(rot_windows(2 * n))?, ands, delta)?,
            answer: SenderPads::new(hash, windows, answer, delta)?,
        })
    }

    /// Positions.
    pub fn len(&self) -> usize {
        self.answer.zero.len()
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Prepares the choices for shares `x_c`, by [`label_ots`] of the correlated OTs that the
    /// client receives. Returns what to send ([`request_bytes`]): for each position the
    /// corrections that turn three of its four random choices into `kappa ^ e1 alpha0 ^ e2 beta`,
    /// `kappa` being the first.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for other counts of shares, OTs or windows
    /// ([`label_windows`](super::label_windows)) than belong.
    pub fn request(
        self,
        hash: &GateHash,
        windows: Windows,
        cots: CotView<'_>,
        x_c: &[u64],
    ) -> Result<(ClientLookup, Vec<u8>)> {
        let n = self.len();
        check_count("shares", x_c.len(), n)?;
        check_count("correlated OTs", cots.blocks.len(), label_ots(n))?;
        let mut pads = ReceiverPads::new(hash, windows, cots)?;
        let masks = self.masks(&pads.bits[..n], x_c);
        let mut corrections = vec![0; n];
        let [one, two, three] = [1, 2, 3].map(|opened| &pads.bits[opened * n..][..n]);
        let choices = one.iter().zip(two).zip(three).map(|((a, b), c)| [*a, *b, *c]);
        for ((to, mask), choices) in corrections.iter_mut().zip(masks.iter()).zip(choices) {
            *to = mask.corrections(choices);
        }
        let mut message = vec![0; request_bytes(n)];
        pack3(&corrections, &mut message);
        let chosen = Zeroizing::new(std::mem::take(&mut pads.chosen));
        let x = Zeroizing::new(x_c.to_vec());
        let after = ClientTables { split: self.split, x, masks, chosen, answer: self.answer };
        Ok((ClientLookup { tables: self.tables, after }, message))
    }

    /// The masks that follow from the pads of the ANDs and the client's choices `kappa`.
    fn masks(&self, kappa: &[u8], x_c: &[u64]) -> Zeroizing<Vec<Masks>> {
        let n = self.len();
        let mut masks = Zeroizing::new(vec![Masks::default(); n]);
        let (zero, other_zero) = self.ands.zero.split_at(n);
        let (one, other_one) = self.ands.one.split_at(n);
        let first = zero.iter().zip(one).map(|(a, b)| [*a, *b]);
        let second = other_zero.iter().zip(other_one).map(|(a, b)| [*a, *b]);
        let given = kappa.iter().zip(x_c).zip(first.zip(second));
        for (mask, ((kappa, x), (first, second))) in masks.iter_mut().zip(given) {
            let first = first.map(|pad| pad as u8 & self.split.low_bit());
            let second = second.map(|pad| pad as u8 & 1);
            *mask = Masks::new([first, second], *kappa, self.split.top(*x));
        }
        masks
    }
}

impl ClientLookup {
    /// Positions.
    pub fn len(&self) -> usize {
        self.after.x.len()
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.after.x.is_empty()
    }

    /// The split of its comparisons.
    pub fn split(&self) -> Split {
        self.after.split
    }

    /// Online, answers the server's masked digits with the masked tables ([`tables_bytes`]).
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] for a malformed message.
    pub fn tables(self, digits: &[u8]) -> Result<(ClientTables, Vec<u8>)> {
        let (n, split) = (self.len(), self.split());
        check_length(digits, digits_bytes(n, split))?;
        check_bits(digits, n * split.digit_bits())?;
        let mut message = vec![0; tables_bytes(n, split)];
        message
            .par_chunks_mut(CHUNK * split.table_bits() / 8)
            .zip(digits.par_chunks(CHUNK * split.digit_bits() / 8))
            .zip(self.tables.par_chunks(CHUNK * split.words()))
            .zip(self.after.x.par_chunks(CHUNK).zip(self.after.masks.par_chunks(CHUNK)))
            .for_each(|(((message, digits), pads), (x, masks))| {
                let (mut out, mut digits) = (BitWriter::new(message), BitReader::new(digits));
                let pads = pads.chunks_exact(split.words());
                for ((x, mask), pads) in x.iter().zip(masks).zip(pads) {
                    // The carry out of the digits is set where the server's exceed these.
                    let [high, low] = split.digits();
                    let [t1, t0] = split.digits_of(!x);
                    let (pads1, pads0) = pads.split_at(high.words());
                    let flips = [mask.table(0), mask.table(1)];
                    put_table(&mut out, high, (pads1, digits.take(high.bits())), t1, &flips);
                    let flips = [mask.table(2)];
                    put_table(&mut out, low, (pads0, digits.take(low.bits())), t0, &flips);
                }
                out.finish();
            });
        Ok((self.after, message))
    }
}

/// The planes `[v > threshold]` and, if there are two, `[v = threshold]`, masked by a bit each and
/// by the pads, turned so that value `v` takes the pad of `v - by`.
fn put_table(
    out: &mut BitWriter<'_>,
    digit: Digit,
    (pads, by): (&[u64], u64),
    threshold: u64,
    flips: &[u8],
) {
    for (plane, flip) in flips.iter().enumerate() {
        for word in 0..digit.plane_words() {
            let clear = match plane {
                0 => digit.greater(word, threshold),
                _ => digit.equal(word, threshold),
            };
            let masked = clear
                ^ mask64(*flip)
                ^ digit.turned(word, by, |word| pads[digit.place(plane, word)]);
            out.push(masked & digit.ring_mask(), digit.ring());
        }
    }
}

impl ClientTables {
    /// Positions.
    pub fn len(&self) -> usize {
        self.x.len()
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// Online, answers the server's rows with both re-shared values ([`answer_bytes`]), `reshare`
    /// being the client's share r' of the result.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] for a malformed message, [`crate::Error::Input`] unless
    /// there is one new share a position.
    pub fn answer(self, rows: &[u8], reshare: &[u64]) -> Result<Vec<u8>> {
        let n = self.len();
        check_count("new shares", reshare.len(), n)?;
        check_length(rows, rows_bytes(n))?;
        let (rows, opened) = rows.split_at(8 * n);
        check_bits(opened, 3 * n)?;
        let mut message = vec![0; answer_bytes(n)];
        message
            .par_chunks_mut(16 * CHUNK)
            .zip(rows.par_chunks(8 * CHUNK))
            .zip(opened.par_chunks(3 * CHUNK / 8))
            .zip(reshare.par_chunks(CHUNK))
            .enumerate()
            .for_each(|(i, (((message, rows), opened), reshare))| {
                let mut codes = [0; CHUNK];
                unpack3(opened, &mut codes[..reshare.len()]);
                let rows = crate::bytes::u64s_from(rows);
                let slots = message.chunks_exact_mut(16);
                let given = slots.zip(rows).zip(reshare).zip(codes);
                for (i, (((slot, row), reshare), code)) in (i * CHUNK..).zip(given) {
                    let number = usize::from(2 * (code & 1) + (code >> 1 & 1));
                    let both = self.reshared(i, number, row, *reshare);
                    let [a, b] = self.sealed(i, code >> 2, both);
                    slot[..8].copy_from_slice(&a.to_le_bytes());
                    slot[8..].copy_from_slice(&b.to_le_bytes());
                }
            });
        Ok(message)
    }

    /// `b x_C + T - r'` for both values of the server's share of `b`, where `T = b x_S + rho` is
    /// what the client chose in OT `opened` of the four.
    pub(super) fn reshared(&self, i: usize, opened: usize, row: u64, reshare: u64) -> [u64; 2] {
        let sign = self.masks[i].sign(opened);
        let chosen = self.chosen[opened * self.len() + i];
        let selected = chosen.wrapping_add(row & mask64(sign)).wrapping_sub(reshare);
        [sign, sign ^ 1].map(|b| selected.wrapping_add(self.x[i] & mask64(b)))
    }

    /// Both values under the pads of the last OT, in the order that `flip` makes them the server's
    /// choice.
    fn sealed(&self, i: usize, flip: u8, values: [u64; 2]) -> [u64; 2] {
        let pads = [self.answer.zero[i], self.answer.one[i]];
        let swap = (pads[0] ^ pads[1]) & mask64(flip);
        [values[0].wrapping_add(pads[0] ^ swap), values[1].wrapping_add(pads[1] ^ swap)]
    }
}
