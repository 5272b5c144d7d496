//! Losses: cross entropy, knowledge distillation, and attention transfer (SENet section 3).

use crate::Result;
use crate::net::Output;
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

/// Weights of the terms of a distillation loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// Of cross entropy with the labels.
    pub labels: f64,
    /// Of the divergence from the teacher.
    pub teacher: f64,
    /// Softmax temperature of that divergence.
    pub temperature: f64,
    /// Of attention transfer at the stage outputs (0 leaves the term out).
    pub attention: f64,
}

/// Mean cross entropy of logits `[B, classes]` with labels `[B]`.
///
/// # Errors
/// libtorch refuses an operation.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor, smoothing: f64) -> Result<Tensor> {
    Ok(logits.f_cross_entropy_loss(labels, None::<&Tensor>, Reduction::Mean, -100, smoothing)?)
}

/// `labels * CE + teacher * T^2 * KL(teacher || student) + attention * PRAM`, averaged over
/// the batch.
///
/// # Errors
/// libtorch refuses an operation.
pub fn distill(student: &Output, teacher: &Output, labels: &Tensor, w: Weights) -> Result<Tensor> {
    let mut loss = cross_entropy(&student.logits, labels, 0.0)?.f_mul_scalar(w.labels)?;
    let divergence = divergence(&student.logits, &teacher.logits, w.temperature)?;
    loss = loss.f_add(&divergence.f_mul_scalar(w.teacher * w.temperature * w.temperature)?)?;
    if w.attention > 0.0 {
        let attention = attention(student, teacher)?;
        loss = loss.f_add(&attention.f_mul_scalar(w.attention)?)?;
    }
    Ok(loss)
}

/// KL divergence of the softened student from the softened teacher, averaged over the batch.
fn divergence(student: &Tensor, teacher: &Tensor, temperature: f64) -> Result<Tensor> {
    let soften = |z: &Tensor| z.f_div_scalar(temperature)?.f_log_softmax(-1, Kind::Float);
    let (p, q) = (soften(student)?, soften(teacher)?);
    let batch = student.size()[0].max(1) as f64;
    Ok(p.f_kl_div(&q, Reduction::Sum, true)?.f_div_scalar(batch)?)
}

/// Sum over the stage outputs of the mean squared difference of attention maps.
fn attention(student: &Output, teacher: &Output) -> Result<Tensor> {
    let mut total = student.logits.f_zeros_like()?.f_sum(Kind::Float)?;
    for (ours, theirs) in student.taps.iter().zip(&teacher.taps) {
        let (ours, theirs) = (attention_map(ours)?, attention_map(theirs)?);
        total = total.f_add(&ours.f_mse_loss(&theirs, Reduction::Mean)?)?;
    }
    Ok(total)
}

/// The mean over channels of squared activations `[B, C, H, W]`, flattened to `[B, H * W]`
/// and normalised to length 1.
fn attention_map(activation: &Tensor) -> Result<Tensor> {
    let map = activation.f_to_kind(Kind::Float)?.f_square()?.f_mean_dim(
        [1].as_slice(),
        false,
        Kind::Float,
    )?;
    let flat = map.f_flatten(1, -1)?;
    let norm = flat.f_square()?.f_sum_dim_intlist([1].as_slice(), true, Kind::Float)?.f_sqrt()?;
    Ok(flat.f_div(&norm.f_clamp_min(1e-12)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Mode, Net};
    use tacita_architectures::{Options, Shape};
    use tch::Device;

    const ALL: Weights = Weights { labels: 0.0, teacher: 0.9, temperature: 4.0, attention: 1000.0 };

    fn net() -> Net {
        let input = Shape { channels: 3, height: 16, width: 16 };
        let options = Options { base_width: Some(4), ..Options::named("resnet20") };
        Net::new(&options.network(input, 10).expect("a network"), Device::Cpu)
    }

    #[test]
    fn distillation_vanishes_on_the_teacher_itself() {
        tch::manual_seed(1);
        let net_a = net();
        let x = Tensor::randn([3, 3, 16, 16], (Kind::Float, Device::Cpu));
        let labels = Tensor::from_slice(&[0_i64, 1, 2]);
        let out = net_a.forward(&x, Mode::Eval).expect("forward");
        let loss = distill(&out, &out, &labels, ALL).expect("loss").double_value(&[]);
        assert!(loss.abs() < 1e-5, "{loss}");
        let other = net().forward(&x, Mode::Eval).expect("forward");
        assert!(distill(&other, &out, &labels, ALL).expect("loss").double_value(&[]) > 1e-3);
    }

    #[test]
    fn divergence_matches_its_definition() {
        let (p, q) = (Tensor::from_slice(&[0.0_f32, 1.0]), Tensor::from_slice(&[1.0_f32, 0.0]));
        let got =
            divergence(&p.view([1, 2]), &q.view([1, 2]), 1.0).expect("loss").double_value(&[]);
        let e = std::f64::consts::E;
        let (a, b) = (e / (1.0 + e), 1.0 / (1.0 + e));
        assert!((got - (a * (a / b).ln() + b * (b / a).ln())).abs() < 1e-6);
    }
}
