//! `prepare`: tickets first, then images that are named on stdin.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use tacita_cli::{Failure, count};
use tacita_protocol::plan::{PublicPlan, ReluChoices};
use tacita_protocol::session::Offer;
use tacita_protocol::{Error, Result};

use super::session::{Run, Ticket};
use super::{Program, choose, partly};
use crate::args::Prepare;
use crate::link::with_session;
use crate::map::Maps;
use crate::paths::{self, Line};
use crate::report::{Totals, print_failure};

pub(super) fn prepare(program: &Program<'_>, args: &Prepare) -> std::result::Result<(), Failure> {
    let chosen = OnceCell::new();
    let choose = |plan: &PublicPlan, offer: &Offer| {
        choose(program.common, &args.making, plan, (args.tickets, offer), &chosen)
    };
    let mut totals = Totals::default();
    let failed = program.persist(|| {
        with_session(program.common, program.progress, choose, |session, context| {
            Maps::new(program.map_out).check(session.plan(), None)?;
            let mut run = Run::new(program, session, context, &mut totals);
            let tickets = stock_up(&mut run, args, &chosen)?;
            // Lines of stdin come once, and the tickets for them go with the session.
            program.ledger.commit();
            let mut lines = Lines { program, tickets, resize: args.resize, read: 0, failed: 0 };
            lines.answer_all(&mut run, &mut std::io::stdin().lock())?;
            run.finish()?;
            Ok(lines.failed)
        })
    })?;
    partly(failed, " on stdin")
}

/// Makes all tickets.
fn stock_up(
    run: &mut Run<'_>,
    args: &Prepare,
    chosen: &OnceCell<ReluChoices>,
) -> Result<VecDeque<Ticket>> {
    let (batch, most) = (run.batch(args.making.batch), run.session.offer().max_tickets);
    if args.tickets > most {
        return Err(Error::input(format!(
            "the server keeps at most {} for a session: ask for fewer with -n",
            count(most, "ticket")
        )));
    }
    let relus = run.relus(args.making.relu, chosen);
    let mut tickets = VecDeque::new();
    while tickets.len() < args.tickets {
        tickets.extend(run.tickets(batch.min(args.tickets - tickets.len()), &relus)?);
    }
    run.context.progress.note(&format!(
        "{} ready after {:.3} s: waiting for image paths on stdin, one a line",
        count(tickets.len(), "ticket"),
        run.offline_seconds()
    ));
    Ok(tickets)
}

/// What is done with lines of stdin. A bad one costs no ticket and leaves the session as it is.
struct Lines<'a> {
    program: &'a Program<'a>,
    tickets: VecDeque<Ticket>,
    resize: bool,
    read: usize,
    /// Those without an answer.
    failed: usize,
}

impl Lines<'_> {
    fn answer_all(&mut self, run: &mut Run<'_>, input: &mut impl BufRead) -> Result<()> {
        let unreadable = |e| Error::input(format!("cannot read stdin: {e}"));
        while let Some(line) = paths::next(input).map_err(unreadable)? {
            self.read += 1;
            match line {
                Line::Bad(why) => {
                    let why = format!("line {} of stdin: {why}", self.read);
                    self.report(None, &why)?;
                }
                Line::Path(path) => self.answer(run, path)?,
            }
        }
        Ok(())
    }

    fn answer(&mut self, run: &mut Run<'_>, path: PathBuf) -> Result<()> {
        if self.tickets.is_empty() {
            return self.report(Some(&path), "no ticket is left for it");
        }
        let tensor = match run.load(&path, self.resize) {
            Ok(tensor) => tensor,
            Err(e) => return self.report(Some(&path), &e.to_string()),
        };
        let Some(ticket) = self.tickets.pop_front() else { return Ok(()) };
        run.answer(&path, &tensor, ticket)?;
        if self.tickets.is_empty() {
            self.program.progress.note("that was the last ticket");
        }
        Ok(())
    }

    fn report(&mut self, path: Option<&Path>, why: &str) -> Result<()> {
        self.failed += 1;
        print_failure(path, why, self.program.common.json)
    }
}
