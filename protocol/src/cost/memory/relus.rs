//! What the ReLUs of a ticket hold, by either backend, from the pads on.

use std::mem::size_of;
use std::ops::AddAssign;

use super::super::CostModel;
use super::super::clock::Pair;
use super::pushed;
use crate::gadget::lookup::{self, ClientLookup, ServerLookup};
use crate::gadget::{self, ClientRelu, ReluBackend, ServerRelu};
use crate::offline::{ReluTensor, SLICE};
use crate::ot::Block;

/// Both pads of a random OT.
const SENT: u64 = 2 * 8;
/// A random OT's bit and pad.
const RECEIVED: u64 = 1 + 8;
/// OTs that a lookup prepares for the two opened bits.
const PREPARED: u64 = 4;
/// The client's share of a position and its mask bits.
const CLIENT_POSITION: u64 = 8 + 1;
/// The server's index and pads of both digits.
const HELD: u64 = (size_of::<[u16; 2]>() + size_of::<[u8; 3]>()) as u64;
/// The server's shares of the ANDs.
const ANDS: u64 = size_of::<[u8; 3]>() as u64;

/// Bytes of one party's ReLUs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Relus {
    /// Pads of the OTs in which the client sends.
    pub(super) pads: u64,
    /// Client: what it holds from its request on. Server: the client's messages, as it keeps them.
    pub(super) requested: u64,
    /// In the finished ticket.
    pub(super) ready: u64,
}

impl AddAssign for Relus {
    fn add_assign(&mut self, other: Self) {
        self.pads += other.pads;
        self.requested += other.requested;
        self.ready += other.ready;
    }
}

impl CostModel<'_> {
    /// The ReLUs of one ticket.
    pub(super) fn relus(&self) -> Pair<Relus> {
        let mut all = Pair::default();
        for slice in self.schedule.slices(1) {
            let (n, backend) = (slice.len(), self.slice_backend(&slice));
            let (mut client, mut server) = positions(n, backend);
            client.ready += client.requested;
            let ots = backend.label_ots(n);
            let extension = self.ots.labels.extension_bytes(ots).unwrap_or_default();
            server.requested = (extension + backend.request_bytes(n)) as u64;
            all.client += client;
            all.server += server;
        }
        all
    }

    /// ReLU positions of a ticket.
    pub(super) fn positions(&self) -> u64 {
        self.schedule.relus.iter().map(|r| r.positions.len() as u64).sum()
    }

    /// The gadgets themselves, one a slice: the client's and the server's.
    pub(super) fn gadgets(&self) -> (usize, usize) {
        let sizes = self.schedule.relus.iter().map(|relu| {
            let n = relu.slices().count();
            match self.backend(relu) {
                ReluBackend::Garbled(_) => (pushed::<ClientRelu>(n), pushed::<ServerRelu>(n)),
                ReluBackend::Lookup(_) => (pushed::<ClientLookup>(n), pushed::<ServerLookup>(n)),
            }
        });
        sizes.fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1))
    }

    /// Extension and blocks of a slice's OTs in which the client sends.
    pub(super) fn selection_work(&self) -> u64 {
        self.most_of_relus(|relu| {
            let ots = self.backend(relu).selection_ots(relu.positions.len().min(SLICE));
            let blocks = (Block::BYTES + 1) * ots;
            (blocks + self.ots.selection.extension_bytes(ots).unwrap_or_default()) as u64
        })
    }

    /// Labels and tables of a slice, or the blocks of its prepared OTs.
    pub(super) fn label_work(&self) -> u64 {
        self.most_of_relus(|relu| {
            let (n, backend) = (relu.positions.len().min(SLICE), self.backend(relu));
            let labels = (Block::BYTES + 1) * backend.label_ots(n);
            (labels + backend.tables_bytes(n).unwrap_or_default()) as u64
        })
    }

    /// Messages of a tensor online, as far as they are kept at a time, with the values: at the
    /// client and at the server.
    pub(super) fn answering(&self) -> (u64, u64) {
        let client = self.most_of_relus(|relu| self.messages(relu).0);
        (client, self.most_of_relus(|relu| self.messages(relu).1))
    }

    fn messages(&self, relu: &ReluTensor) -> (u64, u64) {
        let all = relu.positions.len();
        let slice = all.min(SLICE);
        let (client, server) = match self.backend(relu) {
            // Labels of a slice, framed and alone; values and their message.
            ReluBackend::Garbled(bits) => {
                let labels = 2 * gadget::online_down_bytes(slice, bits);
                (labels + 16 * all, labels + 24 * all)
            }
            // All tables wait until they can be sent or read; so do the answers at the client.
            ReluBackend::Lookup(split) => {
                let tables: usize =
                    relu.slices().map(|s| lookup::tables_bytes(s.len(), split)).sum();
                let down = lookup::digits_bytes(slice, split) + lookup::rows_bytes(slice);
                let answer = lookup::answer_bytes(slice);
                (
                    tables + 2 * down + lookup::answer_bytes(all) + answer,
                    tables + 2 * down + 25 * all + 2 * answer,
                )
            }
        };
        (client as u64, server as u64)
    }

    fn most_of_relus(&self, of: impl Fn(&ReluTensor) -> u64) -> u64 {
        self.schedule.relus.iter().map(of).max().unwrap_or_default()
    }

    /// Whether some ReLUs are garbled.
    pub(super) fn garbles(&self) -> bool {
        let mut backends = self.schedule.relus.iter().map(|relu| self.backend(relu));
        backends.any(|backend| matches!(backend, ReluBackend::Garbled(_)))
    }
}

/// What `n` positions hold, `ready` at the client only what comes to its requests, and at the
/// server without the messages that it waits for.
fn positions(n: usize, backend: ReluBackend) -> (Relus, Relus) {
    let positions = n as u64;
    let (client, server) = match backend {
        ReluBackend::Garbled(bits) => {
            let labels = (gadget::cot_count(n, bits) * Block::BYTES) as u64;
            let tables = gadget::offline_down_bytes(n, bits) as u64;
            let (pads, requested) = (SENT * positions, labels + SENT * positions);
            // The server keeps a label, the bit mu and tau.
            let server = ((RECEIVED * positions), (16 + RECEIVED) * positions);
            ((pads, requested, tables), server)
        }
        ReluBackend::Lookup(split) => {
            let tables = 8 * split.words() as u64;
            let requested = tables + CLIENT_POSITION + 8 * PREPARED + SENT;
            let server = (HELD + 3 * RECEIVED, HELD + ANDS + PREPARED * SENT + RECEIVED);
            let client = ((tables + 3 * SENT) * positions, requested * positions, 0);
            (client, (server.0 * positions, server.1 * positions))
        }
    };
    (
        Relus { pads: client.0, requested: client.1, ready: client.2 },
        Relus { pads: server.0, requested: 0, ready: server.1 },
    )
}
