//! Integer weights and scales for one choice of fractional bits.

use tacita_protocol::plan::{
    CopyShape, InputSpec, Linear, PoolShape, PublicPlan, ReluChoices, Reveals, SecretPlan,
    TensorSecrets, TensorSpec, Term,
};

use super::scales::Scales;
use crate::error::{Error, Result};
use crate::network::{FloatOp, FloatTerm, Layer, Network};

/// A plan that is not yet checked: magnitudes and batch are still to be set.
pub(super) struct Draft {
    pub public: PublicPlan,
    pub secret: SecretPlan,
}

/// Quantises every layer.
pub(super) fn quantize(network: &Network, input: &InputSpec, scales: &Scales) -> Result<Draft> {
    let mut tensors = Vec::new();
    let mut secrets = Vec::new();
    let bits = scales.frac.iter().zip(&scales.weight_frac);
    for (layer, (frac, weight_frac)) in network.layers.iter().zip(bits) {
        let (spec, secret) = layer_plan(layer, &scales.frac, *frac, *weight_frac)
            .map_err(|what| Error::input(format!("layer `{}`: {what}", layer.name)))?;
        tensors.push(spec);
        secrets.push(secret);
    }
    let labels = network.labels.clone();
    let public = PublicPlan {
        name: network.name.clone(),
        input: input.clone(),
        relu_choices: ReluChoices::usual(&tensors),
        tensors,
        labels,
        batch: 1,
        reveals: Reveals::Logits,
        head: network.head,
    };
    Ok(Draft { public, secret: SecretPlan { tensors: secrets } })
}

/// Fractional bits that an operator adds at least.
fn needs(op: &FloatOp, weight_frac: u32) -> u32 {
    match op {
        FloatOp::Conv { .. } => weight_frac,
        FloatOp::Copy(_) | FloatOp::MaxPool(_) => 0,
        FloatOp::AvgPool(w) => pool_bits(w.area()),
    }
}

fn layer_plan(
    layer: &Layer,
    fracs: &[u32],
    frac: u32,
    weight_frac: u32,
) -> std::result::Result<(TensorSpec, TensorSecrets), String> {
    if layer.cap.is_some() {
        return Err("a clipped ReLU that was not lowered".into());
    }
    // All terms of a sum meet at one scale, the finest that one of them needs.
    let from = |term: &FloatTerm| fracs.get(term.input).copied().unwrap_or(frac);
    let ends = layer.terms.iter().map(|t| from(t) + needs(&t.op, weight_frac));
    let accumulator = ends.max().unwrap_or(frac).max(frac);
    let mut secret = TensorSecrets::default();
    let mut terms = Vec::new();
    for term in &layer.terms {
        let (op, weights) = operator(&term.op, accumulator - from(term))?;
        terms.push(Term { input: term.input, op });
        secret.weights.push(weights);
    }
    if layer.bias.iter().any(|b| *b != 0.0) {
        secret.bias = biases(&layer.bias, accumulator)?;
    }
    let spec = TensorSpec {
        name: layer.name.clone(),
        shape: layer.shape,
        frac,
        truncate: accumulator - frac,
        magnitude: 1,
        dropped: 0,
        terms,
        mask: layer.mask.clone(),
        unmasked_relus: layer.unmasked_relus,
    };
    Ok((spec, secret))
}

fn operator(op: &FloatOp, added: u32) -> std::result::Result<(Linear, Vec<i32>), String> {
    match op {
        FloatOp::Conv { shape, weights } => Ok((Linear::Conv(*shape), integers(weights, added)?)),
        FloatOp::Copy(c) => Ok((Linear::Copy(CopyShape { shift: added, ..*c }), vec![])),
        FloatOp::MaxPool(_) => Err("max-pooling that was not lowered".into()),
        FloatOp::AvgPool(w) => {
            let area = w.area();
            let multiplier = (f64::from(added).exp2() / area as f64).round();
            if !(1.0..=f64::from(1 << 24)).contains(&multiplier) {
                return Err(format!("a pooling window of {area} is too large"));
            }
            let pool = PoolShape {
                kernel_h: w.kernel_h,
                kernel_w: w.kernel_w,
                stride: w.stride,
                pad: w.pad,
                multiplier: multiplier as u32,
                added_frac: added,
            };
            Ok((Linear::AvgPool(pool), vec![]))
        }
    }
}

/// Fractional bits that averaging adds. Windows of a power of two divide exactly by truncation;
/// for others `round(2^s / area)` is at least 2^12, so its relative error is at most 2^-13.
fn pool_bits(area: usize) -> u32 {
    let log2 = area.next_power_of_two().trailing_zeros();
    if area.is_power_of_two() { log2 } else { log2 + 12 }
}

fn integers(weights: &[f32], frac: u32) -> std::result::Result<Vec<i32>, String> {
    let scale = f64::from(frac).exp2();
    let round = |w: &f32| {
        let x = (f64::from(*w) * scale).round();
        (x.abs() < f64::from(i32::MAX)).then_some(x as i32)
    };
    let all: Option<Vec<i32>> = weights.iter().map(round).collect();
    all.ok_or_else(|| "a weight is too large: retrain with weight decay".into())
}

fn biases(bias: &[f32], frac: u32) -> std::result::Result<Vec<i64>, String> {
    let scale = f64::from(frac).exp2();
    let round = |b: &f32| {
        let x = (f64::from(*b) * scale).round();
        (x.abs() < 2f64.powi(60)).then_some(x as i64)
    };
    let all: Option<Vec<i64>> = bias.iter().map(round).collect();
    all.ok_or_else(|| "a bias is too large".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::Calibration;
    use crate::draw::splitmix;
    use crate::testing::RandomNetwork;
    use crate::{Evaluator, Rounding, Simulator};
    use tacita_image_input::{encode, normalise};
    use tacita_protocol::plan::Plan;

    /// Sums meet whatever the scales of their terms, and nothing but precision depends on them.
    #[test]
    fn layers_may_have_scales_of_their_own() {
        for seed in 0..40u64 {
            let network = RandomNetwork::draw(seed);
            let mut state = seed;
            let mut scales = Scales::uniform(&network, 0, 0);
            scales.frac.iter_mut().for_each(|f| *f = 9 + (splitmix(&mut state) % 5) as u32);
            scales.weight_frac.iter_mut().for_each(|f| *f = 9 + (splitmix(&mut state) % 4) as u32);
            let n = network.input.channels;
            let input = InputSpec::new(vec![0.5; n], vec![0.25; n]);
            let Draft { mut public, secret } = quantize(&network, &input, &scales).unwrap();
            public.tensors.iter_mut().for_each(|t| t.magnitude = 20);
            let plan = Plan::new(public, secret).unwrap();
            let pixels = &Calibration::synthetic(network.input, 1).images[0];
            let real = normalise(pixels, network.input, &input).unwrap();
            let real: Vec<f32> = real.iter().map(|x| *x as f32).collect();
            let float = Evaluator::new(&network).evaluate(&real);
            let fixed = encode(pixels, &plan.public).unwrap();
            let fixed = Simulator::new(&plan).run(&fixed, Rounding::Nearest, 0).logits;
            let scale = f64::from(plan.public.output().unwrap().frac).exp2();
            let largest = float.iter().fold(1.0f64, |m, x| m.max(f64::from(x.abs())));
            for (x, y) in float.iter().zip(fixed) {
                let error = (f64::from(*x) - y as f64 / scale).abs();
                assert!(error < 0.05 * largest, "seed {seed}: {x} {}", y as f64 / scale);
            }
        }
    }

    #[test]
    fn pooling_by_any_window_is_close() {
        for area in 1..300usize {
            let s = pool_bits(area);
            let multiplier = (f64::from(s).exp2() / area as f64).round();
            let relative = (multiplier * area as f64 / f64::from(s).exp2() - 1.0).abs();
            assert!(relative <= 1.0 / 8192.0, "{area}: {relative}");
            assert!(!area.is_power_of_two() || multiplier == 1.0);
        }
    }
}
