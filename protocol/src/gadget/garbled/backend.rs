//! The gadget as the protocol sees it.

use std::mem::size_of;

use super::{
    ClientRelu, ClientReluRequest, ServerRelu, client_offline_request, cot_count,
    offline_down_bytes, offline_up_bytes, online_down_bytes, relu_windows, rot_count,
    server_offline,
};
use crate::bytes::{u64s_bytes, u64s_from};
use crate::error::{Error, Result};
use crate::gadget::kernels::ReluKernels;
use crate::gadget::seam::{
    Accepted, Backend, ClientPads, ClientRelus, ClientRequested, ClientTurn, Gadget, Held, Round,
    ServerPads, ServerRelus, ServerTurn, ServerWaits, Step, Symmetric, Work,
};
use crate::gadget::{CompareBits, check_count};
use crate::ot::{
    Block, CotView, Delta, GateHash, ReceiverPads, SenderPads, Windows, check_length, rot_windows,
};
use crate::ring::{add_assign, sub_assign};
use crate::rng::SecretRng;
use crate::wire::Kind;

/// Garbled circuits: comparisons of any width, one round trip.
pub struct Garbled;

impl Backend for Garbled {
    fn name(&self) -> &'static str {
        "gc"
    }

    fn does(&self) -> &'static str {
        "garbled"
    }

    fn about(&self) -> &'static str {
        "Garbled circuits: one round trip a layer"
    }

    fn gadget(&self, compare: CompareBits) -> Result<Box<dyn Gadget>> {
        Ok(Self::circuit(compare))
    }
}

impl Garbled {
    /// The gadget of any width.
    pub fn circuit(compare: CompareBits) -> Box<dyn Gadget> {
        Box::new(Circuit(compare))
    }
}

/// The circuit of one width.
struct Circuit(CompareBits);

impl Circuit {
    fn ands(&self) -> usize {
        self.0.compared().saturating_sub(1)
    }
}

impl Gadget for Circuit {
    fn selection_ots(&self, n: usize) -> usize {
        rot_count(n)
    }

    fn selection_windows(&self, n: usize) -> u64 {
        rot_windows(rot_count(n))
    }

    fn label_ots(&self, n: usize) -> usize {
        cot_count(n, self.0)
    }

    fn label_windows(&self, n: usize) -> u64 {
        relu_windows(n, self.0)
    }

    fn request_bytes(&self, n: usize) -> usize {
        offline_up_bytes(n, self.0)
    }

    fn tables_bytes(&self, n: usize) -> Option<usize> {
        Some(offline_down_bytes(n, self.0))
    }

    fn rounds(&self) -> &'static [Round] {
        &[Round { message: Kind::Labels, answer: Kind::Activations, joined: true }]
    }

    fn message_bytes(&self, _round: usize, n: usize) -> usize {
        online_down_bytes(n, self.0)
    }

    fn answer_bytes(&self, _round: usize, n: usize) -> usize {
        8 * n
    }

    fn client_pads(
        &self,
        _n: usize,
        hash: &GateHash,
        windows: Windows,
        (keys, delta): (&[Block], &Delta),
    ) -> Result<Box<dyn ClientPads>> {
        let pads = SenderPads::new(hash, windows, keys, delta)?;
        Ok(Box::new(Pads { bits: self.0, pads }))
    }

    fn server_pads(
        &self,
        _n: usize,
        hash: &GateHash,
        windows: Windows,
        cots: CotView<'_>,
    ) -> Result<Box<dyn ServerPads>> {
        let pads = ReceiverPads::new(hash, windows, cots)?;
        Ok(Box::new(Pads { bits: self.0, pads }))
    }

    fn work(&self, step: Step, n: usize, kernels: &ReluKernels) -> Work {
        let (k, ands) = (kernels, self.ands());
        let (spread, elements) = match step {
            Step::ClientPads => (n as f64 * k.pads_send, 0),
            Step::ServerPads => (n as f64 * k.pads_receive, 0),
            Step::Request => (k.request.of(n, ands), 0),
            Step::Accept => (k.garble.of(n, ands), 0),
            Step::Message(_) => (k.labels.of(n, ands), 2 * n),
            // Its share is taken off, and the values are sent together.
            Step::Answer(_) => (k.evaluate.of(n, ands), 4 * n),
            Step::Finish => (0.0, 2 * n),
        };
        Work { spread, alone: 0.0, elements }
    }

    fn symmetric(&self, n: usize) -> Symmetric {
        Symmetric { ands: (n * self.ands()) as u64, hashes: 0 }
    }

    fn client_held(&self, n: usize) -> Held {
        let requested = cot_count(n, self.0) * Block::BYTES + SenderPads::BYTES * n;
        let ready = requested + offline_down_bytes(n, self.0) + size_of::<ClientRelu>();
        Held { pads: SenderPads::BYTES * n, requested, ready }
    }

    fn server_held(&self, n: usize) -> Held {
        // A label, the bit mu and tau.
        let ready = (16 + ReceiverPads::BYTES) * n + size_of::<ServerRelu>();
        Held { pads: ReceiverPads::BYTES * n, requested: 0, ready }
    }

    fn answering(&self, slices: &[usize]) -> (usize, usize) {
        let all: usize = slices.iter().sum();
        let slice = slices.iter().copied().max().unwrap_or_default();
        // Labels of a slice, framed and alone; values and their message.
        let labels = 2 * online_down_bytes(slice, self.0);
        (labels + 16 * all, labels + 24 * all)
    }
}

/// A slice's pads of the random OTs.
struct Pads<T> {
    bits: CompareBits,
    pads: T,
}

impl ClientPads for Pads<SenderPads> {
    fn request(
        self: Box<Self>,
        hash: &GateHash,
        windows: Windows,
        cots: CotView<'_>,
        x_c: &[u64],
    ) -> Result<(Box<dyn ClientRequested>, Vec<u8>)> {
        let Self { bits, pads } = *self;
        let (request, message) = client_offline_request(hash, windows, bits, cots, pads, x_c)?;
        Ok((Box::new(request), message))
    }
}

impl ClientRequested for ClientReluRequest {
    fn ready(self: Box<Self>, tables: Option<Vec<u8>>) -> Result<Box<dyn ClientRelus>> {
        let tables = tables.ok_or_else(|| Error::local("garbled ReLUs without tables"))?;
        Ok(Box::new(self.tables(tables)?))
    }
}

impl ClientRelus for ClientRelu {
    fn answer(self: Box<Self>, message: &[u8], reshare: &[u64]) -> Result<ClientTurn> {
        check_count("new shares", reshare.len(), self.len())?;
        let mut values = self.online(message)?;
        sub_assign(&mut values, reshare);
        Ok((u64s_bytes(&values), None))
    }
}

impl ServerPads for Pads<ReceiverPads> {
    fn accept(
        self: Box<Self>,
        hash: &GateHash,
        windows: Windows,
        keys: (&[Block], &Delta),
        request: &[u8],
        rng: &mut SecretRng,
    ) -> Result<Accepted> {
        let Self { bits, pads } = *self;
        let (relu, tables) = server_offline(hash, windows, bits, keys, pads, request, rng)?;
        Ok((Box::new(relu), Some(tables)))
    }
}

impl ServerRelus for ServerRelu {
    fn begin(self: Box<Self>, x_s: &[u64]) -> Result<(Vec<u8>, Box<dyn ServerWaits>)> {
        let (message, rho) = self.online(x_s)?;
        Ok((message, Box::new(Masked { rho })))
    }
}

/// The server's masks of the values to come.
struct Masked {
    rho: Vec<u64>,
}

impl ServerWaits for Masked {
    fn take(mut self: Box<Self>, answer: &[u8]) -> Result<ServerTurn> {
        check_length(answer, 8 * self.rho.len())?;
        let mut values = u64s_from(answer);
        self.rho.iter_mut().for_each(|rho| *rho = rho.wrapping_neg());
        add_assign(&mut values, &self.rho);
        Ok(ServerTurn::Done(values))
    }
}
