//! `infer`: images that are named on the command line.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use tacita_cli::{Failure, count};
use tacita_image_input::{Extent, Sample, check_extent, tensor};
use tacita_protocol::plan::{PublicPlan, ReluChoices};
use tacita_protocol::session::Offer;
use tacita_protocol::{Error, Result};

use super::session::{Run, Ticket};
use super::{Program, about, choose, partly};
use crate::args::Infer;
use crate::link::{Context, Session, with_session};
use crate::map::Maps;
use crate::report::{Totals, print_failure};

pub(super) fn infer(program: &Program<'_>, args: &Infer) -> std::result::Result<(), Failure> {
    // Decoded before anything is spent on them, and again when they are needed: pixels of many
    // images would fill the memory.
    let json = program.common.json;
    let extent = |_, path: &Path| Sample::load(path).map(|s| s.extent());
    let extents = all(&args.images, json, extent)?;
    let mut work = Work { program, args, extents, done: 0, failed: 0, totals: Totals::default() };
    let chosen = OnceCell::new();
    program.persist(|| {
        let left = args.images.len() - work.done;
        let choose = |plan: &PublicPlan, offer: &Offer| {
            choose(program.common, &args.making, plan, (left, offer), &chosen)
        };
        with_session(program.common, program.progress, choose, |session, context| {
            work.session(session, context, &chosen)
        })
    })?;
    partly(work.failed, "")
}

/// What `of` makes of each image, if it takes them all. If it refuses several, each is reported.
fn all<T>(
    images: &[PathBuf],
    json: bool,
    of: impl Fn(usize, &Path) -> Result<T>,
) -> Result<Vec<T>> {
    let mut good = Vec::new();
    let mut bad: Vec<(&Path, Error)> = Vec::new();
    for (i, path) in images.iter().enumerate() {
        match of(i, path) {
            Ok(value) => good.push(value),
            Err(e) => bad.push((path, e)),
        }
    }
    match bad.len() {
        0 => Ok(good),
        1 => Err(bad.remove(0).1),
        n => {
            for (path, e) in &bad {
                print_failure(Some(path), &e.to_string(), json)?;
            }
            Err(Error::input(format!(
                "{n} of {} cannot be classified: nothing was spent on any",
                count(images.len(), "image")
            )))
        }
    }
}

/// Images, some of which are done with. It goes on where the last session ended.
struct Work<'a> {
    program: &'a Program<'a>,
    args: &'a Infer,
    extents: Vec<Extent>,
    /// Images done with, answered or not.
    done: usize,
    /// Those not answered.
    failed: usize,
    totals: Totals,
}

impl Work<'_> {
    fn session(
        &mut self,
        session: Session<'_>,
        context: &Context,
        chosen: &OnceCell<ReluChoices>,
    ) -> Result<()> {
        self.check_sizes(session.plan())?;
        let maps = Maps::new(self.program.map_out);
        maps.check(session.plan(), Some(self.args.images.len()))?;
        let (program, making) = (self.program, &self.args.making);
        let mut totals = std::mem::take(&mut self.totals);
        let mut run = Run::new(program, session, context, &mut totals);
        let batch = run.batch(making.batch);
        let relus = run.relus(making.relu, chosen);
        let outcome = self.batches(&mut run, batch, &relus).and_then(|()| run.finish());
        if outcome.is_err() {
            totals.count_socket(&context.raw);
        }
        self.totals = totals;
        outcome
    }

    fn check_sizes(&self, plan: &PublicPlan) -> Result<()> {
        let of = |i: usize, path: &Path| {
            let extent = self.extents.get(i).ok_or_else(|| Error::local("an image is missing"))?;
            check_extent(plan, extent, self.args.resize).map_err(|e| about(path, e))?;
            // The range of pixels is known, that of other numbers is not.
            match extent {
                Extent::Picture(..) => Ok(()),
                Extent::Array(_) => {
                    tensor(plan, Sample::load(path)?, false).map(drop).map_err(|e| about(path, e))
                }
            }
        };
        all(&self.args.images, self.program.common.json, of).map(drop)
    }

    /// Answers all images that are left, some at a time.
    fn batches(&mut self, run: &mut Run<'_>, batch: usize, relus: &ReluChoices) -> Result<()> {
        let args = self.args;
        while let Some(left) = args.images.get(self.done..).filter(|left| !left.is_empty()) {
            let images = left.get(..batch).unwrap_or(left);
            let load = |path: &PathBuf| run.load(path, args.resize);
            let loaded: Vec<_> = images.iter().map(load).collect();
            let tickets = match loaded.iter().filter(|tensor| tensor.is_ok()).count() {
                0 => Vec::new(),
                usable => run.tickets(usable, relus)?,
            };
            let mut tickets = tickets.into_iter();
            for (path, tensor) in images.iter().zip(loaded) {
                self.answer(run, path, tensor, &mut tickets)?;
                self.done += 1;
            }
        }
        Ok(())
    }

    fn answer(
        &mut self,
        run: &mut Run<'_>,
        path: &Path,
        tensor: Result<Vec<u64>>,
        tickets: &mut impl Iterator<Item = Ticket>,
    ) -> Result<()> {
        match tensor {
            Ok(tensor) => {
                let ticket = tickets.next();
                run.answer(path, &tensor, ticket.ok_or_else(|| Error::local("no ticket is left"))?)
            }
            // It was fine when it was looked at first.
            Err(e) => {
                self.failed += 1;
                print_failure(Some(path), &e.to_string(), self.program.common.json)
            }
        }
    }
}
