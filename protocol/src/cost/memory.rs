//! Predicted memory of both parties, from the sizes of what they hold.
//!
//! Tickets are exact up to allocator overhead: every vector's length follows from the plan. The
//! peak is the largest of the stages of an offline run and of an inference: what lives from stage
//! to stage, and the buffers of the group, slice or tensor in work. [`PROCESS_BYTES`] stands for
//! the program itself.

mod relus;

use std::mem::size_of;

use super::CostModel;
use crate::error::Result;
use crate::linear::LANES;
use crate::offline::{LatticeGroup, kept, prepared_bytes};
use crate::plan::{ConvShape, Linear, PublicPlan};
use crate::rlwe::DEGREE;
use crate::session::BatchSizes;
use crate::ticket::{ClientTensor, ClientTicket, ServerTensor, ServerTicket};
use crate::wire::memory::QUEUED_FRAMES;
use crate::wire::{CHUNK_BYTES, framed_bytes};

/// What a client or a server holds before it does anything: program, threads, TLS (measured on
/// Linux: 10 to 12 MB resident).
pub const PROCESS_BYTES: u64 = 12_000_000;

/// A polynomial modulo both primes.
const POLY: u64 = 2 * 8 * DEGREE as u64;
/// Two sums of products: up to three words a coefficient and prime.
const SUMS: u64 = 6 * POLY;
/// Ciphertexts that the client encrypts at a time.
const ENCRYPTED_AT_A_TIME: u64 = 64;
/// Frames under way at one end, each way.
const QUEUES: u64 = (2 * (QUEUED_FRAMES + 2) * CHUNK_BYTES) as u64;

/// Memory of one party, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartyMemory {
    /// The program and its connection.
    pub process: u64,
    /// The plan and what follows from it alone.
    pub plan: u64,
    /// Transformed weights, kept between runs: of the batch's size, and of the smaller ones that a
    /// server makes besides (server only).
    pub weights: u64,
    /// Correlated OTs in stock, if they are silent: the most during the run.
    pub stock: u64,
    /// A ticket that waits to be spent.
    pub ticket: u64,
    /// Most that an offline run takes besides, the new tickets included.
    pub batch: u64,
    /// Most that an inference takes besides, the batch's tickets included.
    pub inference: u64,
    /// The stage that takes most: one of the offline run, or the inference.
    pub stage: &'static str,
}

impl PartyMemory {
    /// Most that is held with no other tickets than those of the run.
    pub fn peak(&self) -> u64 {
        self.process + self.plan + self.weights + self.stock + self.batch.max(self.inference)
    }
}

/// Memory of both parties.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// The client.
    pub client: PartyMemory,
    /// The server, with one session; each further one adds its tickets and its offline run.
    pub server: PartyMemory,
    /// Tickets in an offline run.
    pub batch: usize,
}

/// Predicts memory for `batch` tickets at a time on `cores` cores, with a server that keeps
/// `weight_cache` bytes of transformed weights. `plan` is validated.
///
/// # Errors
/// `Error::Input` if a convolution cannot be packed.
pub fn estimate(
    plan: &PublicPlan,
    batch: usize,
    weight_cache: usize,
    cores: usize,
) -> Result<MemoryEstimate> {
    CostModel::new(plan, batch)?.memory(weight_cache, cores)
}

fn words(n: usize) -> u64 {
    8 * n as u64
}

impl CostModel<'_> {
    /// As [`estimate`].
    ///
    /// # Errors
    /// `Error::Local` if the plan cannot be encoded.
    pub fn memory(&self, weight_cache: usize, cores: usize) -> Result<MemoryEstimate> {
        let public = self.plan.to_bytes()?.len() as u64 + self.schedule_bytes();
        let (client, server) = (self.client_stages(cores), self.server_stages(cores));
        let inferring = self.inferring(cores);
        let party = |plan, weights, ticket, stages: &[(&'static str, u64)], inference| {
            let (stage, batch) = stages.iter().copied().max_by_key(|s| s.1).unwrap_or_default();
            let stage = if inference > batch { "an inference" } else { stage };
            let (process, (_, stock)) = (PROCESS_BYTES, self.stock());
            PartyMemory { process, plan, weights, stock, ticket, batch, inference, stage }
        };
        let weights = self.kept_weights(weight_cache)?;
        let tickets = (self.client_ticket(), self.server_ticket());
        let server_plan = public + self.secret_bytes();
        Ok(MemoryEstimate {
            client: party(public, 0, tickets.0, &client, inferring.0),
            server: party(server_plan, weights, tickets.1, &server, inferring.1),
            batch: self.batch,
        })
    }

    /// What an offline run takes at the client and at the server, whatever the cores.
    pub(super) fn fresh_bytes(&self) -> (u64, u64) {
        let most = |stages: &[(&str, u64)]| stages.iter().map(|s| s.1).max().unwrap_or_default();
        (most(&self.client_stages(1)), most(&self.server_stages(1)))
    }

    /// Elements of all tensors.
    fn elements(&self) -> usize {
        self.plan.tensors.iter().map(|t| t.shape.len()).sum()
    }

    /// Positions, 4 bytes each.
    fn schedule_bytes(&self) -> u64 {
        let relus = self.schedule.relus.iter().map(|r| r.positions.len());
        let others = self.schedule.identities.iter().chain(&self.schedule.kept).map(Vec::len);
        4 * relus.chain(others).sum::<usize>() as u64
    }

    fn secret_bytes(&self) -> u64 {
        let terms = self.plan.tensors.iter().flat_map(|t| &t.terms);
        let weights: usize =
            terms.map(|t| if let Linear::Conv(c) = &t.op { c.weights() } else { 0 }).sum();
        let biases: usize = self.plan.tensors.iter().map(|t| t.shape.channels).sum();
        4 * weights as u64 + words(biases)
    }

    /// Weights of this batch size, and of each smaller one that a server usually makes besides
    /// whose weights then fit as a whole: what it prepares at its start.
    fn kept_weights(&self, budget: usize) -> Result<u64> {
        let fitting = |groups: &[usize]| -> usize {
            let kept = kept(groups.iter().copied(), budget).into_iter().zip(groups);
            kept.map(|(kept, bytes)| if kept { *bytes } else { 0 }).sum()
        };
        let own: Vec<usize> = self.lattice.groups.iter().map(|g| g.prepared_bytes()).collect();
        let mut held = fitting(&own);
        for batch in BatchSizes::up_to(self.batch).iter().filter(|batch| *batch != self.batch) {
            let bytes = fitting(&prepared_bytes(self.plan, batch)?);
            held += if held + bytes <= budget { bytes } else { 0 };
        }
        Ok(held as u64)
    }

    /// Heap bytes of a client's ticket and the ticket itself.
    fn client_ticket(&self) -> u64 {
        let ends = [self.plan.tensors.first(), self.plan.tensors.last()];
        let ends: usize = ends.into_iter().flatten().map(|t| t.shape.len()).sum();
        let tensors = self.schedule.relus.len() * size_of::<ClientTensor>();
        let fixed = size_of::<ClientTicket>() + tensors + self.gadgets();
        self.relus().client.ready as u64 + 8 * self.positions() + words(ends) + fixed as u64
    }

    /// Heap bytes of a server's ticket and the ticket itself.
    fn server_ticket(&self) -> u64 {
        let corrections: usize = self.schedule.identities.iter().map(Vec::len).sum();
        let tensors = self.plan.tensors.len() * size_of::<ServerTensor>();
        let fixed = size_of::<ServerTicket>() + tensors + self.gadgets();
        words(self.elements() + corrections) + self.relus().server.ready as u64 + fixed as u64
    }

    /// The maps of all upload cells, 4 bytes each.
    fn cells(&self) -> u64 {
        let uploads = self.lattice.groups.iter().map(|g| g.packing().uploads());
        4 * (DEGREE * uploads.sum::<usize>()) as u64
    }

    fn most(&self, of: impl Fn(&LatticeGroup) -> u64) -> u64 {
        self.lattice.groups.iter().map(of).max().unwrap_or_default()
    }

    fn client_stages(&self, cores: usize) -> [(&'static str, u64); 4] {
        let (batch, relus) = (self.batch as u64, self.relus().client);
        let vectors = batch * words(self.elements());
        let always = self.cells() + vectors;
        let encrypting = self.most(|g| {
            let uploads = g.packing().uploads() as u64;
            g.upload_bytes() as u64 + uploads.min(ENCRYPTED_AT_A_TIME) * 2 * POLY
        });
        let decrypting = self.most(|g| {
            let outputs = words(g.packing().batch() * g.packing().shape().output().len());
            g.response_bytes() as u64 + 2 * outputs + cores as u64 * 4 * POLY
        });
        let shares = always + vectors;
        let held = batch * relus.pads.max(relus.requested) as u64;
        let slice = self.selection_work().max(self.label_work());
        let finished = batch * (relus.ready as u64 + 8 * self.positions());
        let finishing = if self.has_tables() { "receiving tables" } else { "sorting tickets" };
        [
            ("encrypting masks", always + encrypting + QUEUES),
            ("decrypting responses", shares + decrypting + QUEUES),
            ("requesting ReLUs", shares + held + slice + QUEUES),
            (finishing, shares + finished + QUEUES),
        ]
    }

    fn server_stages(&self, cores: usize) -> [(&'static str, u64); 3] {
        let (batch, relus) = (self.batch as u64, self.relus().server);
        let always = self.cells() + batch * words(self.elements());
        let uploads: u64 = self.lattice.groups.iter().map(|g| framed_bytes(g.upload_bytes())).sum();
        let evaluating = self.most(|g| evaluation(g, cores as u64));
        let (pads, requests) = (batch * relus.pads as u64, batch * relus.requested as u64);
        let collecting = always + pads + requests.max(self.selection_work());
        let finished = self.cells() + batch * self.server_ticket() + requests + self.label_work();
        let finishing = if self.has_tables() { "making tables" } else { "taking requests" };
        [
            ("evaluating convolutions", always + uploads + evaluating + QUEUES),
            ("collecting requests", collecting + QUEUES),
            (finishing, finished + QUEUES),
        ]
    }

    /// An inference, with all tickets of the batch: at the client and at the server.
    fn inferring(&self, cores: usize) -> (u64, u64) {
        let (batch, (client, server)) = (self.batch as u64, self.answering());
        let image = self.plan.tensors.first().map_or(0, |t| words(t.shape.len()));
        let terms = || self.plan.tensors.iter().flat_map(|t| &t.terms);
        let convs =
            terms().filter_map(|t| if let Linear::Conv(c) = &t.op { Some(c) } else { None });
        let columns = convs.map(|shape| columns(shape, cores)).max().unwrap_or_default();
        let shares = words(self.elements()) + columns.max(server);
        (
            batch * self.client_ticket() + 3 * image + client + QUEUES,
            batch * self.server_ticket() + image + shares + QUEUES,
        )
    }
}

/// What a convolution of shares gathers and adds up, one group of channels a core.
fn columns(shape: &ConvShape, cores: usize) -> u64 {
    let out = shape.output();
    let plane = (out.height * out.width).next_multiple_of(LANES);
    let rows = shape.group_inputs() * shape.kernel_h * shape.kernel_w + shape.group_outputs();
    words(shape.groups.min(cores) * rows * plane)
}

/// Ciphertexts of a group, the sums in work, the response twice.
fn evaluation(group: &LatticeGroup, cores: u64) -> u64 {
    let p = group.packing();
    let sums = (p.tiles() as u64 * cores).min(p.responses() as u64 + cores);
    let masks = words(p.batch() * p.shape().output().len());
    p.uploads() as u64 * 2 * POLY + sums * SUMS + 2 * group.response_bytes() as u64 + masks
}

/// Bytes of a vector of `T` that grew to `n` by single pushes: it doubles, from four elements on
/// or from one if they are large.
fn pushed<T>(n: usize) -> usize {
    let least = if size_of::<T>() <= 1024 { 4 } else { 1 };
    size_of::<T>() * if n == 0 { 0 } else { n.next_power_of_two().max(least) }
}
