//! Runs the images through the float network and the clear fixed-point plan.

use rayon::prelude::*;
use tacita_image_input::encode;
use tacita_protocol::plan::{Linear, Plan, SecretPlan};

use super::explain::annotated;
use super::quantize::Draft;
use crate::calibration::Calibration;
use crate::error::{Error, Result};
use crate::float::{Evaluator, Trace};
use crate::network::Network;
use crate::ranges::Ranges;
use crate::simulate::{Rounding, Simulator};

/// What the images show.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    /// Largest integer magnitude of each tensor before its ReLU.
    pub peaks: Vec<f64>,
    /// Largest `|float - fixed|` over all logits.
    pub max_error: f64,
    /// Mean of the same.
    pub mean_error: f64,
    /// Largest `|float logit|`.
    pub max_logit: f64,
}

/// Evaluates every image both ways.
pub(super) fn measure(
    network: &Network,
    draft: &Draft,
    calibration: &Calibration,
) -> Result<Measured> {
    if calibration.images.is_empty() {
        return Err(Error::input("no calibration images"));
    }
    let shares = SecretPlan { tensors: draft.secret.tensors.clone() };
    let plan = Plan { public: draft.public.clone(), secret: shares, record: String::new() };
    let norms = filter_norms(&plan);
    let given = calibration.ranges.as_ref().map(Ranges::largest);
    if let Some(largest) = &given {
        check_range(&plan, &norms, largest)?;
    }
    let (evaluator, simulator) = (Evaluator::new(network), Simulator::new(&plan));
    let each: Vec<Measured> = calibration
        .images
        .par_iter()
        .map(|pixels| {
            let trace = evaluator.trace_of(pixels, &plan.public.input)?;
            check_range(&plan, &norms, &trace.largest)?;
            let fixed = simulator.tensors(&encode(pixels, &plan.public)?, Rounding::Nearest, 0);
            Ok(compare(&plan, &trace, given.as_deref().unwrap_or(&trace.largest), &fixed))
        })
        .collect::<Result<_>>()?;
    Ok(combine(each))
}

fn compare(plan: &Plan, trace: &Trace, largest: &[f32], fixed: &[Vec<i64>]) -> Measured {
    let mut m = Measured::default();
    let tensors = plan.public.tensors.iter().zip(trace.values.iter().zip(fixed));
    for ((spec, (float, fixed)), largest) in tensors.zip(largest) {
        let scale = f64::from(spec.frac).exp2();
        let errors =
            float.iter().zip(fixed).map(|(x, y)| (f64::from(*x) * scale - *y as f64).abs());
        // The evaluator shows values after their ReLU: what quantisation does to those before it
        // is about as much, so twice that error is added to the float peak.
        let error = errors.fold(0.0, f64::max);
        m.peaks.push(f64::from(*largest) * scale + 2.0 * error + 1.0);
    }
    let (Some(spec), Some(float), Some(fixed)) =
        (plan.public.output(), trace.values.last(), fixed.last())
    else {
        return m;
    };
    let real: Vec<f64> = fixed.iter().map(|y| *y as f64 / f64::from(spec.frac).exp2()).collect();
    let float: Vec<f64> = float.iter().map(|x| f64::from(*x)).collect();
    for (x, y) in float.iter().zip(&real) {
        m.max_error = m.max_error.max((x - y).abs());
        m.mean_error += (x - y).abs() / float.len() as f64;
        m.max_logit = m.max_logit.max(x.abs());
    }
    m
}

fn combine(each: Vec<Measured>) -> Measured {
    let n = each.len().max(1) as f64;
    let mut all = Measured::default();
    for m in each {
        all.peaks.resize(m.peaks.len(), 0.0);
        all.peaks.iter_mut().zip(&m.peaks).for_each(|(a, b)| *a = a.max(*b));
        all.max_error = all.max_error.max(m.max_error);
        all.max_logit = all.max_logit.max(m.max_logit);
        all.mean_error += m.mean_error / n;
    }
    all
}

/// For each tensor and term, the largest sum of weight magnitudes over one output.
pub(crate) fn filter_norms(plan: &Plan) -> Vec<Vec<f64>> {
    let tensors = plan.public.tensors.iter().zip(&plan.secret.tensors);
    tensors
        .map(|(spec, secret)| {
            let terms = spec.terms.iter().zip(&secret.weights);
            terms
                .map(|(term, weights)| match &term.op {
                    Linear::Conv(c) => {
                        let filter = (c.weights() / c.out_channels.max(1)).max(1);
                        let norms = weights
                            .chunks(filter)
                            .map(|w| w.iter().map(|x| f64::from(x.unsigned_abs())).sum::<f64>());
                        norms.fold(0.0, f64::max)
                    }
                    Linear::Copy(c) => f64::from(c.shift).exp2(),
                    Linear::AvgPool(p) => {
                        (p.kernel_h * p.kernel_w) as f64 * f64::from(p.multiplier)
                    }
                })
                .collect()
        })
        .collect()
}

/// Refuses what would overflow 64 bits, so that the evaluator's sums are exact.
fn check_range(plan: &Plan, norms: &[Vec<f64>], largest: &[f32]) -> Result<()> {
    for (j, (spec, norms)) in plan.public.tensors.iter().zip(norms).enumerate() {
        let mut sum = 0.0;
        for (term, norm) in spec.terms.iter().zip(norms) {
            let from = plan.public.tensors.get(term.input).map_or(0, |t| t.frac);
            let largest = largest.get(term.input).copied().unwrap_or_default();
            sum += norm * (f64::from(largest) * f64::from(from).exp2() + 1.0);
        }
        // Also catches values that are not numbers.
        if sum.partial_cmp(&2f64.powi(60)) != Some(std::cmp::Ordering::Less) {
            let name = &spec.name;
            let what = format!(
                "layer `{name}`: its values overflow 64 bits; check the model's normalisation \
                 (mean and std)"
            );
            return Err(Error::input(annotated(&plan.public, j, &what)));
        }
    }
    Ok(())
}
