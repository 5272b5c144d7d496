//! The imported network before folding: one node an operator, masked ReLUs already recognised.

use tacita_protocol::plan::{ConvShape, CopyShape, Mask, Shape};

use crate::error::{Error, Location, Result};
use crate::network::Window;

/// Most nodes of an imported network.
const MAX_NODES: usize = 1 << 15;
/// Most elements of one value.
const MAX_VALUE: usize = 1 << 22;
/// Most elements of all values and weights together.
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
        bias: Vec<f64>,
    },
    /// `x * scale + shift` per channel.
    Affine {
        scale: Vec<f64>,
        shift: Vec<f64>,
    },
    /// Multiplication by one factor an element: a piece of a masked ReLU.
    Scale(Vec<f32>),
    /// Addition of one constant an element.
    Offset(Vec<f32>),
    /// ReLU, clipped at `cap`.
    Relu {
        cap: Option<f32>,
    },
    MaskedRelu {
        mask: Mask,
        cap: Option<f32>,
    },
    /// ReLU where the mask holds, zero elsewhere; reads its input twice.
    Gate(Mask),
    Sum,
    AvgPool(Window),
    MaxPool(Window),
    /// Blocks of inputs put together; each copy with the number of its input.
    Copies(Vec<(usize, CopyShape)>),
}

impl Op {
    /// Numbers that the operator itself holds.
    fn size(&self) -> usize {
        match self {
            Self::Conv { weights, .. } => weights.len(),
            Self::Scale(v) | Self::Offset(v) => v.len(),
            Self::Copies(c) => c.len() * size_of::<CopyShape>(),
            _ => 0,
        }
    }
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
        self.elements = self.elements.saturating_add(s.len()).saturating_add(node.op.size());
        if self.nodes.len() >= MAX_NODES || self.elements > MAX_TOTAL {
            return Err(fault("the network is too large".into()));
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    /// The operator of node `id` and its first input (itself if it has none).
    pub fn op(&self, id: usize) -> Option<(&Op, usize)> {
        self.nodes.get(id).map(|n| (&n.op, n.inputs.first().copied().unwrap_or(id)))
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
