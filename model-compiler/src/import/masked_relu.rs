//! Recognises a masked ReLU in every form that exporters give it.
//!
//! A sum whose parts are all multiples of one value `x` and of its ReLU is `a x + b relu(x)`, with
//! a pair of factors for each element. It is a masked ReLU if each pair is (1, 0) or (0, 1),
//! whichever way it was written: `m relu(x) + (1 - m) x`, `relu(m x) + (1 - m) x`,
//! `x + m (relu(x) - x)`, `relu(x) - s relu(-x)`, in any order.

use tacita_protocol::plan::Mask;

use super::affine::per_channel;
use super::constant::Reason;
use super::graph::{Graph, Op};

/// Deepest nesting that is looked into.
const MAX_DEPTH: usize = 5;

/// `a x + b relu(x)`, an element each, the ReLU clipped at `cap`.
struct Parts {
    a: Vec<f32>,
    b: Vec<f32>,
    cap: Option<f32>,
    /// Holds a ReLU, and so has a cap.
    rectified: bool,
}

/// The input and the operator if the sum of `p` and `q` is a masked ReLU; `None` if it is an
/// ordinary addition.
///
/// # Errors
/// If it has the form of a masked ReLU but its constants are no mask and its complement.
pub(super) fn recognise(graph: &Graph, p: usize, q: usize) -> Reason<Option<(usize, Op)>> {
    let mut bases = Vec::new();
    candidates(graph, p, MAX_DEPTH, &mut bases);
    candidates(graph, q, MAX_DEPTH, &mut bases);
    for base in bases {
        let (Some(x), Some(y)) = (parts(graph, p, base, 0), parts(graph, q, base, 0)) else {
            continue;
        };
        let Some(sum) = x.plus(y) else { continue };
        if let Some(mask) = sum.mask() {
            return Ok(Some((base, Op::MaskedRelu { mask, cap: sum.cap })));
        }
        // Factors of whole channels are an activation of their own (`a relu(x) + b x`): a sum.
        // Zeros and ones are meant as a mask.
        let channels = graph.nodes.get(base).map_or(1, |n| n.shape.channels);
        let mut all = sum.a.iter().chain(&sum.b);
        let leaky = [&sum.a, &sum.b].iter().all(|v| per_channel(v, channels).is_some())
            && all.any(|x| *x != 0.0 && *x != 1.0);
        if multiplied(graph, p) && multiplied(graph, q) && !leaky {
            return Err(sum.complaint());
        }
    }
    Ok(None)
}

/// Values whose ReLUs are part of node `id`.
fn candidates(graph: &Graph, id: usize, depth: usize, out: &mut Vec<usize>) {
    let Some(node) = graph.nodes.get(id).filter(|_| depth > 0) else { return };
    match &node.op {
        Op::Relu { .. } => {
            let Some(&inner) = node.inputs.first() else { return };
            out.push(inner);
            if let Some((op, below)) = graph.op(inner)
                && factors(op, node.shape.len()).is_some()
            {
                out.push(below);
            }
        }
        Op::Sum => node.inputs.iter().for_each(|&i| candidates(graph, i, depth - 1, out)),
        op if factor(op) => node.inputs.iter().for_each(|&i| candidates(graph, i, depth - 1, out)),
        _ => {}
    }
}

/// True for a multiplication by constants.
fn factor(op: &Op) -> bool {
    match op {
        Op::Scale(_) => true,
        Op::Affine { shift, .. } => shift.iter().all(|s| *s == 0.0),
        _ => false,
    }
}

/// One factor an element.
fn factors(op: &Op, len: usize) -> Option<Vec<f32>> {
    match op {
        Op::Scale(v) => Some(v.clone()),
        Op::Affine { scale, .. } if factor(op) => {
            let plane = len / scale.len().max(1);
            let each = scale.iter().flat_map(|s| std::iter::repeat_n(*s as f32, plane));
            Some(each.collect())
        }
        _ => None,
    }
}

/// `m * relu(x)`, `relu(m * x)` or `m * x`: one side of a masked ReLU as people write it.
fn multiplied(graph: &Graph, id: usize) -> bool {
    match graph.op(id) {
        Some((Op::Relu { .. }, inner)) => graph.op(inner).is_some_and(|(op, _)| factor(op)),
        Some((op, inner)) => {
            let twice = graph.op(inner).is_some_and(|(op, _)| matches!(op, Op::Sum));
            factor(op) && !twice
        }
        None => false,
    }
}

/// Node `id` in terms of `base`, if it is a combination of it and its ReLU.
fn parts(graph: &Graph, id: usize, base: usize, depth: usize) -> Option<Parts> {
    let node = graph.nodes.get(id).filter(|_| depth <= MAX_DEPTH)?;
    let n = node.shape.len();
    let whole =
        |a: f32, b: f32, cap, rectified| Parts { a: vec![a; n], b: vec![b; n], cap, rectified };
    if id == base {
        return Some(whole(1.0, 0.0, None, false));
    }
    let first = node.inputs.first().copied();
    match &node.op {
        Op::Relu { cap } if first == Some(base) => Some(whole(0.0, 1.0, *cap, true)),
        Op::Relu { cap } => {
            let (op, below) = graph.op(first?)?;
            (below == base).then(|| Parts::of_scaled(&factors(op, n)?, *cap)).flatten()
        }
        Op::Sum => {
            let mut inputs = node.inputs.iter().map(|&i| parts(graph, i, base, depth + 1));
            let first = inputs.next()??;
            inputs.try_fold(first, |all, next| all.plus(next?))
        }
        op => {
            let v = factors(op, n)?;
            let mut inner = parts(graph, first?, base, depth + 1)?;
            inner.a.iter_mut().zip(&v).for_each(|(a, v)| *a *= v);
            inner.b.iter_mut().zip(&v).for_each(|(b, v)| *b *= v);
            Some(inner)
        }
    }
}

impl Parts {
    /// `relu(v x)`: `v relu(x)` for positive `v`; for negative, `relu(-x)` is `relu(x) - x`.
    fn of_scaled(v: &[f32], cap: Option<f32>) -> Option<Self> {
        if cap.is_some() && v.iter().any(|v| *v != 0.0 && *v != 1.0) {
            return None;
        }
        let (a, b) = (v.iter().map(|v| v.min(0.0)), v.iter().map(|v| v.abs()));
        Some(Self { a: a.collect(), b: b.collect(), cap, rectified: true })
    }

    fn plus(mut self, other: Self) -> Option<Self> {
        if self.rectified && other.rectified && self.cap != other.cap {
            return None;
        }
        self.a.iter_mut().zip(&other.a).for_each(|(a, b)| *a += b);
        self.b.iter_mut().zip(&other.b).for_each(|(a, b)| *a += b);
        self.cap = self.cap.or(other.cap);
        self.rectified |= other.rectified;
        Some(self)
    }

    fn mask(&self) -> Option<Mask> {
        let mut pairs = self.a.iter().zip(&self.b);
        let binary = pairs.all(|(a, b)| (*a == 1.0 && *b == 0.0) || (*a == 0.0 && *b == 1.0));
        (binary && self.rectified).then(|| Mask::from_bits(self.b.iter().map(|b| *b == 1.0)))
    }

    fn complaint(&self) -> String {
        match self.b.iter().find(|b| **b != 0.0 && **b != 1.0) {
            Some(b) => format!(
                "a masked ReLU with a mask that is not binary (it holds {b}): threshold the mask \
                 to 0 and 1 and fine-tune before export"
            ),
            None => "a masked ReLU whose two constants do not add up to 1 everywhere".to_owned(),
        }
    }
}
