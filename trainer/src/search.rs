//! Stage 2 of SENet: find the positions that keep their ReLU.
//!
//! Under a mask that is fixed for an epoch, the network is trained to follow the teacher,
//! and the gap `|A_teacher - A_student|` of every activation is summed over the epoch. The
//! positions with the largest gaps miss their ReLU most: they make the next mask.
//!
//! Positions that just had a ReLU show small gaps, so the masks of the first epochs overlap
//! little: what a short search returns has not settled, and fine-tuning has to adapt to it.

use crate::data::Dataset;
use crate::eval::accuracy;
use crate::fit::{Plan, Trainer};
use crate::loss::{Weights, distill};
use crate::masks::{MaskSet, values};
use crate::net::{Net, Output};
use crate::rng::Rng;
use crate::{Result, checkpoint};
use std::path::Path;
use tch::{Kind, Tensor};

/// Weights of the paper's code in this stage: no attention term.
pub const WEIGHTS: Weights =
    Weights { labels: 0.5, teacher: 0.5, temperature: 4.0, attention: 0.0 };
/// The search ends when the masks of two epochs are closer than this (normalised Hamming
/// distance).
pub const STOP_DISTANCE: f64 = 0.05;

/// Searches masks with `shares[l]` ReLUs in layer `l`; `file` and `net` end up with the
/// weights and masks of the epoch that does best on the validation images under its new
/// masks. Gives that accuracy.
///
/// # Errors
/// libtorch refuses an operation, or the checkpoint cannot be written.
pub fn search(
    net: &mut Net,
    teacher: &Net,
    data: &Dataset,
    shares: &[usize],
    plan: Plan,
    file: &Path,
) -> Result<f64> {
    let mut masks = MaskSet::random(&net.layers, shares, &mut Rng::new(plan.seed, "first mask"));
    let mut trainer = Trainer::new("search", &net.vars, &data.train, plan)?;
    let mut best = checkpoint::Best::new(file);
    for epoch in 1..=plan.epochs {
        net.set_masks(&masks.tensors(&net.layers)?)?;
        let mut gaps = Gaps::new(net)?;
        let loss = trainer.epoch(|batch| {
            let guide = tch::no_grad(|| teacher.forward(&batch.images, false))?;
            let out = net.forward(&batch.images, true)?;
            gaps.add(&guide, &out)?;
            distill(&out, &guide, &batch.labels, WEIGHTS)
        })?;
        let next = MaskSet::top(&gaps.scores()?, shares);
        let distance = next.distance(&masks);
        masks = next;
        net.set_masks(&masks.tensors(&net.layers)?)?;
        let validation = accuracy(net, &data.validation)?;
        tracing::info!(phase = "search", epoch, loss, validation, distance, "epoch done");
        best.offer(net, validation)?;
        if distance < STOP_DISTANCE {
            break;
        }
    }
    best.restore(net)
}

/// Sums of `|A_teacher - A_student|`, `[C, H, W]` for each layer.
struct Gaps(Vec<Tensor>);

impl Gaps {
    fn new(net: &Net) -> Result<Self> {
        let zeros =
            |relu: &crate::net::MaskedRelu| Ok(relu.mask.f_zeros_like()?.f_squeeze_dim(0)?);
        Ok(Self(net.relus.iter().map(zeros).collect::<Result<_>>()?))
    }

    fn add(&mut self, teacher: &Output, student: &Output) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let pairs = teacher.activations.iter().zip(&student.activations);
        for (sum, (theirs, ours)) in self.0.iter_mut().zip(pairs) {
            let gap = theirs.f_sub(ours)?.f_abs_()?;
            let _ = sum.f_add_(&gap.f_sum_dim_intlist([0].as_slice(), false, Kind::Float)?)?;
        }
        Ok(())
    }

    fn scores(&self) -> Result<Vec<Vec<f32>>> {
        self.0.iter().map(values).collect()
    }
}
