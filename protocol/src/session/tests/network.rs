//! A small residual network with random weights: strides, a projection, an identity shortcut,
//! pooling, full, partial and empty masks.

use crate::plan::{
    ConvShape, InputSpec, Linear, Mask, Plan, PoolShape, PublicPlan, SecretPlan, Shape,
    TensorSecrets, TensorSpec, Term,
};
use crate::rng::SecretRng;

pub(crate) const FRAC: u32 = 10;
const WEIGHT_FRAC: u32 = 8;

fn tensor(name: &str, shape: Shape, truncate: u32, terms: Vec<Term>, mask: Mask) -> TensorSpec {
    TensorSpec {
        name: name.into(),
        shape,
        frac: FRAC,
        truncate,
        magnitude: 13,
        dropped: 0,
        terms,
        unmasked_relus: if mask.ones() > 0 { shape.len() } else { 0 },
        mask,
    }
}

/// 2x8x8 -> conv 4 (ReLU) -> conv 4 + identity (some ReLUs) -> stride-2 conv 6 + projection
/// (ReLU) -> culled conv 6 -> average pool -> 5 logits.
pub(crate) fn small(seed: u64) -> Plan {
    let mut rng = SecretRng::from_test_seed(seed);
    let (input, wide, narrow) = (Shape::new(2, 8, 8), Shape::new(4, 8, 8), Shape::new(6, 4, 4));
    let pooled = Shape::new(6, 1, 1);
    let term = |input, op| Term { input, op };
    let some = Mask::from_bits((0..wide.len()).map(|_| rng.u64().is_multiple_of(3)));
    let pool = PoolShape { kernel_h: 4, kernel_w: 4, stride: 4, multiplier: 1, added_frac: 4 };
    let tensors = vec![
        tensor("image", input, 0, vec![], Mask::uniform(input.len(), false)),
        tensor(
            "stem",
            wide,
            WEIGHT_FRAC,
            vec![term(0, Linear::Conv(ConvShape::same(input, 4, 3, 1)))],
            Mask::uniform(wide.len(), true),
        ),
        tensor(
            "block1",
            wide,
            WEIGHT_FRAC,
            vec![
                term(1, Linear::Conv(ConvShape::same(wide, 4, 3, 1))),
                term(1, Linear::Identity { shift: WEIGHT_FRAC }),
            ],
            some,
        ),
        tensor(
            "block2",
            narrow,
            WEIGHT_FRAC,
            vec![term(2, Linear::Conv(ConvShape::same(wide, 6, 3, 2)))],
            Mask::uniform(narrow.len(), true),
        ),
        tensor(
            "culled",
            narrow,
            WEIGHT_FRAC,
            vec![
                term(3, Linear::Conv(ConvShape::same(narrow, 6, 3, 1))),
                term(2, Linear::Conv(ConvShape::same(wide, 6, 1, 2))),
            ],
            Mask::uniform(narrow.len(), false),
        ),
        tensor(
            "pool",
            pooled,
            4,
            vec![term(4, Linear::AvgPool(pool))],
            Mask::uniform(pooled.len(), false),
        ),
        tensor(
            "logits",
            Shape::new(5, 1, 1),
            WEIGHT_FRAC,
            vec![term(5, Linear::Conv(ConvShape::same(pooled, 5, 1, 1)))],
            Mask::uniform(5, false),
        ),
    ];
    let secret = SecretPlan { tensors: tensors.iter().map(|t| weights(t, &mut rng)).collect() };
    let public = PublicPlan {
        name: "small".into(),
        input: InputSpec { mean: vec![0.5; 2], std: vec![0.25; 2] },
        tensors,
        labels: vec![],
        batch: 2,
    };
    Plan::new(public, secret).unwrap()
}

/// Weights scaled like a trained network's, so that activations keep their size.
fn weights(spec: &TensorSpec, rng: &mut SecretRng) -> TensorSecrets {
    let mut draw = |n: usize, bound: i64| -> Vec<i64> {
        (0..n).map(|_| (rng.u64() % (2 * bound as u64 + 1)) as i64 - bound).collect()
    };
    let weights = spec
        .terms
        .iter()
        .map(|t| match &t.op {
            Linear::Conv(c) => {
                let fan_in = (c.weights() / c.out_channels) as f64;
                let bound = (256.0 * (2.0 / fan_in).sqrt()) as i64;
                draw(c.weights(), bound).into_iter().map(|w| w as i32).collect()
            }
            _ => Vec::new(),
        })
        .collect();
    let bias = if spec.terms.is_empty() { Vec::new() } else { draw(spec.shape.channels, 1 << 14) };
    TensorSecrets { weights, bias }
}

/// An image: normalised values within +-2.
pub(crate) fn image(plan: &Plan, rng: &mut SecretRng) -> Vec<i64> {
    let n = plan.public.tensors[0].shape.len();
    (0..n).map(|_| (rng.u64() % (4 << FRAC)) as i64 - (2 << FRAC)).collect()
}
