//! Scales by their effect: the fewest bytes that change no more labels than allowed.
//!
//! Traffic depends on the bits that each ReLU compares, `magnitude + 1 - dropped` (and one more
//! where bits are dropped). What counts is agreement with the float network under the rounding of
//! random shares: of two networks with the same accuracy one may be another network.
//!
//! Half of the images choose, at most [`MAX_TRIALS`] simulations ([`super::gate`] says what passes,
//! and [`super::extremes`] must; a simulation ends as soon as it is clear that it will not):
//!
//! 1. The fewest fractional bits of activations, 8 to 12, that pass.
//! 2. With two more of them (which cost nothing where bits are dropped: range and dropped bits
//!    grow alike), `dropped = floor(log2(eps * spread))` with `spread` the root mean square of the
//!    layer's values before the ReLU: the largest `eps` that passes, by bisection.
//! 3. One more dropped bit for each layer in turn, most ReLUs first, as long as that passes.
//!
//! The other half judges the choice, once ([`super::choose`]).

use tacita_protocol::plan::{Plan, PublicPlan};

use super::extremes::Extremes;
use super::gate::{Gate, Tally};
use super::judge::Judge;
use super::report::compared;
use super::trial::{Budget, Trial};
use super::{Job, explain};
use crate::error::Result;
use crate::simulate::{Rounding, Simulation, Simulator};

/// Most simulations.
const MAX_TRIALS: usize = 24;
/// Fractional bits of activations that are tried.
pub(super) const FRACS: std::ops::RangeInclusive<u32> = 8..=12;
/// Bisection of log2 eps: ends and steps.
const EPSILON: (f64, f64, usize) = (-8.0, 1.0, 6);
/// Offline and online bytes a ReLU and compared bit: two garbled rows and a label, and about four
/// bytes of oblivious transfer.
const BYTES_PER_BIT: u64 = 52;
/// Images simulated before it is asked whether to go on.
const CHUNK: usize = 64;

pub(super) struct Search<'a, 'b> {
    pub job: &'a mut Job<'b>,
    pub judge: &'a Judge,
    pub gate: Gate,
    /// Pictures whose labels must keep most of their lead.
    pub choosing: Extremes,
    /// Others, that confirm it.
    pub confirming: Extremes,
    /// The images that choose.
    pub which: &'a [usize],
    pub budget: &'a Budget,
    pub tell: &'a mut dyn FnMut(&Trial),
    pub trials: Vec<Trial>,
    /// The last scale's plan with its ranges, and each layer's spread.
    pub draft: Option<(u32, Plan, Vec<f64>)>,
}

impl Search<'_, '_> {
    pub(super) fn run(&mut self) -> Result<Trial> {
        let coarse = self.coarsest()?;
        if !coarse.within {
            return Ok(coarse);
        }
        let frac = self.job.options.frac.unwrap_or((coarse.frac + 2).min(*FRACS.end()));
        let dropping = self.bisect(frac)?;
        let best = match dropping {
            Some(d) if d.relu_bytes < coarse.relu_bytes => d,
            _ => coarse.clone(),
        };
        self.greedy(best)?;
        let none = Trial { within: false, swallowed: true, ..coarse };
        Ok(self.confirmed()?.unwrap_or(none))
    }

    /// The fewest fractional bits that pass, nothing dropped; else the finest tried.
    fn coarsest(&mut self) -> Result<Trial> {
        let nothing = vec![0; self.job.network.layers.len()];
        let fracs = self.job.options.frac.map_or(FRACS, |f| f..=f);
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

    /// Seeks the largest eps that passes; the fewest bytes met on the way, `None` if nothing passes,
    /// or the scale has no plan.
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
            *(if trial.within { &mut low } else { &mut high }) = middle;
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

    fn greedy(&mut self, mut best: Trial) -> Result<()> {
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
        Ok(())
    }

    /// Simulates these scales, unless that was done before.
    fn attempt(&mut self, frac: u32, dropped: &[u32]) -> Result<Trial> {
        let known = self.trials.iter().find(|t| t.frac == frac && t.dropped == dropped);
        if let Some(known) = known {
            return Ok(known.clone());
        }
        let relu_bytes = self.drop_in_draft(frac, dropped)?;
        let (tally, all) = self.simulate()?;
        if let Some((_, _, spreads)) = &mut self.draft {
            *spreads = all.layers.iter().map(|l| l.spread()).collect();
        }
        let (images, changed) = (tally.all.images, tally.all.changed);
        let few = self.gate.admits(&tally);
        let within = few && self.keeps(&self.choosing)?;
        let (dropped, swallowed) = (dropped.to_vec(), few && !within);
        let trial = Trial { frac, dropped, relu_bytes, images, changed, within, swallowed };
        (self.tell)(&trial);
        self.trials.push(trial.clone());
        Ok(trial)
    }

    /// The images that choose, in the plan as it is; not to the end if the gate is shut before.
    fn simulate(&self) -> Result<(Tally, Simulation)> {
        let (mut tally, mut all) = (Tally::new(self.judge.classes), Simulation::default());
        let Some((_, plan, _)) = &self.draft else { return Ok((tally, all)) };
        let simulator = Simulator::new(plan);
        let images = &self.job.calibration.images;
        let (mut which, mut classes) = (Vec::new(), Vec::new());
        // Halves are in order of classes: a chunk should hold some of each.
        for chunk in interleaved(self.which, CHUNK) {
            let rounding = Rounding::Shares(self.budget.seed);
            let part = simulator.simulate_some(images, &chunk, rounding, &|| ())?;
            which.extend(chunk);
            classes.extend(part.classes.iter().copied());
            all.extend(part);
            tally = self.judge.tally(&which, &classes);
            if !self.gate.admits(&tally) {
                break;
            }
        }
        Ok((tally, all))
    }

    /// Makes the draft one of these scales; roughly its comparisons' bytes.
    fn drop_in_draft(&mut self, frac: u32, dropped: &[u32]) -> Result<u64> {
        self.prepare(frac)?;
        let Some((_, plan, _)) = &mut self.draft else {
            return Err(crate::Error::local("no plan to simulate"));
        };
        drop_bits(&mut plan.public, dropped);
        plan.public.validate()?;
        Ok(relu_bytes(&plan.public))
    }

    /// Whether the draft keeps the leads of extreme pictures.
    fn keeps(&self, extremes: &Extremes) -> Result<bool> {
        let Some((_, plan, _)) = &self.draft else { return Ok(true) };
        extremes.keep(plan, self.budget.seed)
    }

    /// Of the trials that passed, the one with the fewest bytes that leaves the labels of other
    /// extreme pictures their lead, too.
    fn confirmed(&mut self) -> Result<Option<Trial>> {
        let mut passed: Vec<Trial> = self.trials.iter().filter(|t| t.within).cloned().collect();
        passed.sort_by_key(|t| t.relu_bytes);
        for trial in passed {
            self.drop_in_draft(trial.frac, &trial.dropped)?;
            if self.keeps(&self.confirming)? {
                return Ok(Some(trial));
            }
        }
        Ok(None)
    }

    /// Makes the plan of a scale, its ranges from the float network, unless it is there already.
    fn prepare(&mut self, frac: u32) -> Result<()> {
        let (old, spreads) = match &self.draft {
            Some((f, _, _)) if *f == frac => return Ok(()),
            Some((f, _, spreads)) => (*f, spreads.clone()),
            None => (frac, Vec::new()),
        };
        let plan = self.job.ranged(frac, &self.judge.largest(self.which))?;
        let change = (f64::from(frac) - f64::from(old)).exp2();
        let spreads = spreads.into_iter().map(|s| s * change).collect();
        self.draft = Some((frac, plan, spreads));
        Ok(())
    }
}

/// `which` in parts of `size`, each an even sample of all.
fn interleaved(which: &[usize], size: usize) -> Vec<Vec<usize>> {
    let parts = which.len().div_ceil(size.max(1)).max(1);
    let part = |first| which.iter().skip(first).step_by(parts).copied().collect();
    (0..parts).map(part).collect()
}

pub(super) fn drop_bits(public: &mut PublicPlan, dropped: &[u32]) {
    public.tensors.iter_mut().zip(dropped).for_each(|(t, d)| t.dropped = *d);
}

fn relu_bytes(public: &PublicPlan) -> u64 {
    let each = public
        .tensors
        .iter()
        .map(|t| t.mask.ones() as u64 * BYTES_PER_BIT * u64::from(compared(t).unwrap_or(0)));
    each.sum()
}

impl Job<'_> {
    /// The validated plan of a scale with ranges from these magnitudes of the float network.
    pub(super) fn ranged(&self, frac: u32, largest: &[f32]) -> Result<Plan> {
        // The final draft says its warnings.
        let draft = self.draft_in(frac, &mut vec![])?;
        let mut plan = Plan { public: draft.public, secret: draft.secret, record: String::new() };
        let scale = f64::from(frac).exp2();
        // What rounding adds is small beside the margin.
        let peaks: Vec<f64> = largest.iter().map(|x| f64::from(*x) * scale + 1.0).collect();
        self.set_ranges(&mut plan.public, &peaks);
        explain::validate(&plan.public)?;
        Ok(plan)
    }
}
