//! Affine maps behind copies move before them.
//!
//! A batch normalisation after a transposed convolution or a pixel shuffle would be a layer of its
//! own. Where copies put each element of the output into place once, it can as well be applied to
//! what they read, and becomes part of the convolution that made that.

use tacita_protocol::plan::{CopyShape, Shape};

use super::graph::{Graph, Node, Op};

/// Exchanges them where only the copies read a convolution, and only the map reads the copies.
pub(super) fn commute(graph: &mut Graph, output: usize) {
    let readers = graph.readers(output);
    let alone = |id: usize, times: usize| readers.get(id) == Some(&times);
    for id in 1..graph.nodes.len() {
        // A map that a convolution has taken in is read by nothing: the copies' reader is another.
        if alone(id, 0) {
            continue;
        }
        let Some((Op::Affine { scale, shift }, between)) = graph.op(id) else { continue };
        let Some(copies) = graph.nodes.get(between).filter(|_| alone(between, 1)) else { continue };
        let (Op::Copies(list), Some(&source)) = (&copies.op, copies.inputs.first()) else {
            continue;
        };
        let Some(made) = graph.nodes.get(source) else { continue };
        let only = copies.inputs.iter().all(|i| *i == source);
        let conv = matches!(made.op, Op::Conv { .. } | Op::Affine { .. });
        if !only || !conv || !alone(source, copies.inputs.len()) {
            continue;
        }
        let list: Vec<CopyShape> = list.iter().map(|(_, c)| *c).collect();
        if !once(&list, made.shape, copies.shape) {
            continue;
        }
        let Some(moved) = before(&list, made.shape.channels, (scale, shift)) else { continue };
        let (shape, to) = (made.shape, copies.shape);
        let map = Op::Affine { scale: moved.0, shift: moved.1 };
        exchange(graph, [between, id], (map, source), (list, shape, to));
    }
}

/// Puts the map in the copies' place, and the copies in the map's.
fn exchange(
    graph: &mut Graph,
    [first, second]: [usize; 2],
    (map, source): (Op, usize),
    (list, shape, to): (Vec<CopyShape>, Shape, Shape),
) {
    let Some(at) = graph.nodes.get(second).map(|n| n.at.clone()) else { return };
    if let Some(node) = graph.nodes.get_mut(first) {
        *node = Node { op: map, inputs: vec![source], shape, at: at.clone() };
    }
    if let Some(node) = graph.nodes.get_mut(second) {
        let copies = list.into_iter().map(|c| (0, c)).collect();
        *node = Node { op: Op::Copies(copies), inputs: vec![first], shape: to, at };
    }
}

/// True if every element of the output is written, and none twice.
fn once(copies: &[CopyShape], from: Shape, to: Shape) -> bool {
    let mut written = vec![false; to.len()];
    let mut twice = false;
    for c in copies {
        c.for_each_run(from, to, |_, at, count| {
            for slot in written.iter_mut().skip(at).step_by(c.spread[1]).take(count) {
                twice |= std::mem::replace(slot, true);
            }
        });
    }
    !twice && written.iter().all(|w| *w) && copies.iter().all(|c| !c.negative)
}

/// The map on the channels that are read, if each becomes channels of one factor and offset only.
fn before(
    copies: &[CopyShape],
    channels: usize,
    (scale, shift): (&[f64], &[f64]),
) -> Option<(Vec<f64>, Vec<f64>)> {
    let mut found: Vec<Option<(f64, f64)>> = vec![None; channels];
    for (c, i) in copies.iter().flat_map(|c| (0..c.channels).map(move |i| (c, i))) {
        let slot = found.get_mut(c.from + c.step * i)?;
        let own = (*scale.get(c.to + i)?, *shift.get(c.to + i)?);
        if slot.is_some_and(|other| other != own) {
            return None;
        }
        *slot = Some(own);
    }
    Some(found.into_iter().map(|f| f.unwrap_or((1.0, 0.0))).unzip())
}
