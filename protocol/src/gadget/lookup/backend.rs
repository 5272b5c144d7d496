//! The gadget as the protocol sees it.

use std::mem::size_of;

use super::{
    ClientLookup, ClientPads, ClientTables, ServerDigits, ServerLookup, ServerPads, ServerRows,
    Split, answer_bytes, digits_bytes, label_ots, label_windows, request_bytes, rows_bytes,
    selection_ots, selection_windows, tables_bytes,
};
use crate::error::{Error, Result};
use crate::gadget::CompareBits;
use crate::gadget::kernels::{PerHash, ReluKernels};
use crate::gadget::seam::{
    self, Accepted, Backend, ClientRelus, ClientRequested, ClientTurn, Gadget, Held, Round,
    ServerRelus, ServerTurn, ServerWaits, Step, Symmetric, Work,
};
use crate::ot::{Block, CotView, Delta, GateHash, ReceiverPads, SenderPads, Windows};
use crate::rng::SecretRng;
use crate::wire::Kind;

/// OTs that a lookup prepares for the two opened bits.
const PREPARED: usize = 4;
/// The client's share of a position and its mask bits.
const CLIENT_POSITION: usize = 8 + 1;
/// The server's index and pads of both digits.
const HELD: usize = size_of::<[u16; 2]>() + size_of::<[u8; 3]>();
/// The server's shares of the ANDs.
const ANDS: usize = size_of::<[u8; 3]>();

/// Table lookup: comparisons of at most [`Split::MAX_DIGIT`] bits a digit, two round trips.
pub struct Lookup;

impl Backend for Lookup {
    fn name(&self) -> &'static str {
        "ot"
    }

    fn does(&self) -> &'static str {
        "looked up"
    }

    fn about(&self) -> &'static str {
        "Oblivious table lookup: two round trips a layer, a fifth of the bytes (layers whose \
         comparisons are too wide for tables stay garbled)"
    }

    fn gadget(&self, compare: CompareBits) -> Result<Box<dyn Gadget>> {
        Ok(Box::new(Tables(Split::cheapest(compare)?)))
    }
}

/// The tables of one width.
struct Tables(Split);

impl Gadget for Tables {
    fn selection_ots(&self, n: usize) -> usize {
        selection_ots(n, self.0)
    }

    fn selection_windows(&self, n: usize) -> u64 {
        selection_windows(n, self.0)
    }

    fn label_ots(&self, n: usize) -> usize {
        label_ots(n)
    }

    fn label_windows(&self, n: usize) -> u64 {
        label_windows(n)
    }

    fn request_bytes(&self, n: usize) -> usize {
        request_bytes(n)
    }

    fn rounds(&self) -> &'static [Round] {
        &[
            Round { message: Kind::Digits, answer: Kind::MaskedTables, joined: false },
            Round { message: Kind::Rows, answer: Kind::Answers, joined: false },
        ]
    }

    fn message_bytes(&self, round: usize, n: usize) -> usize {
        if round == 0 { digits_bytes(n, self.0) } else { rows_bytes(n) }
    }

    fn answer_bytes(&self, round: usize, n: usize) -> usize {
        if round == 0 { tables_bytes(n, self.0) } else { answer_bytes(n) }
    }

    fn client_pads(
        &self,
        n: usize,
        hash: &GateHash,
        windows: Windows,
        (keys, delta): (&[Block], &Delta),
    ) -> Result<Box<dyn seam::ClientPads>> {
        Ok(Box::new(ClientPads::new(hash, windows, (n, self.0), keys, delta)?))
    }

    fn server_pads(
        &self,
        n: usize,
        hash: &GateHash,
        windows: Windows,
        cots: CotView<'_>,
    ) -> Result<Box<dyn seam::ServerPads>> {
        Ok(Box::new(ServerPads::new(hash, windows, (n, self.0), cots)?))
    }

    fn work(&self, step: Step, n: usize, kernels: &ReluKernels) -> Work {
        let (k, many, ots) = (&kernels.lookup, n as f64, self.label_ots(n) as f64);
        let pads = |each: PerHash| each.of(n, self.0.digit_hashes());
        let words = self.0.words();
        let (spread, alone, elements) = match step {
            Step::ClientPads => (pads(k.pads_send), 0.0, 0),
            Step::ServerPads => (pads(k.pads_receive), 0.0, 0),
            Step::Request => (ots * kernels.pads_receive, many * k.request, 0),
            Step::Accept => (ots * kernels.pads_send, many * k.accept, 0),
            Step::Message(0) => (0.0, many * k.digits, n),
            Step::Message(_) => (k.rows.of(n, words), 0.0, 0),
            Step::Answer(0) => (k.tables.of(n, words), 0.0, 0),
            Step::Answer(_) => (many * k.answer, 0.0, 0),
            Step::Finish => (0.0, many * k.finish, n),
        };
        Work { spread, alone, elements }
    }

    fn symmetric(&self, n: usize) -> Symmetric {
        Symmetric { ands: 0, hashes: (2 * n * self.0.digit_hashes()) as u64 }
    }

    fn client_held(&self, n: usize) -> Held {
        let tables = 8 * self.0.words();
        let requested = (tables + CLIENT_POSITION + 8 * PREPARED + SenderPads::BYTES) * n
            + size_of::<ClientLookup>();
        Held { pads: (tables + 3 * SenderPads::BYTES) * n, requested, ready: requested }
    }

    fn server_held(&self, n: usize) -> Held {
        let ready = (HELD + ANDS + PREPARED * SenderPads::BYTES + ReceiverPads::BYTES) * n
            + size_of::<ServerLookup>();
        Held { pads: (HELD + 3 * ReceiverPads::BYTES) * n, requested: 0, ready }
    }

    fn answering(&self, slices: &[usize]) -> (usize, usize) {
        let all: usize = slices.iter().sum();
        let slice = slices.iter().copied().max().unwrap_or_default();
        // All tables wait until they can be sent or read; so do the answers.
        let tables: usize = slices.iter().map(|n| tables_bytes(*n, self.0)).sum();
        let down = digits_bytes(slice, self.0) + rows_bytes(slice);
        let answers = answer_bytes(all) + answer_bytes(slice);
        (tables + 2 * down + answers, tables + 2 * down + 25 * all + answers)
    }
}

impl seam::ClientPads for ClientPads {
    fn request(
        self: Box<Self>,
        hash: &GateHash,
        windows: Windows,
        cots: CotView<'_>,
        x_c: &[u64],
    ) -> Result<(Box<dyn ClientRequested>, Vec<u8>)> {
        let (lookup, message) = (*self).request(hash, windows, cots, x_c)?;
        Ok((Box::new(lookup), message))
    }
}

impl ClientRequested for ClientLookup {
    fn ready(self: Box<Self>, tables: Option<Vec<u8>>) -> Result<Box<dyn ClientRelus>> {
        match tables {
            None => Ok(self),
            Some(_) => Err(Error::local("tables for ReLUs that are looked up")),
        }
    }
}

impl ClientRelus for ClientLookup {
    fn answer(self: Box<Self>, digits: &[u8], _reshare: &[u64]) -> Result<ClientTurn> {
        let (next, tables) = self.tables(digits)?;
        Ok((tables, Some(Box::new(next))))
    }
}

impl ClientRelus for ClientTables {
    fn answer(self: Box<Self>, rows: &[u8], reshare: &[u64]) -> Result<ClientTurn> {
        Ok(((*self).answer(rows, reshare)?, None))
    }
}

impl seam::ServerPads for ServerPads {
    fn accept(
        self: Box<Self>,
        hash: &GateHash,
        windows: Windows,
        keys: (&[Block], &Delta),
        request: &[u8],
        _rng: &mut SecretRng,
    ) -> Result<Accepted> {
        Ok((Box::new((*self).accept(hash, windows, keys, request)?), None))
    }
}

impl ServerRelus for ServerLookup {
    fn begin(self: Box<Self>, x_s: &[u64]) -> Result<(Vec<u8>, Box<dyn ServerWaits>)> {
        let (next, digits) = self.digits(x_s)?;
        Ok((digits, Box::new(next)))
    }
}

impl ServerWaits for ServerDigits {
    fn take(self: Box<Self>, tables: &[u8]) -> Result<ServerTurn> {
        let (next, rows) = self.rows(tables)?;
        Ok(ServerTurn::Message(rows, Box::new(next)))
    }
}

impl ServerWaits for ServerRows {
    fn take(self: Box<Self>, answers: &[u8]) -> Result<ServerTurn> {
        Ok(ServerTurn::Done(self.finish(answers)?))
    }
}
