//! A small residual network with random weights: strides, a projection, an identity shortcut,
//! pooling, full, partial and empty masks.

use crate::plan::{
    ConvShape, CopyShape, Head, InputSpec, Linear, Mask, Padding, Plan, PoolShape, PublicPlan,
    ReluChoices, Reveals, SecretPlan, Shape, TensorSecrets, TensorSpec, Term,
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

/// 3x4x5 -> conv 8 -> four channels of it to every second row and column of 2x8x10 (some ReLUs) ->
/// conv 3 -> its channels in reverse, doubled in size: a map of logits, of which a row is cut off.
pub(crate) fn enlarging(seed: u64) -> Plan {
    let mut rng = SecretRng::from_test_seed(seed);
    let (input, phases) = (Shape::new(3, 4, 5), Shape::new(8, 4, 5));
    let (large, map) = (Shape::new(2, 8, 10), Shape::new(3, 15, 20));
    let term = |input, op| Term { input, op };
    let conv = |from, to| Linear::Conv(ConvShape::same(from, to, 3, 1));
    let none = |s: Shape| Mask::uniform(s.len(), false);
    let some = Mask::from_bits((0..large.len()).map(|_| rng.u64().is_multiple_of(2)));
    let four = (0..4).map(|p| CopyShape {
        from: p,
        step: 4,
        spread: [2, 2],
        at: [p / 2, p % 2],
        ..CopyShape::whole(2, 0)
    });
    let twelve = (0..12).map(|p| CopyShape {
        from: p / 4,
        to: 2 - p / 4,
        spread: [2, 2],
        at: [p / 2 % 2, p % 2],
        ..CopyShape::whole(1, 0)
    });
    let copies = |of, c: &mut dyn Iterator<Item = CopyShape>| {
        c.map(|c| Term { input: of, op: Linear::Copy(c) }).collect::<Vec<_>>()
    };
    let mixed = Shape { channels: 3, ..large };
    let tensors = vec![
        tensor("image", input, 0, vec![], none(input)),
        tensor("phases", phases, WEIGHT_FRAC, vec![term(0, conv(input, 8))], none(phases)),
        tensor("enlarged", large, 0, copies(1, &mut { four }), some),
        tensor("mixed", mixed, WEIGHT_FRAC, vec![term(2, conv(large, 3))], none(mixed)),
        tensor("map", map, 0, copies(3, &mut { twelve }), none(map)),
    ];
    let wider = tensors.into_iter().map(|t| TensorSpec { magnitude: 16, ..t });
    plan("enlarging", wider.collect(), &mut rng)
}

/// 2x8x8 -> conv 4 (ReLU) -> conv 4 + identity (some ReLUs) -> stride-2 conv 6 + projection
/// (ReLU) -> culled conv 6 -> average pool -> 5 logits.
pub(crate) fn small(seed: u64) -> Plan {
    let mut rng = SecretRng::from_test_seed(seed);
    let (input, wide, narrow) = (Shape::new(2, 8, 8), Shape::new(4, 8, 8), Shape::new(6, 4, 4));
    let pooled = Shape::new(6, 1, 1);
    let term = |input, op| Term { input, op };
    let some = Mask::from_bits((0..wide.len()).map(|_| rng.u64().is_multiple_of(3)));
    let pool = PoolShape {
        kernel_h: 4,
        kernel_w: 4,
        stride: 4,
        pad: Padding::NONE,
        multiplier: 1,
        added_frac: 4,
    };
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
                term(1, Linear::Copy(CopyShape::whole(4, WEIGHT_FRAC))),
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
    plan("small", tensors, &mut rng)
}

fn plan(name: &str, tensors: Vec<TensorSpec>, rng: &mut SecretRng) -> Plan {
    let secret = SecretPlan { tensors: tensors.iter().map(|t| weights(t, rng)).collect() };
    let channels = tensors[0].shape.channels;
    let public = PublicPlan {
        name: name.into(),
        relu_choices: ReluChoices::usual(&tensors),
        input: InputSpec::new(vec![0.5; channels], vec![0.25; channels]),
        tensors,
        labels: vec![],
        batch: 2,
        reveals: Reveals::Logits,
        head: Head::Softmax,
    };
    Plan::new(public, secret).unwrap()
}

/// 3x9x9 -> conv 6, padded on two sides only -> depthwise 3x3/2 (some ReLUs) -> maximum of
/// neighbours in a row, by a ReLU on their difference -> two groups 1x1 -> concatenation with a
/// slice -> logits.
pub(crate) fn varied(seed: u64) -> Plan {
    let mut rng = SecretRng::from_test_seed(seed);
    let (input, wide) = (Shape::new(3, 9, 9), Shape::new(6, 9, 9));
    let (half, pooled, both) = (Shape::new(6, 4, 4), Shape::new(6, 4, 2), Shape::new(8, 4, 2));
    let pad = Padding { bottom: 2, right: 2, ..Padding::NONE };
    let stem = ConvShape { pad, ..ConvShape::same(input, 6, 3, 1) };
    let depthwise = ConvShape { pad: Padding::NONE, groups: 6, ..ConvShape::same(wide, 6, 3, 2) };
    let grouped = ConvShape { groups: 2, ..ConvShape::same(pooled, 4, 1, 1) };
    let whole = ConvShape { kernel_h: 4, kernel_w: 2, ..ConvShape::same(both, 5, 1, 1) };
    let term = |input, op| Term { input, op };
    let columns = |first, negative, shift| CopyShape {
        stride: [1, 2],
        offset: [0, first],
        negative,
        ..CopyShape::whole(6, shift)
    };
    let none = |s: Shape| Mask::uniform(s.len(), false);
    let some = Mask::from_bits((0..half.len()).map(|_| rng.u64().is_multiple_of(2)));
    let slice = CopyShape { from: 1, to: 4, ..CopyShape::whole(4, 0) };
    let conv = |c| Linear::Conv(c);
    let tensors = vec![
        tensor("image", input, 0, vec![], none(input)),
        tensor("stem", wide, WEIGHT_FRAC, vec![term(0, conv(stem))], none(wide)),
        tensor("depthwise", half, WEIGHT_FRAC, vec![term(1, conv(depthwise))], some),
        tensor(
            "differences",
            pooled,
            0,
            vec![
                term(2, Linear::Copy(columns(0, false, 0))),
                term(2, Linear::Copy(columns(1, true, 0))),
            ],
            Mask::uniform(pooled.len(), true),
        ),
        tensor(
            "maximum",
            pooled,
            0,
            vec![
                term(3, Linear::Copy(CopyShape::whole(6, 0))),
                term(2, Linear::Copy(columns(1, false, 0))),
            ],
            none(pooled),
        ),
        tensor(
            "grouped",
            Shape::new(4, 4, 2),
            WEIGHT_FRAC,
            vec![term(4, conv(grouped))],
            Mask::uniform(32, true),
        ),
        tensor(
            "concatenation",
            both,
            0,
            vec![term(5, Linear::Copy(CopyShape::whole(4, 0))), term(4, Linear::Copy(slice))],
            none(both),
        ),
        tensor(
            "logits",
            Shape::new(5, 1, 1),
            WEIGHT_FRAC,
            vec![term(6, conv(whole))],
            Mask::uniform(5, false),
        ),
    ];
    // Differences and concatenations are larger than what they are made of.
    let wider = tensors.into_iter().map(|t| TensorSpec { magnitude: 16, ..t });
    plan("varied", wider.collect(), &mut rng)
}

/// 2x8x8 -> conv 4 (ReLU) -> what exceeds a bound a channel (ReLU) -> the first less the second,
/// which is a clipped ReLU -> conv 4, too wide for lookup tables (ReLU) -> logits.
pub(crate) fn clipped(seed: u64) -> Plan {
    let mut rng = SecretRng::from_test_seed(seed);
    let (input, wide) = (Shape::new(2, 8, 8), Shape::new(4, 8, 8));
    let term = |input, op| Term { input, op };
    let whole = || CopyShape::whole(4, 0);
    let all = || Mask::uniform(wide.len(), true);
    let stem = ConvShape::same(input, 4, 3, 1);
    let logits = ConvShape { pad: Padding::NONE, ..ConvShape::same(wide, 5, 8, 1) };
    let tensors = vec![
        tensor("image", input, 0, vec![], Mask::uniform(input.len(), false)),
        tensor("stem", wide, WEIGHT_FRAC, vec![term(0, Linear::Conv(stem))], all()),
        TensorSpec {
            magnitude: 16,
            ..tensor("excess", wide, 0, vec![term(1, Linear::Copy(whole()))], all())
        },
        TensorSpec {
            magnitude: 17,
            ..tensor(
                "clipped",
                wide,
                0,
                vec![
                    term(1, Linear::Copy(whole())),
                    term(2, Linear::Copy(CopyShape { negative: true, ..whole() })),
                ],
                Mask::uniform(wide.len(), false),
            )
        },
        TensorSpec {
            magnitude: 30,
            ..tensor(
                "wide",
                wide,
                WEIGHT_FRAC,
                vec![term(3, Linear::Conv(ConvShape::same(wide, 4, 3, 1)))],
                all(),
            )
        },
        TensorSpec {
            magnitude: 20,
            ..tensor(
                "logits",
                Shape::new(5, 1, 1),
                WEIGHT_FRAC,
                vec![term(4, Linear::Conv(logits))],
                Mask::uniform(5, false),
            )
        },
    ];
    plan("clipped", tensors, &mut rng)
}

/// The logits are the image itself: nothing is rounded, so that every value is exact.
pub(crate) fn bare(classes: usize, magnitude: u32) -> Plan {
    let shape = Shape::new(classes, 1, 1);
    let none = || Mask::uniform(classes, false);
    let whole = Linear::Copy(CopyShape::whole(classes, 0));
    let mut tensors = vec![
        tensor("image", shape, 0, vec![], none()),
        tensor("logits", shape, 0, vec![Term { input: 0, op: whole }], none()),
    ];
    tensors.iter_mut().for_each(|t| t.magnitude = magnitude);
    let public = PublicPlan {
        name: "bare".into(),
        relu_choices: ReluChoices::usual(&tensors),
        input: InputSpec::new(vec![0.5; classes], vec![0.25; classes]),
        tensors,
        labels: vec![],
        batch: 2,
        reveals: Reveals::Logits,
        head: Head::Softmax,
    };
    let copies = TensorSecrets { weights: vec![vec![]], bias: vec![] };
    let secret = SecretPlan { tensors: vec![TensorSecrets::default(), copies] };
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
