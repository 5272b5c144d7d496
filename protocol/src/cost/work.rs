//! What each step computes, in seconds on a number of cores.
//!
//! Work on ciphertexts comes in pieces that one core does whole; work on positions is fine enough
//! to be spread evenly. The rest runs on the party's own thread.

use super::profile::KernelProfile;
use crate::gadget;
use crate::linear::LANES;
use crate::offline::LatticeGroup;
use crate::plan::{ConvShape, Linear, PublicPlan, TensorSpec};

/// Output channels that one task of a convolution computes together.
const ROWS: usize = 4;

/// A machine's kernels on some cores.
#[derive(Clone, Copy)]
pub(super) struct Speed<'a> {
    pub(super) profile: &'a KernelProfile,
    pub(super) cores: usize,
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

    /// Extends and hashes the random OTs of a slice: (server, client).
    pub(super) fn random_ots(&self, n: usize) -> (f64, f64) {
        let (ots, k) = (gadget::rot_count(n) as f64, &self.profile.relu);
        (
            self.spread(ots * (k.ot_receive + k.pads_receive)),
            self.spread(ots * (k.ot_send + k.pads_send)),
        )
    }

    /// The client's request for a slice.
    pub(super) fn request(&self, n: usize, ands: usize) -> f64 {
        let k = &self.profile.relu;
        self.spread(label_ots(n, ands) * k.ot_receive + k.request.of(n, ands)) + self.elements(n)
    }

    /// The server's answer.
    pub(super) fn garble(&self, n: usize, ands: usize) -> f64 {
        let k = &self.profile.relu;
        self.spread(label_ots(n, ands) * k.ot_send + k.garble.of(n, ands))
    }

    /// Online, the server's message.
    pub(super) fn labels(&self, n: usize, ands: usize) -> f64 {
        self.spread(self.profile.relu.labels.of(n, ands)) + self.elements(2 * n)
    }

    /// Online, the client's evaluation.
    pub(super) fn values(&self, n: usize, ands: usize) -> f64 {
        self.spread(self.profile.relu.evaluate.of(n, ands)) + self.elements(2 * n)
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

/// OTs for the labels of `n` positions with `ands` gates each.
fn label_ots(n: usize, ands: usize) -> f64 {
    (n * (ands + 1)) as f64
}

/// ANDs of a comparison.
pub(super) fn ands(bits: gadget::CompareBits) -> usize {
    bits.compared().saturating_sub(1)
}

/// Multiplications of the convolutions that make a tensor.
pub(super) fn macs(spec: &TensorSpec) -> u64 {
    let of = |op: &Linear| if let Linear::Conv(c) = op { c.macs() as u64 } else { 0 };
    spec.terms.iter().map(|t| of(&t.op)).sum()
}
