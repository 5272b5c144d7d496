//! The ReLUs' part of both phases.

use super::super::clock::{Clock, Party};
use super::Run;
use crate::gadget::Gadget;
use crate::gadget::seam::Step;
use crate::offline::Slice;
use crate::ot::SilentSet;

use Party::{Client, Server};

impl Run<'_> {
    /// Offline: OTs, requests, tables. `assembling` is the client's last work, which it does once
    /// the last tables are there; a server whose last slices have none is then still busy.
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
        let tables = |s: &Slice<'_>| self.gadget(s).tables_bytes(s.len());
        let end = slices.iter().rposition(|s| tables(s).is_some()).map_or(0, |last| last + 1);
        let (until_tables, after) = slices.split_at(end);
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

    fn gadget(&self, slice: &Slice<'_>) -> Box<dyn Gadget> {
        self.model.slice_gadget(slice)
    }

    /// The server extends, and hashes while its message travels.
    fn extend_selection(&self, clock: &mut Clock, slice: &Slice<'_>) {
        let (n, gadget) = (slice.len(), self.gadget(slice));
        clock.layer(Some(slice.tensor));
        let ots = gadget.selection_ots(n);
        let extending = self.speed.selection(ots);
        clock.compute(Server, extending.0);
        let bytes = self.speed.ots.selection.extension_bytes(ots);
        let extension = bytes.map(|bytes| clock.send(Server, bytes));
        clock.compute(Server, self.speed.step(gadget.as_ref(), Step::ServerPads, n));
        extension.into_iter().for_each(|message| clock.receive(Client, message));
        let pads = self.speed.step(gadget.as_ref(), Step::ClientPads, n);
        clock.compute(Client, extending.1 + pads);
    }

    fn request(&self, clock: &mut Clock, slice: &Slice<'_>) {
        let (n, gadget) = (slice.len(), self.gadget(slice));
        clock.layer(Some(slice.tensor));
        let extending = self.speed.labels(gadget.label_ots(n)).0;
        let request = self.speed.step(gadget.as_ref(), Step::Request, n);
        clock.compute(Client, extending + request + self.speed.elements(n));
        let ots = self.speed.ots.labels.extension_bytes(gadget.label_ots(n));
        for bytes in ots.into_iter().chain([gadget.request_bytes(n)]) {
            let message = clock.send(Client, bytes);
            clock.receive(Server, message);
        }
    }

    /// The server answers a request with tables, or only takes it.
    fn take_request(&self, clock: &mut Clock, slice: &Slice<'_>) {
        let (n, gadget) = (slice.len(), self.gadget(slice));
        clock.layer(Some(slice.tensor));
        let extending = self.speed.labels(gadget.label_ots(n)).1;
        let accept = self.speed.step(gadget.as_ref(), Step::Accept, n);
        clock.compute(Server, extending + accept);
        if let Some(bytes) = gadget.tables_bytes(n) {
            let tables = clock.send(Server, bytes);
            clock.receive(Client, tables);
        }
    }

    /// Online: the ReLUs of a tensor, if it has some.
    pub(super) fn activate(&self, clock: &mut Clock, j: usize) {
        let Some(relu) = self.model.schedule.relus.iter().find(|r| r.tensor == j) else { return };
        let gadget = self.model.gadget(relu);
        let sizes: Vec<usize> = relu.slices().map(<[u32]>::len).collect();
        for number in 0..gadget.rounds().len() {
            self.round(clock, gadget.as_ref(), number, &sizes);
        }
        for n in &sizes {
            clock.compute(Server, self.speed.step(gadget.as_ref(), Step::Finish, *n));
        }
        // The new shares are put where they belong.
        clock.compute(Server, self.speed.elements(relu.positions.len()));
    }

    /// The client works on slices as their messages come, but answers once all of a tensor's are
    /// there; the server goes on when it has all answers.
    fn round(&self, clock: &mut Clock, gadget: &dyn Gadget, number: usize, sizes: &[usize]) {
        for n in sizes {
            clock.compute(Server, self.speed.step(gadget, Step::Message(number), *n));
            let message = clock.send(Server, gadget.message_bytes(number, *n));
            clock.receive(Client, message);
            clock.compute(Client, self.speed.step(gadget, Step::Answer(number), *n));
        }
        let answers = sizes.iter().map(|n| gadget.answer_bytes(number, *n));
        let joined = gadget.rounds().get(number).is_some_and(|round| round.joined);
        let answers = if joined { vec![answers.sum()] } else { answers.collect() };
        for bytes in answers {
            let answer = clock.send(Client, bytes);
            clock.receive(Server, answer);
        }
    }
}
