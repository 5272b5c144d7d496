//! How many fractional bits activations take where nobody says, and no labels judge.
//!
//! What rounding a tensor does to the logits depends on the network: on its depth, and on how small
//! its values are. So it is measured, on some of the images, with the usual bits; each bit more about
//! halves it. A bit more costs one more compared bit a ReLU; bits of weights cost no traffic, and
//! are the first to be added.

use super::explain;
use super::measure::measure;
use super::{FINEST_FRAC, Job, USUAL_FRAC, USUAL_WEIGHT_FRAC};
use crate::calibration::Calibration;
use crate::error::Result;

/// How far logits may be off, as a part of the largest.
const ALLOWED: f64 = 0.02;
/// Images that are measured on.
const IMAGES: usize = 32;

impl Job<'_> {
    /// The fractional bits that the options ask for; if they leave it open, the usual ones, or as
    /// many more as the logits need and the plan's limits allow.
    pub(super) fn frac(&mut self) -> Result<u32> {
        if let Some(frac) = self.options.frac {
            return Ok(frac);
        }
        let some = self.some();
        let usual = self.off(USUAL_FRAC, &some)?.0;
        let (mut frac, mut off) = (USUAL_FRAC, usual);
        if off > ALLOWED && self.options.weight_frac.is_none() {
            self.weight_frac = FINEST_FRAC;
            match self.off(frac, &some) {
                Ok((finer, true)) => off = finer,
                _ => self.weight_frac = USUAL_WEIGHT_FRAC,
            }
        }
        while off > ALLOWED && frac < FINEST_FRAC {
            let more = (off / ALLOWED).log2().ceil() as u32;
            let mut finer = (frac + 1..=FINEST_FRAC.min(frac.saturating_add(more))).rev();
            let fitting = finer.find_map(|f| match self.off(f, &some) {
                Ok((off, true)) => Some((f, off)),
                _ => None,
            });
            let Some(found) = fitting else { break };
            (frac, off) = found;
        }
        if usual > ALLOWED {
            let bits = [frac, self.weight_frac];
            self.warnings.push(told(bits, [usual, off]));
        }
        Ok(frac)
    }

    /// Some of the images, evenly.
    fn some(&self) -> Calibration {
        let Calibration { images, any_image, ranges, .. } = self.calibration;
        let images = images.iter().step_by(images.len().div_ceil(IMAGES).max(1)).cloned().collect();
        let (any_image, ranges) = (*any_image, ranges.clone());
        Calibration { images, any_image, ranges, ..Calibration::default() }
    }

    /// How far so many bits put the logits off, as a part of the largest, and whether the plan keeps
    /// its limits, even with values twice as large on other images.
    fn off(&self, frac: u32, images: &Calibration) -> Result<(f64, bool)> {
        let mut draft = self.draft_in(frac, &mut vec![])?;
        let mut measured = measure(self.network, &draft, images)?;
        measured.peaks.iter_mut().for_each(|p| *p *= 2.0);
        self.ranged_by(&mut draft, &measured.peaks);
        let off = measured.max_error / measured.max_logit.max(f64::MIN_POSITIVE);
        Ok((off, explain::validate(&draft.public).is_ok()))
    }
}

fn told([frac, weights]: [u32; 2], off: [f64; 2]) -> String {
    let [usual, now] = off.map(|x| format!("{:.1} %", 100.0 * x));
    let so = format!(
        "activations take {frac} fractional bits and weights {weights}: {USUAL_FRAC} and \
         {USUAL_WEIGHT_FRAC} put logits off by up to {usual} of the largest"
    );
    if off[1] <= ALLOWED {
        return format!("{so} (--frac and --weight-frac choose)");
    }
    format!("{so}, and these by {now} still: its values span too wide a range for more")
}
