//! Uniform weights under which activations keep their size from layer to layer.
//!
//! A sum of `n` products of independent zero-mean weights with inputs of mean square `m` has mean
//! square `n * variance * m`, however the inputs depend on each other (He et al. 2015). So the
//! weights' variance follows from the mean square of what they multiply. Values stay well within
//! a comparison's range, and the logits well above rounding, at any depth and mask.

use tacita_protocol::plan::{Linear, PublicPlan, SecretPlan, TensorSecrets, TensorSpec};

use super::draw::Draw;

/// Mean square of an image's normalised pixels, about.
const IMAGE: f64 = 1.0;
/// Mean square of what the convolutions of a tensor sum up to: deviations of 0.5 in a range of 8.
const SUM: f64 = 0.25;
/// What averaging 2x2 values leaves of their mean square: a quarter if they had nothing to do with
/// each other, all if they were the same; in between, so that neither adds up over the layers.
const AVERAGED: f64 = 0.6;

/// Weights without biases for a plan.
pub fn draw(plan: &PublicPlan, draw: &mut Draw) -> SecretPlan {
    let mut squares = vec![IMAGE];
    let mut tensors = vec![TensorSecrets::default()];
    for spec in plan.tensors.iter().skip(1) {
        let (secrets, square) = tensor(plan, spec, &squares, draw);
        tensors.push(secrets);
        squares.push(square);
    }
    SecretPlan { tensors }
}

/// One tensor's weights and the mean square of its activations.
fn tensor(
    plan: &PublicPlan,
    spec: &TensorSpec,
    squares: &[f64],
    draw: &mut Draw,
) -> (TensorSecrets, f64) {
    let target = SUM / spec.terms.len().max(1) as f64;
    // What is added as it is, and what convolutions sum up to.
    let (mut taken, mut summed) = (0.0, 0.0);
    let weights = spec.terms.iter().map(|term| {
        let square = squares.get(term.input).copied().unwrap_or(IMAGE);
        let c = match &term.op {
            Linear::Conv(c) => c,
            Linear::Copy(_) => {
                taken += square;
                return Vec::new();
            }
            Linear::AvgPool(pool) => {
                taken += square * AVERAGED.powf((pool.kernel_h as f64).log2());
                return Vec::new();
            }
        };
        summed += target;
        let fan_in = (c.group_inputs() * c.kernel_h * c.kernel_w) as f64;
        let input_frac = plan.tensors.get(term.input).map_or(0, |t| t.frac);
        let one = f64::from(spec.frac + spec.truncate - input_frac).exp2();
        // A uniform number within a bound has a third of its square as variance.
        let bound = (one * (3.0 * target / (fan_in * square)).sqrt()).round().max(1.0) as i64;
        (0..c.weights()).map(|_| draw.within(bound) as i32).collect()
    });
    let weights = weights.collect();
    // A ReLU takes half of the sums away; a shortcut's values have been through one.
    let kept = spec.mask.ones() as f64 / spec.shape.len().max(1) as f64;
    (TensorSecrets { weights, bias: Vec::new() }, taken + summed * (1.0 - kept / 2.0))
}
