//! Scales by their effect: the fewest bytes that cost no more than a stated loss.
//!
//! Traffic depends on the bits that each ReLU compares, `magnitude + 1 - dropped` (and one more
//! where bits are dropped). The search, at most [`MAX_TRIALS`] simulations with the rounding of
//! random shares:
//!
//! 1. The fewest fractional bits of activations, 8 to 12, whose loss is within the target.
//! 2. With two more of them (which cost nothing where bits are dropped: range and dropped bits
//!    grow alike), `dropped = floor(log2(eps * spread))` with `spread` the root mean square of the
//!    layer's values before the ReLU: the largest `eps` within half the target, by bisection.
//! 3. One more dropped bit for each layer in turn, most ReLUs first, as long as that stays within
//!    the target.
//!
//! The loss is that of top-1 accuracy where the labels are known, else of agreement with the float
//! network's labels. Few images make it coarse: so the mean probability (softmax) of those labels
//! may not fall by more than the target either, which varies far less between images.

use tacita_protocol::plan::{Plan, PublicPlan};

use super::judge::Judge;
use super::report::{Report, compared};
use super::trial::{Budget, SearchReport, Trial};
use super::{Job, Options, explain};
use crate::calibration::Calibration;
use crate::error::Result;
use crate::network::Network;
use crate::simulate::{Rounding, Simulator};

/// Fewest images that a loss is estimated on.
pub const MIN_SEARCH_IMAGES: usize = 100;
/// Most simulations.
const MAX_TRIALS: usize = 24;
/// Fractional bits of activations that are tried.
const FRACS: std::ops::RangeInclusive<u32> = 8..=12;
/// Bisection of log2 eps: ends and steps.
const EPSILON: (f64, f64, usize) = (-8.0, 1.0, 6);
/// Offline and online bytes a ReLU and compared bit: two garbled rows and a label, and about four
/// bytes of oblivious transfer.
const BYTES_PER_BIT: u64 = 52;

/// Compiles with the scales that the search finds; `tell` hears of each trial.
///
/// # Errors
/// As [`super::compile`].
pub fn compile_within(
    network: &Network,
    calibration: &Calibration,
    options: &Options,
    budget: &Budget,
    tell: &mut dyn FnMut(&Trial),
) -> Result<(Plan, Report)> {
    let mut job = Job::new(network, calibration, options)?;
    let judge = Judge::new(network, calibration, &job.input)?;
    let (chosen, trials) = {
        let mut search = Search { job: &mut job, judge, budget, tell, trials: vec![], draft: None };
        let chosen = search.run()?;
        (chosen, search.trials)
    };
    if !chosen.within {
        job.warnings.push(format!(
            "no scale keeps the loss within {} points: {:.2} points are lost; give more images, \
             or allow more with --max-loss",
            budget.max_loss, chosen.loss.points
        ));
    }
    let mut draft = job.draft(chosen.frac)?;
    drop_bits(&mut draft.public, &chosen.dropped);
    let labelled = !calibration.labels.is_empty();
    let (images, target) = (calibration.images.len(), budget.max_loss);
    job.finish(draft, Some(SearchReport { images, labelled, target, chosen, trials }))
}

struct Search<'a, 'b> {
    job: &'a mut Job<'b>,
    judge: Judge,
    budget: &'a Budget,
    tell: &'a mut dyn FnMut(&Trial),
    trials: Vec<Trial>,
    /// The last scale's plan with its ranges, and each layer's spread.
    draft: Option<(u32, Plan, Vec<f64>)>,
}

impl Search<'_, '_> {
    fn run(&mut self) -> Result<Trial> {
        let coarse = self.coarsest()?;
        if !coarse.within {
            return Ok(coarse);
        }
        let frac = self.budget.frac.unwrap_or((coarse.frac + 2).min(*FRACS.end()));
        let dropping = self.bisect(frac)?;
        let best = match dropping {
            Some(d) if d.relu_bytes < coarse.relu_bytes => d,
            _ => coarse,
        };
        self.greedy(best)
    }

    /// The fewest fractional bits within the target, nothing dropped; else the finest tried.
    fn coarsest(&mut self) -> Result<Trial> {
        let nothing = vec![0; self.job.network.layers.len()];
        let fracs = self.budget.frac.map_or(FRACS, |f| f..=f);
        let mut last = None;
        for frac in fracs {
            let tried = match (self.attempt(frac, &nothing), last.take()) {
                (Ok(trial), _) => trial,
                // Finer scales leave the plan's limits.
                (Err(_), Some(coarser)) => return Ok(coarser),
                (Err(e), None) => return Err(e),
            };
            if tried.within {
                return Ok(tried);
            }
            last = Some(tried);
        }
        last.map_or_else(|| self.attempt(*FRACS.end(), &nothing), Ok)
    }

    /// Seeks the largest eps within half the target; the fewest bytes met on the way that are
    /// within all of it, `None` if none are, or the scale has no plan.
    fn bisect(&mut self, frac: u32) -> Result<Option<Trial>> {
        if self.prepare(frac).is_err() {
            return Ok(None);
        }
        let (mut low, mut high, steps) = EPSILON;
        let mut best: Option<Trial> = None;
        for _ in 0..steps {
            let middle = f64::midpoint(low, high);
            let dropped = self.dropped(middle.exp2());
            let trial = self.attempt(frac, &dropped)?;
            let half = self.judge.within(&trial.loss, self.budget.max_loss / 2.0);
            *(if half { &mut low } else { &mut high }) = middle;
            if trial.within && best.as_ref().is_none_or(|b| trial.relu_bytes < b.relu_bytes) {
                best = Some(trial);
            }
        }
        Ok(best)
    }

    /// `floor(log2(eps * spread))` for each layer with ReLUs. A single bit would save nothing.
    fn dropped(&self, epsilon: f64) -> Vec<u32> {
        let Some((_, plan, spreads)) = &self.draft else { return Vec::new() };
        let tensors = plan.public.tensors.iter().zip(spreads);
        let bits = tensors.map(|(t, spread)| {
            let d = (epsilon * spread).log2().floor().clamp(0.0, f64::from(t.magnitude)) as u32;
            if t.mask.ones() == 0 || d < 2 { 0 } else { d }
        });
        bits.collect()
    }

    fn greedy(&mut self, mut best: Trial) -> Result<Trial> {
        let tensors = self.job.network.layers.iter().enumerate();
        let mut order: Vec<(usize, usize)> = tensors.map(|(j, l)| (l.mask.ones(), j)).collect();
        order.retain(|(relus, _)| *relus > 0);
        order.sort_by_key(|(relus, j)| (std::cmp::Reverse(*relus), *j));
        for (_, j) in order {
            if self.trials.len() >= MAX_TRIALS {
                break;
            }
            let mut dropped = best.dropped.clone();
            if let Some(d) = dropped.get_mut(j) {
                *d = (*d + 1).max(2);
            }
            // A bit too many for the comparison is no plan.
            if let Ok(trial) = self.attempt(best.frac, &dropped)
                && trial.within
                && trial.relu_bytes < best.relu_bytes
            {
                best = trial;
            }
        }
        Ok(best)
    }

    /// Simulates these scales, unless that was done before.
    fn attempt(&mut self, frac: u32, dropped: &[u32]) -> Result<Trial> {
        let known = self.trials.iter().find(|t| t.frac == frac && t.dropped == dropped);
        if let Some(known) = known {
            return Ok(known.clone());
        }
        self.prepare(frac)?;
        let Some((_, plan, spreads)) = &mut self.draft else {
            return Err(crate::Error::local("no plan to simulate"));
        };
        drop_bits(&mut plan.public, dropped);
        plan.public.validate()?;
        let images = &self.job.calibration.images;
        let all =
            Simulator::new(plan).simulate(images, Rounding::Shares(self.budget.seed), &|| ())?;
        *spreads = all.layers.iter().map(|l| l.spread()).collect();
        let loss = self.judge.loss(&plan.public, &all);
        let within = self.judge.within(&loss, self.budget.max_loss);
        let relu_bytes = relu_bytes(&plan.public);
        let trial = Trial { frac, dropped: dropped.to_vec(), relu_bytes, loss, within };
        (self.tell)(&trial);
        self.trials.push(trial.clone());
        Ok(trial)
    }

    /// Makes the plan of a scale, its ranges from the float network, unless it is there already.
    fn prepare(&mut self, frac: u32) -> Result<()> {
        let (old, spreads) = match &self.draft {
            Some((f, _, _)) if *f == frac => return Ok(()),
            Some((f, _, spreads)) => (*f, spreads.clone()),
            None => (frac, Vec::new()),
        };
        let warnings = self.job.warnings.len();
        let draft = self.job.draft(frac);
        // The final draft says them again.
        self.job.warnings.truncate(warnings);
        let draft = draft?;
        let mut plan = Plan { public: draft.public, secret: draft.secret };
        let scale = f64::from(frac).exp2();
        // What rounding adds is small beside the margin.
        let peaks: Vec<f64> =
            self.judge.largest().iter().map(|x| f64::from(*x) * scale + 1.0).collect();
        self.job.set_ranges(&mut plan.public, &peaks);
        explain::validate(&plan.public)?;
        let change = (f64::from(frac) - f64::from(old)).exp2();
        let spreads = spreads.into_iter().map(|s| s * change).collect();
        self.draft = Some((frac, plan, spreads));
        Ok(())
    }
}

fn drop_bits(public: &mut PublicPlan, dropped: &[u32]) {
    public.tensors.iter_mut().zip(dropped).for_each(|(t, d)| t.dropped = *d);
}

fn relu_bytes(public: &PublicPlan) -> u64 {
    let each = public
        .tensors
        .iter()
        .map(|t| t.mask.ones() as u64 * BYTES_PER_BIT * u64::from(compared(t).unwrap_or(0)));
    each.sum()
}
