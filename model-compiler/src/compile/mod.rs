//! Float network to plan: scales, integer weights, value ranges, checks.

mod batch;
mod flooding;
mod measure;
mod quantize;
mod report;

use tacet_protocol::plan::{InputSpec, Plan};

pub use batch::{BatchCandidate, BatchChoice, choose_batch};
pub use flooding::flooding_bits;
pub use measure::arg_max as top_class;
pub(crate) use measure::{arg_max, filter_norms};
pub use report::{LayerReport, Report, describe};

use crate::calibration::Calibration;
use crate::error::{Error, Result};
use crate::network::Network;

/// What the user may choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// Fractional bits of every activation, 8 to 14.
    pub frac: u32,
    /// Fractional bits of the weights before any lowering for the flooding noise, 4 to 14.
    pub weight_frac: u32,
    /// Bits added to the largest magnitude that calibration saw.
    pub margin_bits: u32,
    /// Tickets per offline run; chosen by predicted traffic if `None`.
    pub batch: Option<usize>,
}

impl Default for Options {
    // Measured on the bundled model, 200 CIFAR-10 test images: with 8, 9 and 10 bits private and
    // clear labels agree on 198, 199 and all of them (largest logit difference 0.059, 0.035,
    // 0.020); each bit widens every comparison. Weight bits cost no traffic.
    fn default() -> Self {
        Self { frac: 10, weight_frac: 12, margin_bits: 1, batch: None }
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
        within("the number of fractional bits", self.frac, 8..=14)?;
        within("the number of fractional bits of the weights", self.weight_frac, 4..=14)?;
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
    options.check()?;
    if let Some(ranges) = &calibration.ranges {
        ranges.check(network)?;
    }
    let mut warnings = network.warnings.clone();
    let input = input_spec(network, &mut warnings)?;
    let mut draft = flooding::settle(network, &input, options, &mut warnings)?;
    let measured = measure::measure(network, &draft, calibration)?;
    for (spec, peak) in draft.public.tensors.iter_mut().zip(&measured.peaks) {
        spec.magnitude = magnitude(*peak, options.margin_bits);
    }
    if let Some(spec) = draft.public.tensors.first_mut() {
        // Pixels are bounded, whatever the calibration images show.
        spec.magnitude = magnitude(input_peak(&input, spec.frac), 0);
    }
    // Predictions are for validated plans.
    draft.public.validate()?;
    let batch = match options.batch {
        Some(b) => BatchChoice::fixed(b),
        None => choose_batch(&draft.public)?,
    };
    draft.public.batch = batch.batch;
    let (public, secret) = (draft.public, draft.secret);
    let plan = Plan::new(public, secret)?;
    let report = Report::new(&plan, calibration, &measured, batch, warnings);
    Ok((plan, report))
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

pub(crate) fn input_spec(network: &Network, warnings: &mut Vec<String>) -> Result<InputSpec> {
    let n = network.input.channels;
    let mut get = |name: &str, given: &Option<Vec<f32>>, default: f32| match given {
        Some(v) if v.len() == n => Ok(v.clone()),
        Some(v) => Err(Error::input(format!("{} values of {name} for {n} channels", v.len()))),
        None => {
            warnings.push(format!("the model does not say its {name}: {default} is assumed"));
            Ok(vec![default; n])
        }
    };
    let mean = get("mean", &network.mean, 0.0)?;
    let std = get("std", &network.std, 1.0)?;
    if std.iter().any(|s| s.partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater)) {
        return Err(Error::input("the standard deviations must be positive"));
    }
    Ok(InputSpec { mean, std })
}
