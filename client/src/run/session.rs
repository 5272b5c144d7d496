//! A session at work, with its books.

use std::cell::OnceCell;
use std::path::Path;
use std::time::Instant;

use tacita_cli::{Relu, count, tell_choices};
use tacita_image_input::{Sample, tensor};
use tacita_protocol::Result;
use tacita_protocol::plan::ReluChoices;
use tacita_protocol::ticket::ClientTicket;
use tacita_protocol::wire::{Phase, PhaseTraffic, RawTraffic, Transport};

use super::{Program, about, batch};
use crate::link::{Context, Session};
use crate::map::Maps;
use crate::progress::Step;
use crate::report::{Answer, Cost, Totals};

/// A ticket and the run that made it.
pub(super) struct Ticket {
    ticket: ClientTicket,
    made: (Cost, usize),
}

/// A session at work. What it costs goes to `totals`, also if it fails.
pub(super) struct Run<'a> {
    pub(super) session: Session<'a>,
    pub(super) context: &'a Context,
    program: &'a Program<'a>,
    totals: &'a mut Totals,
    maps: Maps<'a>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        program: &'a Program<'a>,
        session: Session<'a>,
        context: &'a Context,
        totals: &'a mut Totals,
    ) -> Self {
        let traffic = session.transport().meter().phase(Phase::Session);
        let time = context.connecting.elapsed();
        totals.setup = totals.setup.plus(Cost { time, traffic });
        program.ledger.open();
        Self { session, context, program, totals, maps: Maps::new(program.map_out) }
    }

    /// Tickets to make at a time: as asked for, else what the plan advises.
    pub(super) fn batch(&self, asked: Option<usize>) -> usize {
        batch(self.session.offer(), asked.unwrap_or(self.session.plan().batch))
    }

    /// What computes the ReLUs: as chosen for what was asked, else what the plan advises.
    pub(super) fn relus(&self, asked: Option<Relu>, chosen: &OnceCell<ReluChoices>) -> ReluChoices {
        let choices = chosen.get().unwrap_or(&self.session.plan().relu_choices).clone();
        if asked == Some(Relu::Auto) {
            self.context.progress.note(&format!("ReLUs: {}", tell_choices(&choices)));
        }
        choices
    }

    /// Seconds spent on tickets so far.
    pub(super) fn offline_seconds(&self) -> f64 {
        self.totals.offline.time.as_secs_f64()
    }

    /// Tensor 0 of an image file or an array.
    pub(super) fn load(&self, path: &Path, resize: bool) -> Result<Vec<u64>> {
        let sample = Sample::load(path)?;
        let input = tensor(self.session.plan(), sample, resize).map_err(|e| about(path, e))?;
        Ok(input.into_iter().map(|x| x as u64).collect())
    }

    /// Makes tickets, in as few runs as the server's batch sizes allow.
    pub(super) fn tickets(&mut self, n: usize, relus: &ReluChoices) -> Result<Vec<Ticket>> {
        let runs = self.session.offer().batches.runs(n, n);
        let made = runs.map(|batch| self.offline(batch, relus)).collect::<Result<Vec<_>>>()?;
        Ok(made.into_iter().flatten().collect())
    }

    /// One offline run.
    fn offline(&mut self, n: usize, relus: &ReluChoices) -> Result<Vec<Ticket>> {
        let _step = self.step(format!("making {}", count(n, "ticket")));
        let (made, cost) = self.priced(Phase::Offline, |s| s.prepare_with(n, relus))?;
        self.program.ledger.made(made.len());
        self.totals.tickets += made.len();
        self.totals.offline = self.totals.offline.plus(cost);
        Ok(made.into_iter().map(|ticket| Ticket { ticket, made: (cost, n) }).collect())
    }

    /// Spends a ticket on an image and prints the answer.
    pub(super) fn answer(&mut self, path: &Path, tensor: &[u64], ticket: Ticket) -> Result<()> {
        let step = self.step(format!("running {}", path.display()));
        let Ticket { ticket, made } = ticket;
        let before = self.online_sent();
        self.program.ledger.spend(path);
        let spent = self.priced(Phase::Online, |s| s.infer_timed(ticket, tensor));
        if spent.is_err() && self.online_sent() == before {
            self.program.ledger.unsent();
        }
        let (inference, online) = spent?;
        drop(step);
        self.totals.images += 1;
        self.totals.online = self.totals.online.plus(online);
        let map = self.maps.keep(self.session.plan(), path, &inference.output)?;
        Answer { path, inference: &inference, map: map.as_ref(), offline: made, online }
            .print(self.session.plan(), self.program.common.json)?;
        self.program.ledger.answered();
        Ok(())
    }

    fn online_sent(&self) -> u64 {
        self.session.transport().meter().phase(Phase::Online).sent
    }

    /// Says goodbye and prints the totals.
    pub(super) fn finish(self) -> Result<()> {
        let hash = self.session.plan_hash();
        self.session.close()?;
        self.program.ledger.close();
        self.totals.count_socket(&self.context.raw);
        self.totals.print(&hash, self.program.common.json)
    }

    fn step(&self, what: String) -> Step {
        self.context.progress.step(what, Some(&self.context.raw))
    }

    /// Runs one step of the protocol and says what it cost.
    fn priced<R>(
        &mut self,
        phase: Phase,
        step: impl FnOnce(&mut Session<'a>) -> Result<R>,
    ) -> Result<(R, Cost)> {
        let before = self.session.transport().meter().phase(phase);
        let started = Instant::now();
        let result = step(&mut self.session)?;
        let time = started.elapsed();
        let after = self.session.transport().meter().phase(phase);
        let traffic = PhaseTraffic {
            sent: after.sent - before.sent,
            received: after.received - before.received,
            rounds: after.rounds - before.rounds,
        };
        Ok((result, Cost { time, traffic }))
    }
}

impl Totals {
    /// Counts the bytes of a connection.
    pub(super) fn count_socket(&mut self, raw: &RawTraffic) {
        self.socket = (self.socket.0 + raw.sent(), self.socket.1 + raw.received());
    }
}
