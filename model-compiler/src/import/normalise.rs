//! The normalisation that a model does itself, on its input, becomes the network's own.
//!
//! Left as a layer, it would cost a convolution and a truncation; folded into the first
//! convolution, it would be wrong wherever that pads with zeros. As the mean and deviation of the
//! input it costs nothing: the client normalises its pixels anyway.
//!
//! What the graph does first also hints at what it was made for: pixels in 0..1 or in 0..255. The
//! operators that only move pixels about, or keep them in their range, do not hide that.

use super::graph::{Graph, Op};
use crate::pixels::Before;

/// A mean of pixels in 0..1 lies between these, whatever is subtracted from it.
const UNIT_MEAN: std::ops::RangeInclusive<f64> = 0.02..=1.0;
/// Above this, a mean must be one of pixels in 0..255.
const BYTE_MEAN: f64 = 1.5;
/// What a division alone may be by, for pixels in 0..255.
const BYTE_RANGE: std::ops::RangeInclusive<f64> = 32.0..=512.0;
/// Largest deviation of pixels in 0..1 that is believed.
const UNIT_DEVIATION: f64 = 2.0;

/// `x * scale + shift`, a pair of numbers a channel.
pub(super) type Affine = (Vec<f64>, Vec<f64>);

/// Takes affine maps off the graph's input, if all that reads it is one and the same.
pub(super) fn take(graph: &mut Graph, output: usize) -> Option<Affine> {
    let channels = graph.nodes.first()?.shape.channels;
    let mut all = (vec![1.0; channels], vec![0.0; channels]);
    let mut found = false;
    while let Some((scale, shift)) = common(graph, output) {
        for ((s, t), (a, b)) in all.0.iter_mut().zip(&mut all.1).zip(scale.iter().zip(&shift)) {
            (*s, *t) = (*s * a, *t * a + b);
        }
        found = true;
        let same = |op: &Op| matches!(op, Op::Affine { .. });
        let maps: Vec<bool> = graph.nodes.iter().map(|n| same(&n.op) && n.inputs == [0]).collect();
        for node in graph.nodes.iter_mut().skip(1) {
            for input in &mut node.inputs {
                if maps.get(*input) == Some(&true) {
                    *input = 0;
                }
            }
        }
    }
    found.then_some(all)
}

/// The affine map that every live reader of the input is; none of them is the output.
fn common(graph: &Graph, output: usize) -> Option<Affine> {
    let live = graph.readers(output);
    let reads = |id: &usize| graph.nodes.get(*id).is_some_and(|n| n.inputs.contains(&0));
    let readers = (1..graph.nodes.len()).filter(|i| live.get(*i).is_some_and(|r| *r > 0));
    let mut found: Option<(&Vec<f64>, &Vec<f64>)> = None;
    for id in readers.filter(reads) {
        let Some((Op::Affine { scale, shift }, 0)) = graph.op(id) else { return None };
        let positive = scale.iter().all(|s| *s > 0.0 && s.is_finite());
        if !positive || id == output || found.is_some_and(|f| f != (scale, shift)) {
            return None;
        }
        found = Some((scale, shift));
    }
    found.map(|(s, t)| (s.clone(), t.clone()))
}

/// The range that the graph's first arithmetic was made for; before [`take`]. `statistics` are the
/// means and variances that a batch normalisation saw, by node.
pub(super) fn hint(graph: &Graph, statistics: &[(usize, Vec<f64>, Vec<f64>)]) -> Option<Before> {
    let mut votes = Vec::new();
    walk(graph, &mut votes, statistics)?;
    let same = |range| votes.iter().all(|v| *v == Some(range));
    if votes.is_empty() {
        return None;
    }
    if same(Range::Bytes) {
        return Some(Before::bytes());
    }
    same(Range::Unit).then(|| Before::range(0.0, 1.0))
}

/// What pixels are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    Unit,
    Bytes,
}

/// Follows the image through everything that keeps its values in their range, and lets the first
/// arithmetic on every path vote; `None` if a path has none.
fn walk(
    graph: &Graph,
    votes: &mut Vec<Option<Range>>,
    statistics: &[(usize, Vec<f64>, Vec<f64>)],
) -> Option<()> {
    // Whether a node holds pixels, and whether something on its way voted.
    let mut pixels = vec![None; graph.nodes.len()];
    *pixels.first_mut()? = Some(false);
    // What some arithmetic reads: a convolution may have taken that in, and read it, too.
    let mut answered = Vec::new();
    for (id, node) in graph.nodes.iter().enumerate().skip(1) {
        let read = node.inputs.iter().filter_map(|i| pixels.get(*i).copied().flatten());
        let Some(mut clear) = read.reduce(|a, b| a && b) else { continue };
        match &node.op {
            Op::Affine { scale, shift } => {
                let seen = statistics.iter().find(|(at, ..)| *at == id);
                votes.push(match seen {
                    Some((_, mean, variance)) => of_statistics(mean, variance),
                    None => of_map(graph, id, (scale, shift)),
                });
                answered.extend(&node.inputs);
                continue;
            }
            Op::Offset(values) => {
                let mean = values.iter().map(|v| -f64::from(*v)).sum::<f64>();
                votes.push(of_pairs(&[(mean / values.len().max(1) as f64, 1.0)]));
                answered.extend(&node.inputs);
                continue;
            }
            Op::Relu { cap: Some(cap) } => {
                votes.push(cap_vote(f64::from(*cap)));
                clear = true;
            }
            op if keeps(op) => {}
            _ if clear || node.inputs.iter().all(|i| answered.contains(i)) => continue,
            _ => return None,
        }
        if let Some(slot) = pixels.get_mut(id) {
            *slot = Some(clear);
        }
    }
    Some(())
}

/// Moves pixels about, or keeps them within their range.
const fn keeps(op: &Op) -> bool {
    matches!(op, Op::Copies(_) | Op::Relu { .. } | Op::MaxPool(_) | Op::AvgPool(_))
}

fn cap_vote(cap: f64) -> Option<Range> {
    match cap {
        c if (c - 1.0).abs() < 1e-6 => Some(Range::Unit),
        c if (c - 255.0).abs() < 1e-3 => Some(Range::Bytes),
        _ => None,
    }
}

/// A batch normalisation knows what it saw: means of pixels, and their variances.
fn of_statistics(mean: &[f64], variance: &[f64]) -> Option<Range> {
    let each = || mean.iter().zip(variance).map(|(m, v)| (*m, v.max(0.0).sqrt()));
    // What lies in 0..1 with a mean m varies by m (1 - m) at most.
    let unit = |(m, d): (f64, f64)| {
        (0.0..=1.0).contains(&m)
            && (d * d <= 1.1 * m * (1.0 - m) || m >= 0.05 && d <= UNIT_DEVIATION)
    };
    if each().all(unit) {
        return Some(Range::Unit);
    }
    let bytes =
        |(m, d): (f64, f64)| (BYTE_MEAN..=255.0).contains(&m) && d * d <= 1.1 * m * (255.0 - m);
    each().all(bytes).then_some(Range::Bytes)
}

/// `x * scale + shift` as `(x - mean) / deviation`; if that does not tell, together with the map
/// that follows (a product and a sum are two).
fn of_map(graph: &Graph, mut id: usize, (scale, shift): (&[f64], &[f64])) -> Option<Range> {
    let (mut scale, mut shift) = (scale.to_vec(), shift.to_vec());
    loop {
        let pairs = scale.iter().zip(&shift).map(|(s, t)| (-t / s, (1.0 / s).abs()));
        if let Some(range) = of_pairs(&pairs.collect::<Vec<_>>()) {
            return Some(range);
        }
        let read = id;
        let reads = |i: &usize| graph.nodes.get(*i).is_some_and(|n| n.inputs == [read]);
        let mut next = (id + 1..graph.nodes.len()).filter(reads);
        id = next.next()?;
        let (Some((Op::Affine { scale: a, shift: b }, _)), None) = (graph.op(id), next.next())
        else {
            return None;
        };
        for ((s, t), (a, b)) in scale.iter_mut().zip(&mut shift).zip(a.iter().zip(b)) {
            (*s, *t) = (*s * a, *t * a + b);
        }
    }
}

/// The range that all channels' means and deviations make sense for.
fn of_pairs(each: &[(f64, f64)]) -> Option<Range> {
    let unit = |(m, d): &(f64, f64)| UNIT_MEAN.contains(m) && *d <= UNIT_DEVIATION;
    if each.iter().all(unit) {
        return Some(Range::Unit);
    }
    let bytes = |(m, d): &(f64, f64)| {
        (BYTE_MEAN..=255.0).contains(m) || m.abs() < 0.02 && BYTE_RANGE.contains(d)
    };
    each.iter().all(bytes).then_some(Range::Bytes)
}
