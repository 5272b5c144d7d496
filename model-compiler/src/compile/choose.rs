//! Compiling with images: what they choose, and what they say of the choice.
//!
//! Half of the images choose the bits ([`super::search`]), the other half judges them once. If the
//! bounds do not hold there, or there are too few images to show them, nothing is dropped.

use std::ops::RangeInclusive;

use tacita_protocol::plan::Plan;

use super::extremes::{CHOOSING, CONFIRMING, Extremes};
use super::gate::{Bounds, Gate, Shortage};
use super::judge::Judge;
use super::judgement::Judgement;
use super::report::Report;
use super::search::{FRACS, Search, drop_bits};
use super::share::Share;
use super::trial::{Budget, SearchReport, Trial};
use super::{FINEST_FRAC, Job, Options};
use crate::calibration::Calibration;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::simulate::{Rounding, Simulator};

/// A plan that surely changes more labels than this (and than allowed) is refused.
const HOPELESS: f64 = 0.1;

/// Compiles with the scales that the images choose and judge; `tell` hears of each trial.
///
/// # Errors
/// As [`super::compile`]; also if the float network recognises nothing on labelled images, and if
/// the plan has little to do with it.
pub fn compile_within(
    network: &Network,
    calibration: &Calibration,
    options: &Options,
    budget: &Budget,
    tell: &mut dyn FnMut(&Trial),
) -> Result<(Plan, Report)> {
    let mut job = Job::new(network, calibration, options)?;
    let judge = Judge::new(network, calibration, &job.input)?;
    let [half, rest] = judge.halves();
    let bounds = Bounds { all: budget.max_loss / 100.0, class: budget.max_class_loss / 100.0 };
    let gates = Gate::new(&judge.counts(&half), bounds)
        .and_then(|first| Ok((first, Gate::new(&judge.counts(&rest), bounds)?)));
    let mut choice = Choice { job: &mut job, judge: &judge, budget };
    let chosen = match gates {
        Ok(gates) => choice.on_halves(gates, [&half, &rest], tell)?,
        Err(short) => choice.untouched(&short)?,
    };
    refuse_hopeless(&chosen.judgement.agreement, bounds.all)?;
    let mut draft = job.draft(chosen.frac)?;
    drop_bits(&mut draft.public, &chosen.dropped);
    job.finish(draft, chosen.search, Some(chosen.judgement))
}

/// What a plan is to be made with.
struct Chosen {
    frac: u32,
    dropped: Vec<u32>,
    judgement: Judgement,
    search: Option<SearchReport>,
}

struct Choice<'a, 'b> {
    job: &'a mut Job<'b>,
    judge: &'a Judge,
    budget: &'a Budget,
}

impl Choice<'_, '_> {
    fn on_halves(
        &mut self,
        (first, second): (Gate, Gate),
        [half, rest]: [&[usize]; 2],
        tell: &mut dyn FnMut(&Trial),
    ) -> Result<Chosen> {
        let largest = self.judge.largest(half).last().map_or(0.0, |x| f64::from(*x));
        let limits = (self.job.calibration.images.len(), largest);
        let extremes = |draw| Extremes::new(self.job.network, &self.job.input, draw, limits);
        let (choosing, confirming) = (extremes(CHOOSING)?, extremes(CONFIRMING)?);
        let mut search = Search {
            job: &mut *self.job,
            judge: self.judge,
            gate: first.with_slack(),
            choosing,
            confirming,
            which: half,
            budget: self.budget,
            tell,
            trials: vec![],
            draft: None,
        };
        let chosen = search.run()?;
        let trials = search.trials;
        let judged = self.choice_judged(&chosen, half, rest, &second)?;
        let held = judged.is_some();
        let Budget { max_loss, max_class_loss, .. } = *self.budget;
        let (frac, dropped) = (chosen.frac, chosen.dropped.clone());
        let images = half.len();
        let search = Some(SearchReport { images, max_loss, max_class_loss, held, chosen, trials });
        match judged {
            Some(judgement) => Ok(Chosen { frac, dropped, judgement, search }),
            None => Ok(Chosen { search, ..self.undropped(half, rest, &second)? }),
        }
    }

    /// How the other half judges what one half chose; `None`, with a warning, if either finds too
    /// many labels changed.
    fn choice_judged(
        &mut self,
        chosen: &Trial,
        half: &[usize],
        rest: &[usize],
        gate: &Gate,
    ) -> Result<Option<Judgement>> {
        let why = if chosen.within {
            let mut plan = self.job.ranged(chosen.frac, &self.judge.largest(half))?;
            drop_bits(&mut plan.public, &chosen.dropped);
            let (judgement, held) = self.judged(&plan, rest, true, gate)?;
            if held {
                return Ok(Some(judgement));
            }
            "the bits that one half of the images chose change too many labels of the other half: \
             none are dropped"
        } else {
            "every scale changes too many labels of the images that choose, or any of a picture of \
             two flat colours: no bits are dropped"
        };
        self.job.warnings.push(why.into());
        Ok(None)
    }

    /// Nothing dropped: the usual fractional bits unless as many as the plan's limits allow hold where
    /// those do not, or surely change fewer labels.
    fn undropped(&mut self, half: &[usize], rest: &[usize], gate: &Gate) -> Result<Chosen> {
        let largest = self.judge.largest(half);
        let usual = self.job.frac()?;
        let (coarsest, finest) = match self.job.options.frac {
            Some(frac) => (frac, frac),
            None => (*FRACS.start(), FINEST_FRAC),
        };
        let (mut frac, plan) = match self.finest_of(coarsest..=usual, &largest) {
            Some(found) => found,
            None => (coarsest, self.job.ranged(coarsest, &largest)?),
        };
        let (mut judgement, mut held) = self.judged(&plan, rest, true, gate)?;
        if !held && let Some((finer, plan)) = self.finest_of(frac + 1..=finest, &largest) {
            let (other, holds) = self.judged(&plan, rest, true, gate)?;
            // Bits that do not surely change anything are not paid for.
            if holds || other.agreement.low > judgement.agreement.high {
                (frac, judgement, held) = (finer, other, holds);
            }
        }
        if !held {
            self.warn_unmet(&judgement);
        }
        Ok(Chosen { frac, dropped: vec![], judgement, search: None })
    }

    /// The most of these fractional bits that the plan's limits allow, with the plan.
    fn finest_of(&self, fracs: RangeInclusive<u32>, largest: &[f32]) -> Option<(u32, Plan)> {
        fracs.rev().find_map(|frac| Some((frac, self.job.ranged(frac, largest).ok()?)))
    }

    fn warn_unmet(&mut self, judgement: &Judgement) {
        let changed = |share: &Share| format!("{} of {} change", share.of - share.hits, share.of);
        let worst = judgement.classes.iter().filter(|c| c.agreement.of > 0);
        let worst = worst.min_by(|a, b| a.agreement.low.total_cmp(&b.agreement.low));
        let worst = worst.map_or_else(String::new, |c| {
            format!(", of class {} {}", self.class_name(c.class), changed(&c.agreement))
        });
        self.job.warnings.push(format!(
            "these images do not show that at most {} % of labels change, and {} % of each class: \
             {}{worst}; give more images, allow more with --max-loss or --max-class-loss, or look \
             at the network's ranges",
            self.budget.max_loss,
            self.budget.max_class_loss,
            changed(&judgement.agreement),
        ));
    }

    fn class_name(&self, class: usize) -> String {
        let name = self.job.network.labels.get(class);
        name.map_or_else(|| class.to_string(), |name| format!("`{name}`"))
    }

    /// Too few images to show the bounds: the default scales.
    fn untouched(&mut self, short: &Shortage) -> Result<Chosen> {
        let all = self.judge.all();
        self.job.warnings.push(self.shortage(all.len(), short));
        let frac = self.job.frac()?;
        let plan = self.job.ranged(frac, &self.judge.largest(&all))?;
        let judgement = self.judgement(&plan, &all, true)?;
        Ok(Chosen { frac, dropped: vec![], judgement, search: None })
    }

    fn shortage(&self, images: usize, short: &Shortage) -> String {
        // Two halves.
        let (Some(all), Some(class)) = (short.all, short.class) else {
            return "no number of images shows that no label at all changes: no bits are dropped; \
                    give --max-loss a value over 0"
                .into();
        };
        let rarest = short.rarest.map_or_else(String::new, |(class, n)| {
            format!(" (of class {} there are {})", self.class_name(class), 2 * n)
        });
        format!(
            "{images} calibration images are too few to show that at most {} % of labels change, \
             and {} % of each class: no bits are dropped; {} images are needed, and {} of each \
             class{rarest}",
            self.budget.max_loss,
            self.budget.max_class_loss,
            2 * all,
            2 * class
        )
    }

    fn judged(
        &self,
        plan: &Plan,
        which: &[usize],
        held_out: bool,
        gate: &Gate,
    ) -> Result<(Judgement, bool)> {
        let judgement = self.judgement(plan, which, held_out)?;
        let mut tally = super::gate::Tally::new(self.judge.classes);
        tally.all = count(&judgement.agreement);
        for class in &judgement.classes {
            if let Some(c) = tally.classes.get_mut(class.class) {
                *c = count(&class.agreement);
            }
        }
        let held = gate.admits(&tally);
        Ok((judgement, held))
    }

    fn judgement(&self, plan: &Plan, which: &[usize], held_out: bool) -> Result<Judgement> {
        let rounding = Rounding::Shares(self.budget.seed);
        let images = &self.job.calibration.images;
        let all = Simulator::new(plan).simulate_some(images, which, rounding, &|| ())?;
        Ok(Judgement::new(self.judge, which, held_out, &all, &plan.public))
    }
}

fn count(agreement: &Share) -> super::gate::Count {
    let Share { hits, of, .. } = *agreement;
    super::gate::Count { images: of, changed: of - hits }
}

fn refuse_hopeless(agreement: &Share, allowed: f64) -> Result<()> {
    if 1.0 - agreement.high <= HOPELESS.max(allowed) {
        return Ok(());
    }
    Err(Error::input(format!(
        "in fixed point the network is another one: only {} of {} images keep their label; its \
         values or weights span too wide a range (see `tacita-compile explain` and `calibrate`), or \
         the pixels are not what it expects (--mean, --std, --pixels)",
        agreement.hits, agreement.of
    )))
}
