//! What the compiler tells the user about a plan.

use serde::Serialize;
use tacita_protocol::gadget::ReluChoice;
use tacita_protocol::plan::{
    CopyShape, Linear, Plan, PublicPlan, Shape, TensorSpec, log2_truncation_failure,
};

use super::batch::BatchChoice;
use super::flooding::flooding_bits;
use super::judgement::Judgement;
use super::measure::Measured;
use super::trial::SearchReport;
use crate::calibration::Calibration;

/// One activation tensor, for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerReport {
    /// Index of the tensor.
    pub index: usize,
    /// Name of the source layer.
    pub name: String,
    /// The operators that are summed.
    pub terms: Vec<String>,
    /// Channels, rows, columns.
    pub shape: [usize; 3],
    /// Fractional bits.
    pub frac: u32,
    /// Bits that truncation takes off.
    pub truncate: u32,
    /// Bits compared; `None` without ReLUs.
    pub compare_bits: Option<u32>,
    /// What computes its ReLUs: gc or ot; `None` without ReLUs.
    pub relu: Option<String>,
    /// Low bits that the comparison ignores.
    pub dropped: u32,
    /// `|x| < 2^magnitude`.
    pub magnitude: u32,
    /// ReLUs that the mask keeps.
    pub relus: usize,
    /// ReLUs of the unmasked network.
    pub unmasked_relus: usize,
    /// log2 of the probability that truncating this tensor makes a gross error in one inference.
    pub log2_failure: Option<f64>,
    /// Whole bits by which the flooding noise exceeds the evaluated noise.
    pub flooding_bits: Option<u32>,
}

/// The result of a compilation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Name of the network.
    pub name: String,
    /// What the client learns: logits or top1.
    pub reveals: String,
    /// ReLUs evaluated per inference.
    pub relus: usize,
    /// ReLUs of the unmasked network.
    pub unmasked_relus: usize,
    /// log2 of the probability of a gross truncation error per inference.
    pub log2_failure: f64,
    /// Least flooding margin over all layers, in bits.
    pub flooding_bits: Option<u32>,
    /// The images that the value ranges come from.
    pub calibration: String,
    /// The images that the figures about logits come from.
    pub checked_on: String,
    /// Their number.
    pub images: usize,
    /// Largest `|float - fixed|` logit difference.
    pub max_logit_error: f64,
    /// Mean `|float - fixed|` logit difference.
    pub mean_logit_error: f64,
    /// Largest `|logit|` of the float network.
    pub max_logit: f64,
    /// What the plan does to the labels of given images; `None` if there were none: the plan is
    /// then unjudged.
    pub judgement: Option<Judgement>,
    /// The batch and what was weighed for it.
    pub batch: BatchChoice,
    /// Bits that the ranges have left over the largest values seen, in the tightest layer.
    pub headroom: f64,
    /// How the scales were chosen, if by their effect.
    pub search: Option<SearchReport>,
    /// The tensors.
    pub layers: Vec<LayerReport>,
    /// Everything the user should know.
    pub warnings: Vec<String>,
}

/// What was decided before a report is written.
pub(super) struct Chosen {
    pub batch: BatchChoice,
    pub search: Option<SearchReport>,
    pub judgement: Option<Judgement>,
    pub headroom: f64,
}

impl Report {
    pub(super) fn new(
        plan: &Plan,
        calibration: &Calibration,
        measured: &Measured,
        chosen: Chosen,
        warnings: Vec<String>,
    ) -> Self {
        let Chosen { batch, search, judgement, headroom } = chosen;
        let layers = describe(plan);
        let images = calibration.images.len();
        Self {
            name: plan.public.name.clone(),
            reveals: plan.public.reveals.name().to_owned(),
            relus: plan.public.relus(),
            unmasked_relus: plan.public.unmasked_relus(),
            log2_failure: log2_truncation_failure(&plan.public),
            flooding_bits: layers.iter().filter_map(|l| l.flooding_bits).min(),
            calibration: match &calibration.ranges {
                Some(r) => format!("{}, stored in the model", r.images()),
                None if calibration.any_image => "bounds that hold for any image".into(),
                None => calibration.source.clone(),
            },
            checked_on: calibration.source.clone(),
            images,
            max_logit_error: measured.max_error,
            mean_logit_error: measured.mean_error,
            max_logit: measured.max_logit,
            judgement,
            headroom,
            batch,
            search,
            layers,
            warnings,
        }
    }
}

/// One entry a tensor.
pub fn describe(plan: &Plan) -> Vec<LayerReport> {
    let flooding = flooding_bits(plan);
    let choices = plan.public.relu_choices.by_tensor(&plan.public);
    let tensors = plan.public.tensors.iter().zip(flooding).zip(choices).enumerate();
    let report = |(i, ((t, bits), choice)): (usize, ((&TensorSpec, _), Option<ReluChoice>))| {
        let relu = choice.map(|choice| choice.to_string());
        LayerReport { relu, ..layer_report(&plan.public, i, t, bits) }
    };
    tensors.map(report).collect()
}

fn layer_report(
    plan: &PublicPlan,
    index: usize,
    t: &TensorSpec,
    flooding_bits: Option<u32>,
) -> LayerReport {
    let name = |i: usize| plan.tensors.get(i).map_or("", |t| t.name.as_str());
    let Shape { channels, height, width } = t.shape;
    let failure = (t.shape.len() as f64).log2() + f64::from(t.magnitude + t.truncate) - 63.0;
    LayerReport {
        index,
        name: t.name.clone(),
        terms: t.terms.iter().map(|x| term_text(&x.op, name(x.input))).collect(),
        shape: [channels, height, width],
        frac: t.frac,
        truncate: t.truncate,
        compare_bits: compared(t),
        relu: None,
        dropped: t.dropped,
        magnitude: t.magnitude,
        relus: t.mask.ones(),
        unmasked_relus: t.unmasked_relus,
        log2_failure: (t.truncate > 0).then_some(failure),
        flooding_bits,
    }
}

/// Bits that a tensor's ReLUs compare; `None` without ReLUs.
pub(super) fn compared(t: &TensorSpec) -> Option<u32> {
    let bits = t.compare().ok().filter(|_| t.mask.ones() > 0);
    bits.map(|b| b.compared() as u32)
}

pub(super) fn term_text(op: &Linear, input: &str) -> String {
    let by = |stride: usize| if stride == 1 { String::new() } else { format!("/{stride}") };
    match op {
        Linear::Conv(c) => {
            let groups = if c.groups == 1 { String::new() } else { format!(" in {}", c.groups) };
            format!(
                "conv {}x{}{} {}>{}{groups} ({input})",
                c.kernel_h,
                c.kernel_w,
                by(c.stride),
                c.input.channels,
                c.out_channels
            )
        }
        Linear::Copy(c) => {
            let sign = if c.negative { "minus " } else { "" };
            let whole =
                *c == CopyShape { negative: c.negative, ..CopyShape::whole(c.channels, c.shift) };
            let what = if whole { "identity" } else { "copy" };
            format!("{sign}{what} ({input})")
        }
        Linear::AvgPool(p) => {
            format!("avgpool {}x{}{} ({input})", p.kernel_h, p.kernel_w, by(p.stride))
        }
    }
}
