//! Float network to plan: scales, integer weights, value ranges, checks.

mod batch;
mod choose;
mod explain;
mod extremes;
mod flooding;
mod gate;
mod intervals;
mod judge;
mod judgement;
mod measure;
mod precision;
mod quantize;
mod record;
mod report;
mod scales;
mod search;
mod share;
mod trial;

use tacita_protocol::plan::{ArraySpec, InputSpec, Plan, PublicPlan, Shape, append_top1};

pub use batch::{BatchCandidate, BatchChoice, choose_batch};
pub use choose::compile_within;
pub use flooding::flooding_bits;
pub use judgement::{Accuracy, ClassJudgement, Judgement, Signs};
pub(crate) use measure::filter_norms;
pub use record::{Record, Verdict};
use report::Chosen;
pub use report::{LayerReport, Report, describe};
pub use share::Share;
pub use trial::{Budget, SearchReport, Trial};

use crate::calibration::Calibration;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::pixels::ASK;
use quantize::Draft;

/// Fractional bits of activations unless something asks for others.
///
/// Measured on the bundled model, 200 CIFAR-10 test images: with 8, 9 and 10 bits private and clear
/// labels agree on 198, 199 and all of them (largest logit difference 0.059, 0.035, 0.020); each bit
/// widens every comparison.
const USUAL_FRAC: u32 = 10;
/// Most fractional bits of activations, and of weights.
const FINEST_FRAC: u32 = 14;
/// Fractional bits of weights unless something asks for others: see [`scales`].
const USUAL_WEIGHT_FRAC: u32 = 12;

/// What the user may choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// Fractional bits of every activation, 8 to 14; if `None`, 10, or as many more as keep the
    /// logits within 2 % of the largest.
    pub frac: Option<u32>,
    /// Fractional bits of the weights before any lowering for the flooding noise, 4 to 14.
    ///
    /// If `None`, 12, or 14 if the logits need it.
    pub weight_frac: Option<u32>,
    /// Bits added to the largest magnitude that calibration saw.
    pub margin_bits: u32,
    /// Tickets per offline run; chosen by predicted traffic if `None`.
    pub batch: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self { frac: None, weight_frac: None, margin_bits: 1, batch: None }
    }
}

impl Options {
    fn check(&self) -> Result<()> {
        let within = |name: &str, x: u32, range: std::ops::RangeInclusive<u32>| {
            if range.contains(&x) {
                return Ok(());
            }
            let (from, to) = (range.start(), range.end());
            Err(Error::input(format!("{name} is {x}: it must be {from} to {to}")))
        };
        if let Some(frac) = self.frac {
            within("the number of fractional bits", frac, 8..=FINEST_FRAC)?;
        }
        if let Some(frac) = self.weight_frac {
            within("the number of fractional bits of the weights", frac, 4..=FINEST_FRAC)?;
        }
        within("the margin", self.margin_bits, 0..=8)
    }
}

/// Quantises, measures ranges on the calibration images, and checks the plan.
///
/// # Errors
/// [`Error::Input`] if no scale meets the plan's limits, or the options or images are unusable.
pub fn compile(
    network: &Network,
    calibration: &Calibration,
    options: &Options,
) -> Result<(Plan, Report)> {
    let mut job = Job::new(network, calibration, options)?;
    let frac = job.frac()?;
    let draft = job.draft(frac)?;
    job.finish(draft, None, None)
}

/// What every compilation of one network has in common.
struct Job<'a> {
    network: &'a Network,
    calibration: &'a Calibration,
    options: &'a Options,
    input: InputSpec,
    /// Fractional bits of weights, before any lowering.
    weight_frac: u32,
    warnings: Vec<String>,
}

impl<'a> Job<'a> {
    fn new(
        network: &'a Network,
        calibration: &'a Calibration,
        options: &'a Options,
    ) -> Result<Self> {
        options.check()?;
        if let Some(ranges) = &calibration.ranges {
            ranges.check(network)?;
        }
        let warnings = network.warnings.clone();
        let input = input_spec(network)?;
        if calibration.any_image && !input.pictures {
            return Err(Error::input(
                "the network takes arrays, and nothing says how large their numbers are: give \
                 some with --calibrate, store ranges in the model with `tacita-compile \
                 calibrate`, or take those of drawn ones with --drawn-ranges, which is good for \
                 measuring time and bytes alone",
            ));
        }
        let weight_frac = options.weight_frac.unwrap_or(USUAL_WEIGHT_FRAC);
        Ok(Self { network, calibration, options, input, weight_frac, warnings })
    }

    /// The network in integers; ranges and dropped bits are still to be set.
    fn draft(&mut self, frac: u32) -> Result<Draft> {
        let mut warnings = std::mem::take(&mut self.warnings);
        let draft = self.draft_in(frac, &mut warnings);
        self.warnings = warnings;
        draft
    }

    fn draft_in(&self, frac: u32, warnings: &mut Vec<String>) -> Result<Draft> {
        let bits = (frac, self.weight_frac);
        let asked = self.options.weight_frac.unwrap_or(USUAL_WEIGHT_FRAC);
        flooding::settle(self.network, &self.input, bits, asked, warnings)
    }

    /// Sets the ranges: `peaks` are the largest integers seen.
    fn set_ranges(&self, public: &mut PublicPlan, peaks: &[f64]) {
        for (spec, peak) in public.tensors.iter_mut().zip(peaks) {
            spec.magnitude = magnitude(*peak, self.options.margin_bits);
        }
        if let Some(spec) = public.tensors.first_mut().filter(|_| self.input.pictures) {
            // Pixels are bounded, whatever the calibration images show.
            spec.magnitude = magnitude(input_peak(&self.input, spec.frac), 0);
        }
    }

    /// Sets the ranges of a plan, and says how many bits they have left over the values seen.
    fn ranged_by(&self, draft: &mut Draft, seen: &[f64]) -> f64 {
        if self.calibration.any_image {
            let peaks = intervals::peaks(draft);
            for (spec, peak) in draft.public.tensors.iter_mut().zip(&peaks) {
                spec.magnitude = magnitude(*peak, 0);
            }
        } else {
            self.set_ranges(&mut draft.public, seen);
        }
        let spare = draft.public.tensors.iter().zip(seen).skip(1);
        spare.fold(f64::INFINITY, |m, (t, x)| m.min(f64::from(t.magnitude) - x.max(1.0).log2()))
    }

    fn finish(
        self,
        mut draft: Draft,
        search: Option<SearchReport>,
        judgement: Option<Judgement>,
    ) -> Result<(Plan, Report)> {
        let measured = measure::measure(self.network, &draft, self.calibration)?;
        let headroom = self.ranged_by(&mut draft, &measured.peaks);
        if self.network.top1 {
            append_top1(&mut draft.public, &mut draft.secret);
        }
        // Predictions are for validated plans.
        let valid = explain::validate(&draft.public);
        valid.map_err(|e| if self.calibration.any_image { without_images(&e) } else { e })?;
        let batch = match self.options.batch {
            Some(b) => BatchChoice::fixed(b),
            None => choose_batch(&draft.public)?,
        };
        draft.public.batch = batch.batch;
        let plan = Plan::new(draft.public, draft.secret)?;
        let chosen = Chosen { batch, search, judgement, headroom };
        let report = Report::new(&plan, self.calibration, &measured, chosen, self.warnings);
        Ok((plan, report))
    }
}

/// Why a plan whose ranges hold for any image is none.
fn without_images(e: &Error) -> Error {
    Error::input(format!(
        "without images the ranges of this network's values are not known, and bounds that hold for \
         any image are too wide for a plan: give images with --calibrate, store ranges in the model \
         with `tacita-compile calibrate`, or take those of drawn images with --drawn-ranges, which \
         is good for measuring time and bytes alone ({})",
        e.to_string().lines().next().unwrap_or_default()
    ))
}

/// Bits of the integer part of `peak`, plus the margin.
fn magnitude(peak: f64, margin: u32) -> u32 {
    // The cast saturates; the plan's checks refuse what is too wide.
    let bits = 64 - (peak.ceil() as u64).leading_zeros();
    bits.max(1) + margin
}

/// Largest integer that any image can put into tensor 0.
fn input_peak(input: &InputSpec, frac: u32) -> f64 {
    let ends = input.mean.iter().zip(&input.std).flat_map(|(m, s)| {
        let (m, s) = (f64::from(*m), f64::from(*s));
        [m / s, (1.0 - m) / s]
    });
    ends.fold(0.0, |p: f64, x| p.max(x.abs())) * f64::from(frac).exp2() + 1.0
}

/// How arrays become the network's input.
fn array_spec(network: &Network) -> ArraySpec {
    let input = &network.graph_input;
    let (mean, std) = network.own_units();
    let Shape { channels, height, width } = network.input;
    let dims =
        if input.dims.is_empty() { vec![channels, height, width] } else { input.dims.clone() };
    ArraySpec { dims, channels_last: input.channels_last, mean, std }
}

/// How pixels become the network's input.
pub(crate) fn input_spec(network: &Network) -> Result<InputSpec> {
    let n = network.input.channels;
    let (Some(mean), Some(std)) = (&network.mean, &network.std) else {
        return Err(Error::input(ASK));
    };
    for (name, v) in [("mean", mean), ("std", std)] {
        if v.len() != n {
            return Err(Error::input(format!("{} values of {name} for {n} channels", v.len())));
        }
    }
    if std.iter().any(|s| s.partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater)) {
        return Err(Error::input("the standard deviations must be positive"));
    }
    let (mean, std) = (mean.clone(), std.clone());
    let arrays = Some(array_spec(network));
    Ok(InputSpec { mean, std, pictures: !network.graph_input.arrays_only, arrays })
}
