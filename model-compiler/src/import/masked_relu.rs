//! Recognises `m * relu(x) + (1 - m) * x` in every form that exporters give it.
//!
//! `Add(P, Q)`, operands in any order, with `P` one of `Mul(Relu(x), A)`, `Relu(Mul(x, A))`,
//! `Relu(x)` and `Q` = `Mul(x, B)`; `A` in {0, 1} and `A + B = 1`. Both forms of `P` agree because
//! `A` is not negative.

use tacet_protocol::plan::Mask;

use super::constant::Reason;
use super::graph::{Graph, Op};

/// A mask (`None`: all ones) and the value it applies to.
type Factor<'g> = (usize, Option<&'g [f32]>);

/// The input and the mask if `a + b` is a masked ReLU; `None` if it is an ordinary addition.
///
/// # Errors
/// If it has the form of a masked ReLU but its constants are no mask and its complement.
pub(super) fn recognise(graph: &Graph, a: usize, b: usize) -> Reason<Option<(usize, Mask)>> {
    for (p, q) in [(a, b), (b, a)] {
        if let (Some((x, keep)), Some((y, pass))) = (rectified(graph, p), scaled(graph, q))
            && x == y
        {
            return mask(keep, pass).map(|m| Some((x, m)));
        }
    }
    Ok(None)
}

/// `Mul(Relu(x), A)`, `Relu(Mul(x, A))` or `Relu(x)`.
fn rectified(graph: &Graph, id: usize) -> Option<Factor<'_>> {
    let node = graph.nodes.get(id)?;
    let inner = *node.inputs.first()?;
    let below = graph.nodes.get(inner)?;
    match (&node.op, &below.op) {
        (Op::Scale(a), Op::Relu) => Some((*below.inputs.first()?, Some(a))),
        (Op::Relu, Op::Scale(a)) => Some((*below.inputs.first()?, Some(a))),
        (Op::Relu, _) => Some((inner, None)),
        _ => None,
    }
}

/// `Mul(x, B)`.
fn scaled(graph: &Graph, id: usize) -> Option<(usize, &[f32])> {
    let node = graph.nodes.get(id)?;
    match &node.op {
        Op::Scale(b) => Some((*node.inputs.first()?, b)),
        _ => None,
    }
}

fn mask(keep: Option<&[f32]>, pass: &[f32]) -> Reason<Mask> {
    let ones = vec![1.0; if keep.is_none() { pass.len() } else { 0 }];
    let keep = keep.unwrap_or(&ones);
    if let Some(a) = keep.iter().find(|a| **a != 0.0 && **a != 1.0) {
        return Err(format!(
            "a masked ReLU with a mask that is not binary (it holds {a}): threshold the mask \
             to 0 and 1 and fine-tune before export"
        ));
    }
    if keep.iter().zip(pass).any(|(a, b)| a + b != 1.0) {
        return Err("a masked ReLU whose two constants do not add up to 1 everywhere".into());
    }
    Ok(Mask::from_bits(keep.iter().map(|a| *a == 1.0)))
}
