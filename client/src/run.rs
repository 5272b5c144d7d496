//! The verbs.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use tacita_cli::{Relu, count, session_choices, tell_choices};
use tacita_image_input::{Pixels, check_size, tensor};
use tacita_protocol::ot::OtConfig;
use tacita_protocol::plan::{PublicPlan, ReluChoices};
use tacita_protocol::session::Offer;
use tacita_protocol::ticket::ClientTicket;
use tacita_protocol::wire::{Phase, PhaseTraffic, Transport};
use tacita_protocol::{Error, Result};

use crate::args::{Args, Common, Infer, Info, Making, Prepare, Verb};
use crate::link::{Context, Session, with_session};
use crate::report::{self, Answer, Cost, Totals};

/// Does what the command line asks for.
///
/// # Errors
/// By culprit; see the exit codes.
pub fn run(args: &Args) -> Result<()> {
    match &args.verb {
        Verb::Infer(infer) => self::infer(infer),
        Verb::Prepare(prepare) => self::prepare(prepare),
        Verb::Info(info) => self::info(info),
    }
}

fn info(Info { common }: &Info) -> Result<()> {
    with_session(
        common,
        |_, _| Ok(OtConfig::default()),
        |session, _| {
            let (plan, hash) = (session.plan().clone(), session.plan_hash());
            session.close()?;
            report::print_plan(&plan, &hash, common.json)
        },
    )
}

fn infer(args: &Infer) -> Result<()> {
    // Decoded before anything is spent on them, and again when they are needed: pixels of many
    // images would fill the memory.
    let sizes = args.images.iter().map(|path| Pixels::load(path).map(|p| (p.width, p.height)));
    let sizes = sizes.collect::<Result<Vec<_>>>()?;
    let chosen = OnceCell::new();
    let choose = |plan: &PublicPlan, offer: &Offer| {
        choose(&args.common, &args.making, plan, (sizes.len(), offer), &chosen)
    };
    with_session(&args.common, choose, |session, context| {
        for (path, size) in args.images.iter().zip(&sizes) {
            check_size(session.plan(), *size, args.resize).map_err(|e| about(path, e))?;
        }
        let mut run = Run::new(session, context, &args.common);
        let batch = run.batch(args.making.batch);
        let relus = run.relus(args.making.relu, &chosen);
        for images in args.images.chunks(batch) {
            let tensors = images
                .iter()
                .map(|path| run.load(path, args.resize))
                .collect::<Result<Vec<_>>>()?;
            let tickets = run.tickets(images.len(), &relus)?;
            for ((path, tensor), ticket) in images.iter().zip(&tensors).zip(tickets) {
                run.answer(path, tensor, ticket)?;
            }
        }
        run.finish()
    })
}

/// How correlated OTs are made in a session of `tickets` with a server that allows what it offers.
/// What computes the ReLUs, found with it, goes to `relus`.
fn choose(
    common: &Common,
    making: &Making,
    plan: &PublicPlan,
    (tickets, offer): (usize, &Offer),
    relus: &OnceCell<ReluChoices>,
) -> Result<OtConfig> {
    let batch = batch(offer, making.batch.unwrap_or(plan.batch).min(tickets));
    let (asked, network) = ((making.relu, making.ot), common.network.as_ref());
    let (chosen, ots) = session_choices(plan, batch, asked, (tickets, offer.ot_stock), network)?;
    relus.get_or_init(|| chosen);
    Ok(ots)
}

fn prepare(args: &Prepare) -> Result<()> {
    let chosen = OnceCell::new();
    let choose = |plan: &PublicPlan, offer: &Offer| {
        choose(&args.common, &args.making, plan, (args.tickets, offer), &chosen)
    };
    with_session(&args.common, choose, |session, context| {
        let mut run = Run::new(session, context, &args.common);
        let (batch, most) = (run.batch(args.making.batch), run.session.offer().max_tickets);
        if args.tickets > most {
            return Err(Error::input(format!(
                "the server keeps at most {} for a session: ask for fewer with -n",
                count(most, "ticket")
            )));
        }
        let relus = run.relus(args.making.relu, &chosen);
        let mut tickets = VecDeque::new();
        while tickets.len() < args.tickets {
            tickets.extend(run.tickets(batch.min(args.tickets - tickets.len()), &relus)?);
        }
        context.progress.note(&format!(
            "{} ready after {:.3} s: waiting for image paths on stdin, one a line",
            count(tickets.len(), "ticket"),
            run.totals.offline.time.as_secs_f64()
        ));
        let failed = answer_lines(&mut run, &mut tickets, args.resize)?;
        run.finish()?;
        match failed {
            0 => Ok(()),
            n => Err(Error::input(format!("{} on stdin without an answer", count(n, "image")))),
        }
    })
}

/// Answers the images named on stdin; how many could not be. A bad image costs no ticket.
fn answer_lines(run: &mut Run<'_>, tickets: &mut VecDeque<Ticket>, resize: bool) -> Result<usize> {
    let mut failed = 0;
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|e| Error::input(format!("cannot read stdin: {e}")))?;
        let path = Path::new(line.trim());
        if path.as_os_str().is_empty() {
            continue;
        }
        let loaded = match tickets.is_empty() {
            true => Err(Error::input("no ticket is left for it")),
            false => run.load(path, resize),
        };
        match loaded {
            Err(e) => {
                failed += 1;
                report::print_failure(path, &e.to_string(), run.common.json)?;
            }
            Ok(tensor) => {
                let Some(ticket) = tickets.pop_front() else { continue };
                run.answer(path, &tensor, ticket)?;
                if tickets.is_empty() {
                    run.context.progress.note("that was the last ticket");
                }
            }
        }
    }
    Ok(failed)
}

fn about(path: &Path, e: Error) -> Error {
    match e {
        Error::Input { what } => Error::input(format!("`{}`: {what}", path.display())),
        e => e,
    }
}

/// The largest of the server's batch sizes that is at most `wished`.
fn batch(offer: &Offer, wished: usize) -> usize {
    offer.batches.at_most(wished.min(offer.max_tickets))
}

/// A ticket and the run that made it.
struct Ticket {
    ticket: ClientTicket,
    made: (Cost, usize),
}

/// A session at work, with its books.
struct Run<'a> {
    session: Session<'a>,
    context: &'a Context,
    common: &'a Common,
    totals: Totals,
}

impl<'a> Run<'a> {
    fn new(session: Session<'a>, context: &'a Context, common: &'a Common) -> Self {
        let setup = session.transport().meter().phase(Phase::Session);
        let time = context.connecting.elapsed();
        let totals = Totals { setup: Cost { time, traffic: setup }, ..Totals::default() };
        Self { session, context, common, totals }
    }

    /// Tickets to make at a time: as asked for, else what the plan advises.
    fn batch(&self, asked: Option<usize>) -> usize {
        batch(self.session.offer(), asked.unwrap_or(self.session.plan().batch))
    }

    /// What computes the ReLUs: as chosen for what was asked, else what the plan advises.
    fn relus(&self, asked: Option<Relu>, chosen: &OnceCell<ReluChoices>) -> ReluChoices {
        let choices = chosen.get().unwrap_or(&self.session.plan().relu_choices).clone();
        if asked == Some(Relu::Auto) {
            self.context.progress.note(&format!("ReLUs: {}", tell_choices(&choices)));
        }
        choices
    }

    /// Tensor 0 of an image file.
    fn load(&self, path: &Path, resize: bool) -> Result<Vec<u64>> {
        let pixels = Pixels::load(path)?;
        let input = tensor(self.session.plan(), pixels, resize).map_err(|e| about(path, e))?;
        Ok(input.into_iter().map(|x| x as u64).collect())
    }

    /// Makes tickets, in as few runs as the server's batch sizes allow.
    fn tickets(&mut self, n: usize, relus: &ReluChoices) -> Result<Vec<Ticket>> {
        let runs = self.session.offer().batches.runs(n, n);
        let made = runs.map(|batch| self.offline(batch, relus)).collect::<Result<Vec<_>>>()?;
        Ok(made.into_iter().flatten().collect())
    }

    /// One offline run.
    fn offline(&mut self, n: usize, relus: &ReluChoices) -> Result<Vec<Ticket>> {
        let _step = self.step(format!("making {}", count(n, "ticket")));
        let (made, cost) = self.priced(Phase::Offline, |s| s.prepare_with(n, relus))?;
        self.totals.tickets += made.len();
        self.totals.offline = self.totals.offline.plus(cost);
        Ok(made.into_iter().map(|ticket| Ticket { ticket, made: (cost, n) }).collect())
    }

    /// Spends a ticket on an image and prints the answer.
    fn answer(&mut self, path: &Path, tensor: &[u64], ticket: Ticket) -> Result<()> {
        let step = self.step(format!("running {}", path.display()));
        let Ticket { ticket, made } = ticket;
        let (inference, online) = self.priced(Phase::Online, |s| s.infer_timed(ticket, tensor))?;
        drop(step);
        self.totals.images += 1;
        self.totals.online = self.totals.online.plus(online);
        Answer { path, inference: &inference, offline: made, online }
            .print(self.session.plan(), self.common.json)
    }

    fn finish(self) -> Result<()> {
        let hash = self.session.plan_hash();
        self.session.close()?;
        let socket = (self.context.raw.sent(), self.context.raw.received());
        self.totals.print(&hash, socket, self.common.json)
    }

    fn step(&self, what: String) -> crate::progress::Step {
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
