//! Copies of copies are one copy: slices and paddings come in chains, one an axis.

use tacita_protocol::plan::{CopyShape, Shape};

use super::graph::Op;
use super::interpret::{Interpreter, Operand, Step};
use super::view::View;
use crate::copying::{Composed, composed};
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
            match composed(c, outer, [from, node.shape, to]) {
                Composed::One(c) => all.push((source, c)),
                Composed::Nothing => {}
                Composed::Several => return None,
            }
        }
        (!all.is_empty()).then_some(all)
    }
}
