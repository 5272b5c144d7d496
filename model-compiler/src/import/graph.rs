//! The imported network before folding: one node an operator, masked ReLUs already recognised.

use tacet_protocol::plan::{ConvShape, Mask, Shape};

use crate::error::{Error, Location, Result};

/// Most nodes of an imported network.
const MAX_NODES: usize = 1 << 15;
/// Most elements of one value.
const MAX_VALUE: usize = 1 << 22;
/// Most elements of all values together.
const MAX_TOTAL: usize = 1 << 27;

/// One operator.
pub(super) struct Node {
    pub op: Op,
    /// The nodes it reads; always earlier ones.
    pub inputs: Vec<usize>,
    /// Shape of the value it makes. Vectors are stored as they were before flattening.
    pub shape: Shape,
    pub at: Location,
}

/// What a node does.
pub(super) enum Op {
    Input,
    Conv {
        shape: ConvShape,
        weights: Vec<f32>,
        bias: Vec<f32>,
    },
    /// `x * scale + shift` per channel.
    Affine {
        scale: Vec<f64>,
        shift: Vec<f64>,
    },
    /// Multiplication by a constant of one factor an element: a piece of a masked ReLU.
    Scale(Vec<f32>),
    Relu,
    MaskedRelu(Mask),
    Sum,
    AvgPool {
        kernel: [usize; 2],
        stride: usize,
    },
}

/// Nodes in topological order.
#[derive(Default)]
pub(super) struct Graph {
    pub nodes: Vec<Node>,
    elements: usize,
}

impl Graph {
    pub fn push(&mut self, node: Node) -> Result<usize> {
        let fault = |what: String| Error::Node { at: node.at.clone(), what };
        let s = node.shape;
        let len = s.channels.checked_mul(s.height).and_then(|p| p.checked_mul(s.width));
        if len.is_none_or(|n| n == 0 || n > MAX_VALUE) {
            return Err(fault(format!("its result, {s:?}, is empty or too large")));
        }
        self.elements = self.elements.saturating_add(s.len());
        if self.nodes.len() >= MAX_NODES || self.elements > MAX_TOTAL {
            return Err(fault("the network is too large".into()));
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    /// How often each node is read on the way to `output` (which counts as one reader);
    /// 0 for nodes that do not matter.
    pub fn readers(&self, output: usize) -> Vec<usize> {
        let mut readers = vec![0; self.nodes.len()];
        if let Some(r) = readers.get_mut(output) {
            *r = 1;
        }
        for (id, node) in self.nodes.iter().enumerate().rev() {
            if readers.get(id).is_some_and(|r| *r > 0) {
                for &input in &node.inputs {
                    if let Some(r) = readers.get_mut(input) {
                        *r += 1;
                    }
                }
            }
        }
        readers
    }
}
