//! What each step computes, in seconds on a number of cores.
//!
//! Work on ciphertexts comes in pieces that one core does whole; work on positions is fine enough
//! to be spread evenly. The rest runs on the party's own thread.

use super::profile::{KernelProfile, OtKernels, PerHash};
use crate::gadget::lookup::Split;
use crate::gadget::{CompareBits, ReluBackend};
use crate::linear::LANES;
use crate::offline::LatticeGroup;
use crate::ot::{OtConfig, OtExtension, SilentSet};
use crate::plan::{ConvShape, Linear, PublicPlan, TensorSpec};

/// Output channels that one task of a convolution computes together.
const ROWS: usize = 4;

/// A machine's kernels on some cores.
#[derive(Clone, Copy)]
pub(super) struct Speed<'a> {
    pub(super) profile: &'a KernelProfile,
    pub(super) cores: usize,
    pub(super) ots: OtConfig,
}

impl Speed<'_> {
    /// `items` indivisible pieces.
    fn pieces(&self, items: usize, each: f64) -> f64 {
        items.div_ceil(self.cores.max(1)) as f64 * each
    }

    fn spread(&self, seconds: f64) -> f64 {
        seconds / self.cores.max(1) as f64
    }

    /// Packing of all groups, at either party.
    pub(super) fn layout(&self, group: &LatticeGroup) -> f64 {
        let (p, k) = (group.packing(), &self.profile.lattice);
        k.layout + p.uploads() as f64 * k.cells
    }

    /// Memory that is used for the first time, by one thread.
    pub(super) fn fresh(&self, bytes: u64) -> f64 {
        bytes as f64 * self.profile.linear.fresh
    }

    pub(super) fn encrypt(&self, group: &LatticeGroup) -> f64 {
        self.pieces(group.packing().uploads(), self.profile.lattice.encrypt)
    }

    /// Transforming weights that are then kept.
    pub(super) fn keep(&self, group: &LatticeGroup) -> f64 {
        self.prepare(group) + self.spread(self.fresh(group.prepared_bytes() as u64))
    }

    fn prepare(&self, group: &LatticeGroup) -> f64 {
        self.pieces(group.packing().weight_polys(), self.profile.lattice.weight)
    }

    /// Reading the upload, products, responses; `cached`: the weights are transformed already.
    pub(super) fn evaluate(&self, group: &LatticeGroup, cached: bool) -> f64 {
        let (p, k) = (group.packing(), &self.profile.lattice);
        let response = p.input_groups() as f64 * k.product + k.finish;
        let weights = if cached { 0.0 } else { self.prepare(group) };
        let masks = p.batch() * p.shape().output().len();
        self.pieces(p.uploads(), k.read)
            + weights
            + self.pieces(p.responses(), response)
            + self.random(masks)
            + self.elements(masks)
    }

    pub(super) fn decrypt(&self, group: &LatticeGroup) -> f64 {
        let p = group.packing();
        self.pieces(p.responses(), self.profile.lattice.decrypt)
            + self.elements(p.batch() * p.shape().output().len())
    }

    pub(super) fn random(&self, values: usize) -> f64 {
        values as f64 * self.profile.linear.random
    }

    /// Additions, truncations, copies.
    pub(super) fn elements(&self, count: usize) -> f64 {
        count as f64 * self.profile.linear.element
    }

    /// An OT of a slice: silent ones are made before.
    fn extension(&self, extension: OtExtension) -> OtKernels {
        match extension {
            OtExtension::SoftSpoken(field) => self.profile.relu.ot(field),
            OtExtension::Silent(_) => OtKernels::default(),
        }
    }

    /// The extension that silent OT starts from: (receiver, sender).
    pub(super) fn bootstrap(&self, extension: OtExtension) -> (f64, f64) {
        let ots = extension.ledger().map_or(0, |ledger| ledger.base_cots()) as f64;
        let each = self.profile.relu.ot(extension.field());
        (self.spread(ots * each.receive), self.spread(ots * each.send))
    }

    /// Makes the message of a refill.
    pub(super) fn order(&self, set: SilentSet) -> f64 {
        self.refill(set, self.profile.relu.silent(set).order)
    }

    /// Makes its outputs: (receiver, sender).
    pub(super) fn expand(&self, set: SilentSet) -> (f64, f64) {
        let each = self.profile.relu.silent(set);
        (self.refill(set, each.receive), self.refill(set, each.send))
    }

    fn refill(&self, set: SilentSet, each: f64) -> f64 {
        self.spread((set.outputs() - set.cost()) as f64 * each)
    }

    /// Extends the OTs in which the client sends: (server, client).
    pub(super) fn selection(&self, n: usize, backend: ReluBackend) -> (f64, f64) {
        let ot = self.extension(self.ots.selection);
        let ots = backend.selection_ots(n) as f64;
        (self.spread(ots * ot.receive), self.spread(ots * ot.send))
    }

    /// Hashes them: (server, client).
    pub(super) fn pads(&self, n: usize, backend: ReluBackend) -> (f64, f64) {
        let k = &self.profile.relu;
        let (server, client) = match backend {
            ReluBackend::Garbled(_) => (n as f64 * k.pads_receive, n as f64 * k.pads_send),
            ReluBackend::Lookup(split) => {
                let of = |pads: PerHash| pads.of(n, split.digit_hashes());
                (of(k.lookup.pads_receive), of(k.lookup.pads_send))
            }
        };
        (self.spread(server), self.spread(client))
    }

    /// The client's request for a slice.
    pub(super) fn request(&self, n: usize, backend: ReluBackend) -> f64 {
        let (k, ots) = (&self.profile.relu, backend.label_ots(n) as f64);
        let extension = ots * self.extension(self.ots.labels).receive;
        let own = match backend {
            ReluBackend::Garbled(bits) => self.spread(k.request.of(n, ands(bits))),
            ReluBackend::Lookup(_) => {
                self.spread(ots * k.pads_receive) + n as f64 * k.lookup.request
            }
        };
        self.spread(extension) + own + self.elements(n)
    }

    /// What the server makes of it: garbled tables or prepared choices.
    pub(super) fn take_request(&self, n: usize, backend: ReluBackend) -> f64 {
        let (k, ots) = (&self.profile.relu, backend.label_ots(n) as f64);
        let extension = ots * self.extension(self.ots.labels).send;
        let own = match backend {
            ReluBackend::Garbled(bits) => self.spread(k.garble.of(n, ands(bits))),
            ReluBackend::Lookup(_) => self.spread(ots * k.pads_send) + n as f64 * k.lookup.accept,
        };
        self.spread(extension) + own
    }

    /// Garbled, online, the server's message.
    pub(super) fn labels(&self, n: usize, ands: usize) -> f64 {
        self.spread(self.profile.relu.labels.of(n, ands)) + self.elements(2 * n)
    }

    /// Garbled, online, the client's evaluation.
    pub(super) fn values(&self, n: usize, ands: usize) -> f64 {
        self.spread(self.profile.relu.evaluate.of(n, ands)) + self.elements(2 * n)
    }

    /// Looked up, online: the server's digits, gathered and masked.
    pub(super) fn digits(&self, n: usize) -> f64 {
        n as f64 * self.profile.relu.lookup.digits + self.elements(n)
    }

    /// Looked up, online: the client's tables.
    pub(super) fn tables(&self, n: usize, split: Split) -> f64 {
        self.spread(self.profile.relu.lookup.tables.of(n, split.words()))
    }

    /// Looked up, online: the server's rows.
    pub(super) fn rows(&self, n: usize, split: Split) -> f64 {
        self.spread(self.profile.relu.lookup.rows.of(n, split.words()))
    }

    /// Looked up, online: the client's answer.
    pub(super) fn answer(&self, n: usize) -> f64 {
        self.spread(n as f64 * self.profile.relu.lookup.answer)
    }

    /// Looked up, online: the server's new share.
    pub(super) fn finish(&self, n: usize) -> f64 {
        n as f64 * self.profile.relu.lookup.finish + self.elements(n)
    }

    /// A convolution of shares: columns are gathered, then multiplied.
    pub(super) fn conv(&self, shape: &ConvShape) -> f64 {
        let (out, k) = (shape.output(), &self.profile.linear);
        let plane = (out.height * out.width).next_multiple_of(LANES);
        let taps = shape.group_inputs() * shape.kernel_h * shape.kernel_w;
        let rows = shape.group_outputs();
        let each = if rows < ROWS { k.mac_narrow } else { k.mac };
        let task = (rows.min(ROWS) * taps * plane) as f64 * each;
        let (gather, tasks) = ((taps * plane) as f64 * k.column, rows.div_ceil(ROWS));
        if shape.groups == 1 {
            return gather + self.pieces(tasks, task);
        }
        self.pieces(shape.groups, gather + tasks as f64 * task)
    }

    /// One share's operators without secret weights, and the truncation.
    pub(super) fn public_terms(&self, plan: &PublicPlan, spec: &TensorSpec) -> f64 {
        let of = |op: &Linear, input: usize| match op {
            Linear::Conv(_) => 0,
            Linear::Copy(_) => spec.shape.len(),
            Linear::AvgPool(_) => plan.tensors.get(input).map_or(0, |t| t.shape.len()),
        };
        let terms: usize = spec.terms.iter().map(|t| of(&t.op, t.input)).sum();
        self.elements(terms + spec.shape.len())
    }
}

/// ANDs of a comparison.
pub(super) fn ands(bits: CompareBits) -> usize {
    bits.compared().saturating_sub(1)
}

/// Multiplications of the convolutions that make a tensor.
pub(super) fn macs(spec: &TensorSpec) -> u64 {
    let of = |op: &Linear| if let Linear::Conv(c) = op { c.macs() as u64 } else { 0 };
    spec.terms.iter().map(|t| of(&t.op)).sum()
}
