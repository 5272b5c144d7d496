//! What the ReLUs of a ticket hold, from the pads on.

use super::super::CostModel;
use super::super::clock::Pair;
use super::pushed;
use crate::gadget::seam::{ClientRelus, Held};
use crate::offline::{ReluTensor, SLICE};
use crate::ot::Block;

impl CostModel<'_> {
    /// The ReLUs of one ticket.
    pub(super) fn relus(&self) -> Pair<Held> {
        let mut all = Pair::default();
        for slice in self.schedule.slices(1) {
            let (n, gadget) = (slice.len(), self.slice_gadget(&slice));
            let mut server = gadget.server_held(n);
            let ots = gadget.label_ots(n);
            let extension = self.ots.labels.extension_bytes(ots).unwrap_or_default();
            server.requested += extension + gadget.request_bytes(n);
            all.client += gadget.client_held(n);
            all.server += server;
        }
        all
    }

    /// ReLU positions of a ticket.
    pub(super) fn positions(&self) -> u64 {
        self.schedule.relus.iter().map(|r| r.positions.len() as u64).sum()
    }

    /// Where a ticket's gadgets lie, one a slice: of either party.
    pub(super) fn gadgets(&self) -> usize {
        let slices = self.schedule.relus.iter().map(|relu| relu.slices().count());
        slices.map(pushed::<Box<dyn ClientRelus>>).sum()
    }

    /// Extension and blocks of a slice's OTs in which the client sends.
    pub(super) fn selection_work(&self) -> u64 {
        self.most_of_relus(|relu| {
            let ots = self.gadget(relu).selection_ots(relu.positions.len().min(SLICE));
            let blocks = (Block::BYTES + 1) * ots;
            (blocks + self.ots.selection.extension_bytes(ots).unwrap_or_default()) as u64
        })
    }

    /// Labels and tables of a slice, or the blocks of its prepared OTs.
    pub(super) fn label_work(&self) -> u64 {
        self.most_of_relus(|relu| {
            let (n, gadget) = (relu.positions.len().min(SLICE), self.gadget(relu));
            let labels = (Block::BYTES + 1) * gadget.label_ots(n);
            (labels + gadget.tables_bytes(n).unwrap_or_default()) as u64
        })
    }

    /// Messages of a tensor online, as far as they are kept at a time, with the values: at the
    /// client and at the server.
    pub(super) fn answering(&self) -> (u64, u64) {
        let client = self.most_of_relus(|relu| self.messages(relu).0);
        (client, self.most_of_relus(|relu| self.messages(relu).1))
    }

    fn messages(&self, relu: &ReluTensor) -> (u64, u64) {
        let sizes: Vec<usize> = relu.slices().map(<[u32]>::len).collect();
        let (client, server) = self.gadget(relu).answering(&sizes);
        (client as u64, server as u64)
    }

    fn most_of_relus(&self, of: impl Fn(&ReluTensor) -> u64) -> u64 {
        self.schedule.relus.iter().map(of).max().unwrap_or_default()
    }
}
