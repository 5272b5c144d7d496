//! What follows from the public plan alone: which positions are ReLUs, which are identities.

use crate::error::Result;
use crate::gadget::{CompareBits, Gadget};
use crate::linear;
use crate::offline::SLICE;
use crate::plan::{Linear, PublicPlan, ReluChoices, TensorSpec};

/// The ReLUs of one tensor.
pub(crate) struct ReluTensor {
    /// Index into [`Schedule::relus`].
    pub(crate) index: usize,
    /// Which tensor.
    pub(crate) tensor: usize,
    /// Width of its comparisons.
    pub(crate) compare: CompareBits,
    /// Its mask-1 positions, ascending.
    pub(crate) positions: Vec<u32>,
}

impl ReluTensor {
    /// The positions, slice by slice.
    pub(crate) fn slices(&self) -> impl Iterator<Item = &[u32]> {
        self.positions.chunks(SLICE)
    }
}

/// The order in which both parties go through the network's activations.
pub(crate) struct Schedule {
    /// Tensors with ReLUs, in order.
    pub(crate) relus: Vec<ReluTensor>,
    /// Mask-0 positions of each tensor that are shared anew, ascending: those of tensors that a
    /// convolution reads, whose mask r was fixed by an upload. Empty for the input and the output.
    pub(crate) identities: Vec<Vec<u32>>,
    /// Mask-0 positions of each tensor where the client's share stays what it is: no convolution
    /// reads the tensor, so that nothing has fixed r, and nothing needs to be sent.
    pub(crate) kept: Vec<Vec<u32>>,
}

impl Schedule {
    /// The schedule of a validated plan.
    pub(crate) fn new(plan: &PublicPlan) -> Result<Self> {
        let last = plan.tensors.len().saturating_sub(1);
        let narrow = |v: Vec<usize>| v.into_iter().map(|p| p as u32).collect::<Vec<_>>();
        let mut schedule = Self { relus: Vec::new(), identities: Vec::new(), kept: Vec::new() };
        let encrypted = read_by_convolutions(plan);
        for (tensor, spec) in plan.tensors.iter().enumerate() {
            let inner = tensor != 0 && tensor != last;
            let identities = if inner { spec.mask.identity_positions() } else { Vec::new() };
            let fixed = encrypted.get(tensor).copied().unwrap_or(false);
            let (fresh, kept) = if fixed { (identities, vec![]) } else { (vec![], identities) };
            schedule.identities.push(narrow(fresh));
            schedule.kept.push(narrow(kept));
            if spec.mask.ones() > 0 {
                let positions = narrow(spec.mask.relu_positions());
                let (index, compare) = (schedule.relus.len(), spec.compare()?);
                schedule.relus.push(ReluTensor { index, tensor, compare, positions });
            }
        }
        Ok(schedule)
    }

    /// Every slice of a batch of tickets, in the order of the messages.
    pub(crate) fn slices(&self, batch: usize) -> impl Iterator<Item = Slice<'_>> {
        self.relus.iter().flat_map(move |r| {
            (0..batch).flat_map(move |ticket| {
                r.slices().map(move |positions| Slice {
                    relu: r.index,
                    tensor: r.tensor,
                    ticket,
                    compare: r.compare,
                    positions,
                })
            })
        })
    }

    /// Correlated OTs of a run: labels, selections.
    pub(crate) fn ots(&self, batch: usize, choices: &ReluChoices) -> [usize; 2] {
        self.slices(batch).fold([0; 2], |[labels, selections], slice| {
            let (n, gadget) = (slice.len(), slice.gadget(choices));
            [labels + gadget.label_ots(n), selections + gadget.selection_ots(n)]
        })
    }

    /// Every tensor and ticket with identity positions, in the order of the messages:
    /// (tensor, ticket, positions).
    pub(crate) fn identity_messages(
        &self,
        batch: usize,
    ) -> impl Iterator<Item = (usize, usize, &[u32])> {
        let tensors = self.identities.iter().enumerate().filter(|(_, p)| !p.is_empty());
        tensors.flat_map(move |(tensor, p)| (0..batch).map(move |t| (tensor, t, p.as_slice())))
    }
}

/// For each tensor, whether a convolution reads it.
fn read_by_convolutions(plan: &PublicPlan) -> Vec<bool> {
    let mut read = vec![false; plan.tensors.len()];
    for term in plan.tensors.iter().flat_map(|t| &t.terms) {
        if let (Linear::Conv(_), Some(read)) = (&term.op, read.get_mut(term.input)) {
            *read = true;
        }
    }
    read
}

/// One message of the ReLU steps: some positions of one tensor of one ticket.
#[derive(Clone, Copy)]
pub(crate) struct Slice<'a> {
    /// Index into [`Schedule::relus`].
    pub(crate) relu: usize,
    /// Tensor.
    pub(crate) tensor: usize,
    /// Ticket within the batch.
    pub(crate) ticket: usize,
    /// Width of the comparisons.
    pub(crate) compare: CompareBits,
    /// Positions within the tensor.
    pub(crate) positions: &'a [u32],
}

impl Slice<'_> {
    /// What computes its ReLUs.
    pub(crate) fn gadget(&self, choices: &ReluChoices) -> Box<dyn Gadget> {
        choices.of(self.relu).gadget(self.compare)
    }

    /// Number of positions.
    pub(crate) fn len(&self) -> usize {
        self.positions.len()
    }
    /// The values at the slice's positions of its ticket's part of a batch of tensors.
    pub(crate) fn gather(&self, batch: &[u64], tensor_len: usize) -> Vec<u64> {
        gather(self.positions, ticket_of(batch, tensor_len, self.ticket))
    }
}

/// One ticket's part of a batch of tensors.
pub(crate) fn ticket_of(batch: &[u64], tensor_len: usize, ticket: usize) -> &[u64] {
    batch.get(ticket * tensor_len..(ticket + 1) * tensor_len).unwrap_or_default()
}

/// The values at some positions.
pub(crate) fn gather(positions: &[u32], values: &[u64]) -> Vec<u64> {
    positions.iter().map(|p| values.get(*p as usize).copied().unwrap_or_default()).collect()
}

/// Adds a party's share of the operators without secret weights. `share` gives that party's
/// share of an earlier tensor.
pub(crate) fn add_public_terms<'a>(
    plan: &PublicPlan,
    spec: &TensorSpec,
    share: impl Fn(usize) -> Option<&'a [u64]>,
    z: &mut [u64],
) {
    for term in &spec.terms {
        let (Some(a), Some(from)) = (share(term.input), plan.tensors.get(term.input)) else {
            continue;
        };
        match &term.op {
            Linear::Conv(_) => {}
            Linear::Copy(c) => linear::copy(c, (from.shape, a), (spec.shape, z)),
            Linear::AvgPool(pool) => linear::avg_pool(pool, from.shape, a, z),
        }
    }
}
