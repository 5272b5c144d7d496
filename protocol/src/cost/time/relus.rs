//! The ReLUs' part of both phases, by either backend.

use super::super::clock::{Clock, Party};
use super::super::work::ands;
use super::Run;
use crate::gadget::lookup::{self, Split};
use crate::gadget::{self, CompareBits, ReluBackend};
use crate::offline::{ReluTensor, Slice};
use crate::ot::SilentSet;

use Party::{Client, Server};

impl Run<'_> {
    /// Offline: OTs, requests, tables. `assembling` is the client's last work, which it does once
    /// the last tables are there; a server that looks ReLUs up is then still busy.
    pub(super) fn relus(&self, clock: &mut Clock, assembling: f64) {
        let (schedule, batch) = (&self.model.schedule, self.model.batch);
        let refills = self.model.refills();
        let seconds = |sets: &[SilentSet], of: fn((f64, f64)) -> f64| -> f64 {
            sets.iter().map(|set| of(self.speed.expand(*set))).sum()
        };
        // The client has expanded the first of each while it waited.
        let more = |sets: &'_ [SilentSet]| sets.get(1..).unwrap_or_default().to_vec();
        clock.layer(None);
        clock.compute(Server, seconds(&refills.selection, |of| of.0));
        clock.compute(Client, seconds(&more(&refills.selection), |of| of.1));
        for slice in schedule.slices(batch) {
            self.extend_selection(clock, &slice);
        }
        clock.layer(None);
        clock.compute(Client, seconds(&more(&refills.labels), |of| of.0));
        for slice in schedule.slices(batch) {
            self.request(clock, &slice);
        }
        for (tensor, _, positions) in schedule.identity_messages(batch) {
            clock.layer(Some(tensor));
            clock.compute(Client, self.speed.elements(3 * positions.len()));
            let corrections = clock.send(Client, 8 * positions.len());
            clock.receive(Server, corrections);
        }
        clock.layer(None);
        clock.compute(Server, seconds(&refills.labels, |of| of.1));
        let slices: Vec<Slice<'_>> = schedule.slices(batch).collect();
        let tables = |s: &Slice<'_>| self.backend(s).tables_bytes(s.len());
        let garbled = slices.iter().rposition(|s| tables(s).is_some()).map_or(0, |last| last + 1);
        let (until_tables, after) = slices.split_at(garbled);
        until_tables.iter().for_each(|slice| self.take_request(clock, slice));
        clock.layer(None);
        clock.compute(Client, assembling);
        after.iter().for_each(|slice| self.take_request(clock, slice));
        clock.layer(None);
    }

    /// Offline: refills of silent OT, both ways; the client expands the first of each direction.
    pub(super) fn refill(&self, clock: &mut Clock) {
        let refills = self.model.refills();
        clock.layer(None);
        for set in &refills.selection {
            clock.compute(Client, self.speed.order(*set));
            let message = clock.send(Client, set.message_bytes());
            clock.receive(Server, message);
        }
        let first = |sets: &[SilentSet]| sets.first().map(|set| self.speed.expand(*set));
        clock.compute(Client, first(&refills.selection).unwrap_or_default().1);
        for set in &refills.labels {
            clock.compute(Server, self.speed.order(*set));
            let message = clock.send(Server, set.message_bytes());
            clock.receive(Client, message);
        }
        clock.compute(Client, first(&refills.labels).unwrap_or_default().0);
    }

    fn backend(&self, slice: &Slice<'_>) -> ReluBackend {
        self.model.slice_backend(slice)
    }

    /// The server extends, and hashes while its message travels.
    fn extend_selection(&self, clock: &mut Clock, slice: &Slice<'_>) {
        let (n, backend) = (slice.len(), self.backend(slice));
        clock.layer(Some(slice.tensor));
        let (extending, pads) = (self.speed.selection(n, backend), self.speed.pads(n, backend));
        clock.compute(Server, extending.0);
        let bytes = self.speed.ots.selection.extension_bytes(backend.selection_ots(n));
        let extension = bytes.map(|bytes| clock.send(Server, bytes));
        clock.compute(Server, pads.0);
        extension.into_iter().for_each(|message| clock.receive(Client, message));
        clock.compute(Client, extending.1 + pads.1);
    }

    fn request(&self, clock: &mut Clock, slice: &Slice<'_>) {
        let (n, backend) = (slice.len(), self.backend(slice));
        clock.layer(Some(slice.tensor));
        clock.compute(Client, self.speed.request(n, backend));
        let ots = self.speed.ots.labels.extension_bytes(backend.label_ots(n));
        for bytes in ots.into_iter().chain([backend.request_bytes(n)]) {
            let message = clock.send(Client, bytes);
            clock.receive(Server, message);
        }
    }

    /// The server garbles, or takes a request for lookups, which nothing answers.
    fn take_request(&self, clock: &mut Clock, slice: &Slice<'_>) {
        let (n, backend) = (slice.len(), self.backend(slice));
        clock.layer(Some(slice.tensor));
        clock.compute(Server, self.speed.take_request(n, backend));
        if let Some(bytes) = backend.tables_bytes(n) {
            let tables = clock.send(Server, bytes);
            clock.receive(Client, tables);
        }
    }

    /// Online: the ReLUs of a tensor, if it has some.
    pub(super) fn activate(&self, clock: &mut Clock, j: usize) {
        let Some(relu) = self.model.schedule.relus.iter().find(|r| r.tensor == j) else { return };
        match self.model.backend(relu) {
            ReluBackend::Garbled(bits) => self.evaluate(clock, relu, bits),
            ReluBackend::Lookup(split) => self.look_up(clock, relu, split),
        }
        // The new shares are put where they belong.
        clock.compute(Server, self.speed.elements(relu.positions.len()));
    }

    /// The client evaluates slices as they come and answers once a tensor.
    fn evaluate(&self, clock: &mut Clock, relu: &ReluTensor, bits: CompareBits) {
        for n in relu.slices().map(<[u32]>::len) {
            clock.compute(Server, self.speed.labels(n, ands(bits)));
            let labels = clock.send(Server, gadget::online_down_bytes(n, bits));
            clock.receive(Client, labels);
            clock.compute(Client, self.speed.values(n, ands(bits)));
        }
        let n = relu.positions.len();
        clock.compute(Client, self.speed.elements(2 * n));
        let values = clock.send(Client, 8 * n);
        clock.receive(Server, values);
        clock.compute(Server, self.speed.elements(2 * n));
    }

    /// The client masks tables and answers rows as digits and rows come, but sends once all of a
    /// tensor's slices are there; the server begins to read when it has all tables.
    fn look_up(&self, clock: &mut Clock, relu: &ReluTensor, split: Split) {
        let speed = &self.speed;
        let sizes = || relu.slices().map(<[u32]>::len);
        for n in sizes() {
            clock.compute(Server, speed.digits(n));
            let digits = clock.send(Server, lookup::digits_bytes(n, split));
            clock.receive(Client, digits);
            clock.compute(Client, speed.tables(n, split));
        }
        for n in sizes() {
            let tables = clock.send(Client, lookup::tables_bytes(n, split));
            clock.receive(Server, tables);
        }
        for n in sizes() {
            clock.compute(Server, speed.rows(n, split));
            let rows = clock.send(Server, lookup::rows_bytes(n));
            clock.receive(Client, rows);
            clock.compute(Client, speed.answer(n));
        }
        for n in sizes() {
            let answers = clock.send(Client, lookup::answer_bytes(n));
            clock.receive(Server, answers);
            clock.compute(Server, speed.finish(n));
        }
    }
}
