//! What a plan file says of its own making: what was measured on images, the way the protocol
//! computes, and what was not.

use serde::{Deserialize, Serialize};
use tacita_protocol::plan::Plan;

use super::judgement::Judgement;
use super::report::Report;
use super::trial::Budget;
use crate::error::{Error, Result};

/// The record of a build, kept in the plan file as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The images that the value ranges come from.
    pub calibration: String,
    /// Bits that the ranges have left over the largest values seen, in the tightest layer.
    pub headroom: f64,
    /// The ranges were seen on drawn images only: real ones may leave them.
    pub drawn_ranges: bool,
    /// What the plan does to labels; `None` if no images were given.
    pub judgement: Option<Judgement>,
    /// Largest share of changed labels that was asked for, in percent, over all and for any class;
    /// `None` if no images were given.
    pub asked: Option<(f64, f64)>,
}

/// What a record comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The plan may be trusted as far as images can show it.
    pub good: bool,
    /// Why, in a sentence.
    pub why: String,
}

impl Record {
    /// The record of a build; with images, one under a budget.
    pub fn new(report: &Report, drawn_ranges: bool, budget: Option<&Budget>) -> Self {
        Self {
            calibration: report.calibration.clone(),
            headroom: report.headroom,
            drawn_ranges,
            judgement: report.judgement.clone(),
            asked: budget.map(|b| (b.max_loss, b.max_class_loss)),
        }
    }

    /// The record in a plan; `None` if it has none.
    ///
    /// # Errors
    /// `Input` if it is not as a compiler writes it.
    pub fn of(plan: &Plan) -> Result<Option<Self>> {
        if plan.record.is_empty() {
            return Ok(None);
        }
        let damaged =
            |e| Error::input(format!("the plan's record is damaged ({e}): compile it again"));
        serde_json::from_str(&plan.record).map(Some).map_err(damaged)
    }

    /// Writes it into a plan.
    ///
    /// # Errors
    /// `Local` if it cannot be written as JSON.
    pub fn write(&self, plan: &mut Plan) -> Result<()> {
        let failed = |e| Error::local(format!("cannot write the plan's record: {e}"));
        plan.record = serde_json::to_string(self).map_err(failed)?;
        Ok(())
    }

    /// Whether images showed what was asked for.
    pub fn verdict(&self) -> Verdict {
        let bad = |why: &str| Verdict { good: false, why: why.to_owned() };
        if self.drawn_ranges {
            return bad(
                "for benches only: its ranges were seen on drawn images, real ones may leave \
                        them and get wrong answers",
            );
        }
        let (Some(j), Some((max_loss, _))) = (&self.judgement, self.asked) else {
            return bad(
                "unjudged: it was built without images, so nobody knows how often it names \
                        another class than the float network",
            );
        };
        let least = 100.0 - max_loss;
        let kept = j.kept();
        if 100.0 * j.agreement.low >= least {
            let why = format!("{kept}: at least {least} % of all, as was asked for (95 %)");
            return Verdict { good: true, why };
        }
        let low = 100.0 * j.agreement.low;
        bad(&format!("{kept}: that shows {low:.2} % of all, not the {least} % asked for"))
    }
}
