//! Copies of copies are one copy: slices and paddings come in chains, one an axis.

use std::ops::Range;

use tacita_protocol::plan::{CopyShape, Shape};

use super::graph::Op;
use super::interpret::{Interpreter, Operand, Step};
use super::view::View;
use crate::error::Location;

/// Most copies that a composition may come to.
const MAX_COPIES: usize = 16;

impl<'m> Interpreter<'m> {
    /// Appends a node of copies, looking through copies that it reads.
    pub(super) fn copies(
        &mut self,
        copies: Vec<(usize, CopyShape)>,
        inputs: Vec<usize>,
        shape: Shape,
        view: View,
        at: &Location,
    ) -> Step<Operand> {
        let (mut all, mut ids) = (Vec::new(), Vec::new());
        for (i, outer) in &copies {
            let Some(&id) = inputs.get(*i) else { continue };
            match self.through(id, outer, shape) {
                Some(inner) => {
                    for (id, copy) in inner {
                        all.push((ids.len(), copy));
                        ids.push(id);
                    }
                }
                None => {
                    all.push((ids.len(), *outer));
                    ids.push(id);
                }
            }
        }
        if all.is_empty() || (all.len() > MAX_COPIES && all.len() > copies.len()) {
            (all, ids) = (copies, inputs);
        }
        self.push(Op::Copies(all), ids, shape, view, at)
    }

    /// `outer` of node `id`, in terms of what that node copies itself.
    fn through(&self, id: usize, outer: &CopyShape, to: Shape) -> Option<Vec<(usize, CopyShape)>> {
        let node = self.graph.nodes.get(id)?;
        let Op::Copies(inner) = &node.op else { return None };
        let mut all = Vec::new();
        for (i, c) in inner {
            let source = *node.inputs.get(*i)?;
            let from = self.graph.nodes.get(source)?.shape;
            if let Some(c) = composed(c, outer, [from, node.shape, to])? {
                all.push((source, c));
            }
        }
        (!all.is_empty()).then_some(all)
    }
}

/// `outer` after `inner` over tensors of shapes `from`, `middle` and `to`. `Some(None)` if nothing
/// of `inner` reaches the output, `None` if one copy cannot do what the two do.
fn composed(
    inner: &CopyShape,
    outer: &CopyShape,
    [from, middle, to]: [Shape; 3],
) -> Option<Option<CopyShape>> {
    let first = inner.to.max(outer.from);
    let end = (inner.to + inner.channels).min(outer.from + outer.channels);
    if first >= end {
        return Some(None);
    }
    let (mut stride, mut offset) = ([1; 2], [0; 2]);
    let sizes = [[from.height, middle.height, to.height], [from.width, middle.width, to.width]];
    let axes = stride.iter_mut().zip(&mut offset).zip(sizes).enumerate();
    for (axis, ((stride, offset), [n, m, o])) in axes {
        let get = |c: &CopyShape| Some((*c.stride.get(axis)?, *c.offset.get(axis)?));
        let ((s1, o1), (s2, o2)) = (get(inner)?, get(outer)?);
        *stride = s1.checked_mul(s2)?;
        *offset = isize::try_from(s1).ok()?.checked_mul(o2)?.checked_add(o1)?;
        // What lies outside of the middle tensor must lie outside of the first.
        let within_middle = inside(s2, o2, m, o);
        let both = |i: usize| {
            let at = (i * s2) as isize + o2;
            let deep = at * s1 as isize + o1;
            within_middle.contains(&i) && (0..n as isize).contains(&deep)
        };
        let once = inside(*stride, *offset, n, o);
        if (0..o).any(|i| both(i) != once.contains(&i)) {
            return None;
        }
        if *stride > 1 << 12 || offset.unsigned_abs() > 1 << 12 {
            return None;
        }
    }
    Some(Some(CopyShape {
        shift: 0,
        negative: inner.negative != outer.negative,
        from: inner.from + first - inner.to,
        to: outer.to + first - outer.from,
        channels: end - first,
        stride,
        offset,
    }))
}

/// Outputs that read inside `input` elements.
fn inside(stride: usize, offset: isize, input: usize, output: usize) -> Range<usize> {
    let reads = |i: &usize| (0..input as isize).contains(&((i * stride) as isize + offset));
    let first = (0..output).find(reads).unwrap_or(0);
    let count = (first..output).take_while(reads).count();
    first..first + count
}
