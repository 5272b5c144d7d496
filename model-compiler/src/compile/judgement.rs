//! What a plan does to the labels, for people: measured with the protocol's own rounding.

use serde::{Deserialize, Serialize};
use tacita_protocol::plan::PublicPlan;

use super::gate::Count;
use super::judge::Judge;
use super::share::Share;
use crate::simulate::Simulation;

/// A plan beside the float network, on images that the build was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Images judged on.
    pub images: usize,
    /// What is counted: images, or the pixels of maps.
    pub counted: String,
    /// None of them had a part in choosing the bits.
    pub held_out: bool,
    /// Images that keep the float network's label.
    pub agreement: Share,
    /// Images whose label is the right one, where the right ones are known.
    pub accuracy: Option<Accuracy>,
    /// The classes that have images.
    pub classes: Vec<ClassJudgement>,
    /// Each layer with ReLUs.
    pub signs: Vec<Signs>,
}

/// Right labels before and after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// The float network's.
    pub float: Share,
    /// The plan's.
    pub plan: Share,
}

/// The images of one class: of one label where labels are known, else of one label of the float
/// network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassJudgement {
    /// Index of the class.
    pub class: usize,
    /// Its name, if known.
    pub name: String,
    /// Images that keep the float network's label.
    pub agreement: Share,
    /// Images whose label is the right one.
    pub accuracy: Option<Accuracy>,
}

/// The comparisons of one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signs {
    /// Name of the layer.
    pub name: String,
    /// Comparisons.
    pub compared: u64,
    /// Signs found wrong because of dropped bits.
    pub wrong: u64,
    /// Values outside of the layer's range.
    pub out_of_range: u64,
}

impl Judgement {
    /// How many keep the float network's label, in words.
    pub fn kept(&self) -> String {
        let held_out = if self.held_out { "that chose nothing " } else { "" };
        let what = match self.counted.as_str() {
            "images" => format!("images {held_out}keep"),
            pixels => format!("{pixels} of {} images {held_out}keep", self.images),
        };
        let Share { hits, of, .. } = self.agreement;
        format!("{hits} of {of} {what} the float network's label")
    }

    /// `all` are the results on the images `which`.
    pub(super) fn new(
        judge: &Judge,
        which: &[usize],
        held_out: bool,
        all: &Simulation,
        plan: &PublicPlan,
    ) -> Self {
        let tally = judge.tally(which, &all.classes);
        let agreement = |c: &Count| Share::kept(c.images - c.changed, c.images);
        let present = tally.classes.iter().enumerate().filter(|(_, c)| c.images > 0);
        let classes = present.map(|(class, count)| ClassJudgement {
            class,
            name: plan.labels.get(class).cloned().unwrap_or_else(|| class.to_string()),
            agreement: agreement(count),
            accuracy: accuracy(judge, which, all, |group| group == class),
        });
        Self {
            images: which.len(),
            counted: if judge.answers > 1 { "pixels" } else { "images" }.into(),
            held_out,
            agreement: agreement(&tally.all),
            accuracy: accuracy(judge, which, all, |_| true),
            classes: classes.collect(),
            signs: signs(plan, all),
        }
    }
}

fn accuracy(
    judge: &Judge,
    which: &[usize],
    all: &Simulation,
    counts: impl Fn(usize) -> bool,
) -> Option<Accuracy> {
    let (mut images, mut float, mut plan) = (0, 0, 0);
    for (i, class) in which.iter().zip(&all.classes).filter(|(i, _)| counts(judge.group(**i))) {
        images += 1;
        float += usize::from(judge.class(*i) == judge.group(*i));
        plan += usize::from(*class == judge.group(*i));
    }
    let share = |right| Share::new(right, images);
    judge.labelled.then(|| Accuracy { float: share(float), plan: share(plan) })
}

fn signs(plan: &PublicPlan, all: &Simulation) -> Vec<Signs> {
    let layers = plan.tensors.iter().zip(&all.layers).filter(|(_, l)| l.relus > 0);
    let signs = layers.map(|(t, l)| Signs {
        name: t.name.clone(),
        compared: l.relus,
        wrong: l.sign_mistakes,
        out_of_range: l.overflows,
    });
    signs.collect()
}
