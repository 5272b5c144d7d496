//! What each step computes, in seconds on a number of cores.
//!
//! Work on ciphertexts comes in pieces that one core does whole; work on positions is fine enough
//! to be spread evenly. The rest runs on the party's own thread.

use super::profile::{KernelProfile, OtKernels};
use crate::gadget::Gadget;
use crate::gadget::seam::{Step, Work};
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

    /// Extends OTs in which the client sends: (server, client).
    pub(super) fn selection(&self, ots: usize) -> (f64, f64) {
        self.extending(ots, self.ots.selection)
    }

    /// Extends OTs in which the server sends: (client, server).
    pub(super) fn labels(&self, ots: usize) -> (f64, f64) {
        self.extending(ots, self.ots.labels)
    }

    /// (receiver, sender)
    fn extending(&self, ots: usize, extension: OtExtension) -> (f64, f64) {
        let (ots, each) = (ots as f64, self.extension(extension));
        (self.spread(ots * each.receive), self.spread(ots * each.send))
    }

    /// A step of a slice's ReLUs.
    pub(super) fn step(&self, gadget: &dyn Gadget, step: Step, n: usize) -> f64 {
        let Work { spread, alone, elements } = gadget.work(step, n, &self.profile.relu);
        self.spread(spread) + alone + self.elements(elements)
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

/// Multiplications of the convolutions that make a tensor.
pub(super) fn macs(spec: &TensorSpec) -> u64 {
    let of = |op: &Linear| if let Linear::Conv(c) = op { c.macs() as u64 } else { 0 };
    spec.terms.iter().map(|t| of(&t.op)).sum()
}
