//! Bytes and rounds of a run.

use super::CostModel;
use crate::error::Result;
use crate::gadget::Gadget;
use crate::offline::{LatticePlan, ReluTensor};
use crate::ot::OtExtension;
use crate::plan::PublicPlan;
use crate::session::{ONLINE_REQUEST_BYTES, offline_request_bytes, session_traffic};
use crate::wire::{Traffic, framed_bytes};

/// What one activation tensor costs: payload bytes, without framing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TensorCost {
    /// Encrypted masks for the convolutions that read this tensor, for the whole batch.
    pub lattice_up: u64,
    /// Their responses.
    pub lattice_down: u64,
    /// Client to server for its ReLUs and identity corrections, for the whole batch, without OT
    /// extension.
    pub offline_up: u64,
    /// Garbled tables, for the whole batch.
    pub offline_down: u64,
    /// OT extension, client to server, for the whole batch; refills of silent OT belong to no
    /// tensor.
    pub ot_up: u64,
    /// OT extension, server to client, for the whole batch.
    pub ot_down: u64,
    /// OTs, both ways, for the whole batch.
    pub ots: u64,
    /// One inference, client to server.
    pub online_up: u64,
    /// One inference, server to client.
    pub online_down: u64,
    /// Ciphertext-plaintext products for the whole batch.
    pub products: u64,
    /// How the convolutions that read it are packed, for people.
    pub packing: Vec<String>,
}

/// Predicted traffic of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prediction {
    /// Handshake, keys and base OTs: once a session.
    pub session: Traffic,
    /// One offline run of `batch` tickets: the session's first, or [that one](CostModel::in_run).
    pub offline: Traffic,
    /// One inference.
    pub online: Traffic,
    /// Tickets per offline run.
    pub batch: usize,
    /// One entry a tensor.
    pub tensors: Vec<TensorCost>,
}

/// Adds up framed messages.
#[derive(Default)]
struct Sum {
    up: u64,
    down: u64,
}

impl Sum {
    fn up(&mut self, payload: usize) -> u64 {
        self.up += framed_bytes(payload);
        payload as u64
    }
    fn down(&mut self, payload: usize) -> u64 {
        self.down += framed_bytes(payload);
        payload as u64
    }
    fn traffic(self, rounds: u64) -> Traffic {
        Traffic { up: self.up, down: self.down, rounds }
    }
}

/// Predicts the traffic of a session that makes tickets `batch` at a time. `plan` is validated.
///
/// # Errors
/// `Error::Input` if a convolution cannot be packed.
pub fn predict(plan: &PublicPlan, batch: usize) -> Result<Prediction> {
    CostModel::new(plan, batch)?.traffic()
}

impl CostModel<'_> {
    /// Bytes and rounds, exactly as they will be met.
    ///
    /// # Errors
    /// `Error::Local` if the plan cannot be encoded.
    pub fn traffic(&self) -> Result<Prediction> {
        let Self { plan, schedule, lattice, batch, .. } = self;
        let mut tensors = vec![TensorCost::default(); plan.tensors.len()];
        let mut offline = Sum::default();
        offline.up(offline_request_bytes(schedule.relus.len()));
        add_lattice(lattice, &mut offline, &mut tensors);
        let refills = self.refills();
        for set in &refills.selection {
            offline.up(set.message_bytes());
        }
        for set in &refills.labels {
            offline.down(set.message_bytes());
        }
        self.add_relus(&mut offline, &mut tensors);
        let online = self.add_online(&mut tensors);
        // Corrections and tables are a second round trip only if there are tables.
        let tables = u64::from(self.has_tables());
        let rounds: usize = schedule.relus.iter().map(|r| self.gadget(r).rounds().len()).sum();
        let extended = self.ots.selection.ledger().is_none() && !schedule.relus.is_empty();
        let answered = !lattice.groups.is_empty() || extended || !refills.labels.is_empty();
        Ok(Prediction {
            session: session_traffic(plan.to_bytes()?.len(), self.ots),
            offline: offline.traffic(u64::from(answered) + tables),
            online: online.traffic(rounds as u64 + 1),
            batch: *batch,
            tensors,
        })
    }

    fn add_relus(&self, sum: &mut Sum, tensors: &mut [TensorCost]) {
        for slice in self.schedule.slices(self.batch) {
            let (n, gadget) = (slice.len(), self.slice_gadget(&slice));
            let (labels, selections) = (gadget.label_ots(n), gadget.selection_ots(n));
            let of = |extension: OtExtension, ots| extension.extension_bytes(ots);
            let ot_down = of(self.ots.selection, selections).map_or(0, |bytes| sum.down(bytes));
            let ot_up = of(self.ots.labels, labels).map_or(0, |bytes| sum.up(bytes));
            let up = sum.up(gadget.request_bytes(n));
            let down = gadget.tables_bytes(n).map_or(0, |bytes| sum.down(bytes));
            if let Some(t) = tensors.get_mut(slice.tensor) {
                t.ot_down += ot_down;
                t.ot_up += ot_up;
                t.ots += (labels + selections) as u64;
                t.offline_up += up;
                t.offline_down += down;
            }
        }
        for (tensor, _, positions) in self.schedule.identity_messages(self.batch) {
            let up = sum.up(8 * positions.len());
            if let Some(t) = tensors.get_mut(tensor) {
                t.offline_up += up;
            }
        }
    }

    fn add_online(&self, tensors: &mut [TensorCost]) -> Sum {
        let mut sum = Sum::default();
        sum.up(ONLINE_REQUEST_BYTES);
        if let (Some(first), Some(input)) = (tensors.first_mut(), self.plan.tensors.first()) {
            first.online_up = sum.up(8 * input.shape.len());
        }
        for relu in &self.schedule.relus {
            let (up, down) = add_rounds(relu, self.gadget(relu).as_ref(), &mut sum);
            if let Some(t) = tensors.get_mut(relu.tensor) {
                t.online_down = down;
                t.online_up = up;
            }
        }
        if let (Some(last), Some(logits)) = (tensors.last_mut(), self.plan.output()) {
            last.online_down = sum.down(8 * logits.shape.len());
        }
        sum
    }
}

fn add_lattice(lattice: &LatticePlan, sum: &mut Sum, tensors: &mut [TensorCost]) {
    for group in &lattice.groups {
        let (up, down) = (sum.up(group.upload_bytes()), sum.down(group.response_bytes()));
        if let Some(t) = tensors.get_mut(group.group.input) {
            t.lattice_up += up;
            t.lattice_down += down;
            t.products += group.products() as u64;
            t.packing.push(group.describe());
        }
    }
}

/// Online bytes of a tensor's ReLUs: (up, down).
fn add_rounds(relu: &ReluTensor, gadget: &dyn Gadget, sum: &mut Sum) -> (u64, u64) {
    let (mut up, mut down) = (0, 0);
    let sizes = || relu.slices().map(<[u32]>::len);
    for (number, round) in gadget.rounds().iter().enumerate() {
        down += sizes().map(|n| sum.down(gadget.message_bytes(number, n))).sum::<u64>();
        let answers = sizes().map(|n| gadget.answer_bytes(number, n));
        up += match round.joined {
            true => sum.up(answers.sum()),
            false => answers.map(|bytes| sum.up(bytes)).sum(),
        };
    }
    (up, down)
}
