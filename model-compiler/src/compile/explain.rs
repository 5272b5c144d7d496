//! Errors about ranges, with the layers around the culprit.

use tacita_protocol::plan::{MAX_LOG2_FAILURE, PublicPlan, TensorSpec, log2_truncation_failure};

use super::report::term_text;
use crate::error::{Error, Result};

/// Layers shown before and after the culprit.
const AROUND: usize = 6;

/// Checks a plan's public half; what the ranges do not allow is shown where it is.
pub(super) fn validate(plan: &PublicPlan) -> Result<()> {
    let refused = |e: &dyn std::fmt::Display, at, fix: &str| {
        Err(Error::input(annotated(plan, at, &format!("{e}; {fix}"))))
    };
    let Err(e) = plan.validate() else { return Ok(()) };
    let compares = |t: &TensorSpec| t.mask.ones() > 0 && t.compare().is_err();
    let too_wide = |t: &TensorSpec| t.magnitude > 48 || compares(t);
    if let Some(at) = plan.tensors.iter().position(too_wide) {
        return refused(
            &e,
            at,
            "its values are too large: check the model's normalisation (mean \
            and std) and weights, or lower --frac or --margin-bits",
        );
    }
    if log2_truncation_failure(plan) > MAX_LOG2_FAILURE {
        let failures = plan.tensors.iter().map(failure);
        let worst = failures.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        let at = worst.map_or(0, |(at, _)| at);
        return refused(
            &e,
            at,
            "each bit less of --frac, --weight-frac or --margin-bits halves it; \
            so do smaller values in the layer marked",
        );
    }
    Err(e.into())
}

/// log2 of the probability that truncating this tensor fails.
fn failure(t: &TensorSpec) -> f64 {
    if t.truncate == 0 {
        return f64::NEG_INFINITY;
    }
    (t.shape.len() as f64).log2() + f64::from(t.magnitude + t.truncate) - 63.0
}

/// `what`, and below it the layers around tensor `culprit`: operators, range, bits.
pub(super) fn annotated(plan: &PublicPlan, culprit: usize, what: &str) -> String {
    let shown = culprit.saturating_sub(AROUND)..(culprit + AROUND + 1).min(plan.tensors.len());
    let mut text = format!("{what}\n");
    if shown.start > 0 {
        text.push_str(&format!("  ... {} layers\n", shown.start));
    }
    for (j, t) in plan.tensors.iter().enumerate().take(shown.end).skip(shown.start) {
        let mark = if j == culprit { "   <-- here" } else { "" };
        text.push_str(&format!("  {}{mark}\n", line(plan, j, t)));
    }
    if shown.end < plan.tensors.len() {
        text.push_str(&format!("  ... {} layers\n", plan.tensors.len() - shown.end));
    }
    text.trim_end().to_owned()
}

fn line(plan: &PublicPlan, j: usize, t: &TensorSpec) -> String {
    let name = |i: usize| plan.tensors.get(i).map_or("", |t| t.name.as_str());
    let terms: Vec<String> = t.terms.iter().map(|x| term_text(&x.op, name(x.input))).collect();
    let range = if t.magnitude > 1 { format!(" |x|<2^{}", t.magnitude) } else { String::new() };
    let fails = failure(t);
    let fails = if range.is_empty() || fails.is_infinite() {
        String::new()
    } else {
        format!(" fails 2^{fails:.1}")
    };
    format!(
        "{j:>3} {} = {}: {} fractional bits, {} cut{range}{fails}",
        t.name,
        if terms.is_empty() { "input".to_owned() } else { terms.join(" + ") },
        t.frac,
        t.truncate,
    )
}
