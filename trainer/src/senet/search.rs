//! Stage 2 of SENet: find the positions that keep their ReLU.
//!
//! Under a mask that is fixed for an epoch, the network is trained to follow the teacher,
//! and the gap `|A_teacher - A_student|` of every activation is summed over the epoch. The
//! positions with the largest gaps miss their ReLU most: they make the next mask.
//!
//! Positions that just had a ReLU show small gaps, so the masks of the first epochs overlap
//! little. The published schedule (150 epochs) lets them settle; with `memory` above 0 the
//! sums of earlier epochs count as well, which settles a short search.

use crate::batch::Batch;
use crate::fit::{Method, Turn};
use crate::loss::{Weights, distill};
use crate::masks::{MaskSet, values};
use crate::net::{Mode, Net, Output};
use crate::optim::Sgd;
use crate::rng::Rng;
use crate::{Error, Result};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use tacita_architectures::Layer;
use tch::{Kind, Tensor};

/// Weights of the paper's code in this stage: no attention term.
pub const WEIGHTS: Weights =
    Weights { labels: 0.5, teacher: 0.5, temperature: 4.0, attention: 0.0 };
/// The search ends when the masks of two epochs are closer than this (normalised Hamming
/// distance).
pub const STOP_DISTANCE: f64 = 0.05;
/// Before the names of the sums of gaps in checkpoints.
const PREFIX: &str = "~gap.";

/// What a mask is chosen by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
pub enum Granularity {
    /// Single positions.
    Pixel,
    /// Whole channels.
    Channel,
}

/// How masks are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Positions or channels.
    pub granularity: Granularity,
    /// Share of the sums of earlier epochs that counts on, in [0, 1); 0 is the paper's.
    pub memory: f64,
    /// Distance between masks below which the search ends.
    pub stop: f64,
}

/// The search for masks with `shares[l]` ReLUs in layer `l`.
#[derive(Debug)]
pub struct Search<'a> {
    teacher: &'a Net,
    shares: Vec<usize>,
    choice: Choice,
    seed: u64,
    masks: MaskSet,
    gaps: Vec<Tensor>,
}

impl<'a> Search<'a> {
    /// A search guided by `teacher`.
    pub fn new(teacher: &'a Net, shares: Vec<usize>, choice: Choice, seed: u64) -> Self {
        let masks = MaskSet { layers: Vec::new() };
        Self { teacher, shares, choice, seed, masks, gaps: Vec::new() }
    }

    fn add(&mut self, teacher: &Output, student: &Output) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let pairs = teacher.activations.iter().zip(&student.activations);
        for (sum, (theirs, ours)) in self.gaps.iter_mut().zip(pairs) {
            let gap = theirs.f_sub(ours)?.f_abs()?;
            let _ = sum.f_add_(&gap.f_sum_dim_intlist([0].as_slice(), false, Kind::Float)?)?;
        }
        Ok(())
    }

    fn choose(&self, layers: &[Layer]) -> Result<MaskSet> {
        let scores: Vec<Vec<f32>> = self.gaps.iter().map(values).collect::<Result<_>>()?;
        Ok(match self.choice.granularity {
            Granularity::Pixel => MaskSet::top(&scores, &self.shares),
            Granularity::Channel => MaskSet::top_channels(layers, &scores, &self.shares),
        })
    }
}

impl Method for Search<'_> {
    fn begin(&mut self, net: &mut Net, saved: &HashMap<String, Tensor>) -> Result<()> {
        let gap = |(i, layer): (usize, &Layer)| match saved.get(&format!("{PREFIX}{i}")) {
            Some(sum) if sum.size() == layer.dims() => Ok(sum.to_device(net.store.device())),
            Some(_) => Err(Error::NetworkMismatch { problem: "a sum of gaps does not fit".into() }),
            None => Ok(Tensor::zeros(layer.dims(), (Kind::Float, net.store.device()))),
        };
        self.gaps = net.layers().iter().enumerate().map(gap).collect::<Result<_>>()?;
        if saved.is_empty() {
            let mut rng = Rng::new(self.seed, "first mask");
            net.set_masks(&MaskSet::random(net.layers(), &self.shares, &mut rng))?;
        }
        self.masks = net.masks()?;
        Ok(())
    }

    fn loss(&mut self, net: &Net, batch: &Batch) -> Result<Tensor> {
        let guide = tch::no_grad(|| self.teacher.forward(&batch.images, Mode::Eval))?;
        let out = net.forward(&batch.images, Mode::Train)?;
        self.add(&guide, &out)?;
        distill(&out, &guide, &batch.labels, WEIGHTS)
    }

    fn end(&mut self, net: &mut Net, _sgd: &Sgd, _epoch: usize) -> Result<Turn> {
        let next = self.choose(net.layers())?;
        let distance = next.distance(&self.masks);
        net.set_masks(&next)?;
        self.masks = next;
        for sum in &mut self.gaps {
            let _ = sum.f_mul_scalar_(self.choice.memory)?;
        }
        Ok(Turn { distance: Some(distance), stop: distance < self.choice.stop })
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        let named = |(i, sum): (usize, &Tensor)| (format!("{PREFIX}{i}"), sum.shallow_clone());
        self.gaps.iter().enumerate().map(named).collect()
    }
}
