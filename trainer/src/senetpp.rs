//! SENet++ (Kundu et al., ICLR 2023): ordered dropout of channels. One training loop makes a
//! network that works at several widths, and each width leaves it as an ordinary network
//! ([`Net::slice`]) with fewer multiplications and fewer ReLUs.
//!
//! Every mini-batch runs at every width, each with batch normalisations of its own; the losses
//! are added, and one step serves all. The paper does not say how it weighs the widths; here
//! they count the same. Attention maps are means over channels, so those of a narrow pass have
//! the size of the teacher's and need no projection.
//!
//! The all-ReLU guide is trained in the same way, so that it can teach at every width. Masks
//! are found once, at full width; a narrower network has the first channels of each.

use crate::batch::Batch;
use crate::checkpoint::Reached;
use crate::data::Dataset;
use crate::eval::accuracy_at;
use crate::fit::Method;
use crate::loss::{Weights, cross_entropy, distill};
use crate::net::{Mode, Net};
use crate::pipeline::{Done, Run, Training};
use crate::{Error, Result};
use serde_json::json;
use tch::Tensor;

/// Smallest rate: below it no layer in use keeps more than a channel.
const LEAST: f64 = 0.001;

/// Training at every width on labels alone.
#[derive(Debug)]
pub struct OrderedLabels {
    /// Share of a label's probability that is spread over the other classes.
    pub smoothing: f64,
}

impl OrderedLabels {
    fn at(&self, index: usize, net: &Net, batch: &Batch) -> Result<Tensor> {
        let out = net.forward_at(index, &batch.images, Mode::Train)?;
        cross_entropy(&out.logits, &batch.labels, self.smoothing)
    }
}

impl Method for OrderedLabels {
    fn loss(&mut self, net: &Net, batch: &Batch) -> Result<Tensor> {
        summed(net, |index| self.at(index, net, batch))
    }

    fn judge(&self, net: &Net, data: &Dataset, test: bool) -> Result<f64> {
        mean_accuracy(net, data, test)
    }
}

/// Training at every width under frozen masks, guided by an ordered network.
#[derive(Debug)]
pub struct OrderedDistill<'a> {
    /// The guide, in evaluation mode; of the same widths as the network.
    pub teacher: &'a Net,
    /// Weights of the terms of the loss.
    pub weights: Weights,
}

impl OrderedDistill<'_> {
    /// The loss at width `index`, against the guide at that width.
    fn at(&self, index: usize, net: &Net, batch: &Batch) -> Result<Tensor> {
        let guide = tch::no_grad(|| self.teacher.forward_at(index, &batch.images, Mode::Eval))?;
        let out = net.forward_at(index, &batch.images, Mode::Train)?;
        distill(&out, &guide, &batch.labels, self.weights)
    }
}

impl Method for OrderedDistill<'_> {
    fn loss(&mut self, net: &Net, batch: &Batch) -> Result<Tensor> {
        summed(net, |index| self.at(index, net, batch))
    }

    fn judge(&self, net: &Net, data: &Dataset, test: bool) -> Result<f64> {
        mean_accuracy(net, data, test)
    }
}

/// Sum of the loss at each width of `net`.
fn summed(net: &Net, loss: impl Fn(usize) -> Result<Tensor>) -> Result<Tensor> {
    let mut total = loss(0)?;
    for index in 1..net.widths.len() {
        total = total.f_add(&loss(index)?)?;
    }
    Ok(total)
}

/// Mean over the widths: one checkpoint serves all of them, so an epoch is as good as it is
/// at all of them, as the loss is.
fn mean_accuracy(net: &Net, data: &Dataset, test: bool) -> Result<f64> {
    let images = if test { &data.test } else { &data.validation };
    let widths = 0..net.widths.len();
    let each = widths.map(|index| accuracy_at(net, index, images, &data.normalise));
    Ok(each.sum::<Result<f64>>()? / net.widths.len() as f64)
}

/// Accuracies at each width, from narrow to full.
///
/// # Errors
/// libtorch refuses an operation.
pub fn reached(net: &Net, data: &Dataset) -> Result<Vec<Reached>> {
    let at = |index| {
        let share = |images| accuracy_at(net, index, images, &data.normalise);
        Ok(Reached { validation: share(&data.validation)?, test: share(&data.test)? })
    };
    (0..net.widths.len()).map(at).collect()
}

/// The rates asked for as [`Net::with_widths`] wants them: ascending, each once, 1 the last;
/// and whether 1 had to be added.
///
/// # Errors
/// [`Error::BadSetting`] for a rate outside 0.001 to 1.
pub fn rates(asked: &[f64]) -> Result<(Vec<f64>, bool)> {
    if !asked.iter().all(|rate| (LEAST..=1.0).contains(rate)) {
        let problem = "must be numbers from 0.001 to 1";
        return Err(Error::BadSetting { setting: "--rates", problem });
    }
    let mut rates = asked.to_vec();
    let added = !rates.contains(&1.0);
    if added {
        rates.push(1.0);
    }
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    Ok((rates, added))
}

/// A rate as names of files have it: two digits, or as many as tell it from all others.
pub fn label(rate: f64) -> String {
    let short = format!("{rate:.2}");
    if short.parse() == Ok(rate) { short } else { rate.to_string() }
}

impl Run<'_> {
    /// Trains the all-ReLU network at all `rates` on labels (stage `ordered-teacher`); it
    /// comes back frozen.
    ///
    /// # Errors
    /// As [`Run::train`].
    pub fn ordered_teacher(&self, rates: &[f64], training: Training) -> Result<(Net, Done)> {
        let mut net = self.random_net(rates)?;
        let mut method = OrderedLabels { smoothing: 0.0 };
        let done = self.train("ordered-teacher", &mut net, training, json!({}), &mut method)?;
        net.store.freeze();
        Ok((net, done))
    }

    /// A network of the widths, weights and normalisations of the ordered `teacher`, and with
    /// the masks of `searched`, a network of full width.
    ///
    /// The weights that the search ends with are not used: they were trained at full width
    /// only, and have no normalisations for the others.
    ///
    /// # Errors
    /// The networks differ in shape.
    pub fn ordered_start(&self, teacher: &Net, searched: &Net) -> Result<Net> {
        let rates: Vec<f64> = teacher.widths.iter().map(|w| w.rate).collect();
        let mut net = self.random_net(&rates)?;
        net.copy_from(teacher)?;
        net.set_masks(&searched.masks()?)?;
        Ok(net)
    }

    /// Trains `net` under its masks at all its widths, guided by `teacher`, an ordered network
    /// of the same ones.
    ///
    /// # Errors
    /// As [`Run::train`].
    pub fn ordered_finetune(
        &self,
        name: &str,
        net: &mut Net,
        teacher: &Net,
        (training, weights): (Training, Weights),
    ) -> Result<Done> {
        let settings = json!({"loss": weights, "teacher": teacher.hash()?});
        self.train(name, net, training, settings, &mut OrderedDistill { teacher, weights })
    }
}

#[cfg(test)]
mod tests;
