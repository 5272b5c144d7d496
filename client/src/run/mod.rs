//! The verbs.

mod infer;
mod prepare;
mod session;

use std::cell::OnceCell;
use std::path::Path;

use tacita_cli::{Failure, count, session_choices};
use tacita_protocol::ot::OtConfig;
use tacita_protocol::plan::{PublicPlan, ReluChoices};
use tacita_protocol::session::Offer;
use tacita_protocol::{Error, Result};

use crate::args::{Args, Common, Info, Making, Verb};
use crate::ledger::Ledger;
use crate::link::with_session;
use crate::patience::persist;
use crate::progress::Progress;
use crate::report;

/// Does what the command line asks for.
///
/// # Errors
/// By culprit; see the exit codes.
pub fn run(args: &Args, ledger: &Ledger) -> std::result::Result<(), Failure> {
    let common = args.verb.common();
    tacita_cli::init_compute_pool(common.threads.map(Into::into))?;
    let map_out = args.verb.map_out();
    let program = Program { common, ledger, progress: Progress::new(common.log), map_out };
    match &args.verb {
        Verb::Infer(args) => infer::infer(&program, args),
        Verb::Prepare(args) => prepare::prepare(&program, args),
        Verb::Info(args) => Ok(info(&program, args)?),
    }
}

/// What all verbs need.
#[derive(Clone, Copy)]
struct Program<'a> {
    common: &'a Common,
    ledger: &'a Ledger,
    progress: Progress,
    /// Where answers go that are maps.
    map_out: Option<&'a Path>,
}

impl Program<'_> {
    /// Opens sessions until one ends as it should, as long as that makes sense.
    fn persist<R>(&self, attempt: impl FnMut() -> Result<R>) -> Result<R> {
        let pausing = |why: &str, pause: std::time::Duration| {
            self.progress.note(&format!("{why}, next try in {:.1} s", pause.as_secs_f64()));
        };
        persist(self.common.wait(), || self.ledger.may_retry(), pausing, attempt)
    }
}

fn info(program: &Program<'_>, Info { common }: &Info) -> Result<()> {
    let no_ots = |_: &PublicPlan, _: &Offer| Ok(OtConfig::default());
    let (plan, hash) = program.persist(|| {
        with_session(common, program.progress, no_ots, |session, _| {
            let of = (session.plan().clone(), session.plan_hash());
            session.close()?;
            Ok(of)
        })
    })?;
    report::print_plan(&plan, &hash, common.json)
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

/// The largest of the server's batch sizes that is at most `wished`.
fn batch(offer: &Offer, wished: usize) -> usize {
    offer.batches.at_most(wished.min(offer.max_tickets))
}

/// The end of a run in which so many images have no answer.
fn partly(failed: usize, of: &str) -> std::result::Result<(), Failure> {
    match failed {
        0 => Ok(()),
        n => Err(Failure::partly(format!("{}{of} without an answer", count(n, "image")))),
    }
}

fn about(path: &Path, e: Error) -> Error {
    match e {
        Error::Input { what } => Error::input(format!("`{}`: {what}", path.display())),
        e => e,
    }
}
