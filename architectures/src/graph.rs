//! A network as a list of operations in forward order, with the shape of every value.
//!
//! Everything that must agree on a network reads this one description: the forward pass, the
//! counts of ReLUs, multiplications and parameters, the slices of SENet++, and the ONNX file.

use serde::{Deserialize, Serialize};

/// Shape of one image inside the network, `[C, H, W]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Channels.
    pub channels: i64,
    /// Rows.
    pub height: i64,
    /// Columns.
    pub width: i64,
}

impl Shape {
    /// Values in it.
    pub fn units(&self) -> usize {
        (self.channels * self.height * self.width) as usize
    }
}

/// Index of a node; its inputs always lie before it.
pub type NodeId = usize;

/// A square convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Prefix of its variables: `NAME.weight` and, with `bias`, `NAME.bias`.
    pub name: String,
    /// Output channels.
    pub out: i64,
    /// Side of the kernel.
    pub kernel: i64,
    /// Step in both directions.
    pub stride: i64,
    /// Zeros on every side.
    pub pad: i64,
    /// Groups of channels (1, or all of them for a depthwise convolution).
    pub groups: i64,
    /// Whether a bias is added.
    pub bias: bool,
}

impl Conv {
    /// A convolution without groups or bias that keeps the map's size at stride 1.
    pub fn same(name: &str, out: i64, kernel: i64, stride: i64) -> Self {
        let (name, pad) = (name.to_owned(), (kernel - 1) / 2);
        Self { name, out, kernel, stride, pad, groups: 1, bias: false }
    }
}

/// An operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// The image.
    Input,
    /// Convolution.
    Conv(Conv),
    /// Batch normalisation with variables under this prefix.
    Norm(String),
    /// Masked ReLU: index into [`Graph::layers`].
    Relu(usize),
    /// Sum of two values.
    Add,
    /// Largest of each window.
    MaxPool {
        /// Side of the window.
        kernel: i64,
        /// Step.
        stride: i64,
        /// Padding on every side.
        pad: i64,
    },
    /// Mean of each window of this side, without overlap.
    AvgPool(i64),
    /// Mean of each channel.
    GlobalPool,
    /// Option A of He et al. (2016): every second pixel, and zero channels on both sides.
    PadShortcut {
        /// Step in both directions.
        stride: i64,
        /// Zero channels before the input's.
        before: i64,
        /// Zero channels after them.
        after: i64,
    },
    /// Fully connected layer over all values of its input, with bias; prefix and outputs.
    Linear(String, i64),
    /// Transposed convolution of 2x2 with stride 2 and bias: twice the rows and columns; prefix and
    /// output channels. Its weights are `[in, out, 2, 2]`.
    Enlarge(String, i64),
    /// The channels of two values of one size, one after the other.
    Concat,
}

/// An operation, what it reads, and the shape of what it makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The operation.
    pub op: Op,
    /// Nodes it reads.
    pub inputs: Vec<NodeId>,
    /// Shape of its value.
    pub shape: Shape,
}

/// One activation layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// `stem`, or `s2b1r2` for the second ReLU in the first block of the second stage.
    pub name: String,
    /// Name of the variable that holds its mask.
    pub variable: String,
    /// Shape of its map.
    pub shape: Shape,
    /// Stage that its map belongs to: 0 for the stem, then from 1.
    pub stage: usize,
    /// Position in its block, from 1.
    pub slot: usize,
    /// Convolution that feeds it (its weights decide the layer's sensitivity).
    pub conv: String,
}

impl Layer {
    /// Units of the layer: the most ReLUs it can hold.
    pub fn units(&self) -> usize {
        self.shape.units()
    }

    /// Shape of its mask, `[C, H, W]`.
    pub fn dims(&self) -> [i64; 3] {
        [self.shape.channels, self.shape.height, self.shape.width]
    }
}

/// A network in forward order; the last node gives the logits.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// Operations.
    pub nodes: Vec<Node>,
    /// Activation layers in forward order.
    pub layers: Vec<Layer>,
    /// Nodes whose maps attention transfer compares (stage outputs).
    pub taps: Vec<NodeId>,
}

impl Graph {
    /// Shape of the image.
    pub fn input(&self) -> Shape {
        self.nodes[0].shape
    }

    /// Number of logits.
    pub fn classes(&self) -> i64 {
        self.nodes.last().map_or(0, |n| n.shape.channels)
    }
}

/// Builds a graph node by node, inferring shapes.
#[derive(Debug)]
pub struct Builder {
    graph: Graph,
    conv: String,
}

impl Builder {
    /// A graph that only has its input.
    pub fn new(input: Shape) -> Self {
        let input = Node { op: Op::Input, inputs: Vec::new(), shape: input };
        let graph = Graph { nodes: vec![input], layers: Vec::new(), taps: Vec::new() };
        Self { graph, conv: String::new() }
    }

    /// The node of the image.
    pub fn input(&self) -> NodeId {
        0
    }

    /// Shape of a node's value.
    pub fn shape(&self, node: NodeId) -> Shape {
        self.graph.nodes[node].shape
    }

    fn push(&mut self, op: Op, inputs: &[NodeId], shape: Shape) -> NodeId {
        self.graph.nodes.push(Node { op, inputs: inputs.to_vec(), shape });
        self.graph.nodes.len() - 1
    }

    /// Adds a convolution.
    pub fn conv(&mut self, x: NodeId, conv: Conv) -> NodeId {
        let from = self.shape(x);
        let side = |n: i64| (n + 2 * conv.pad - conv.kernel) / conv.stride + 1;
        let shape =
            Shape { channels: conv.out, height: side(from.height), width: side(from.width) };
        self.conv = conv.name.clone();
        self.push(Op::Conv(conv), &[x], shape)
    }

    /// Adds a [`Conv::same`] of `(out, kernel, stride)`.
    pub fn conv_same(&mut self, x: NodeId, name: &str, dims: (i64, i64, i64)) -> NodeId {
        self.conv(x, Conv::same(name, dims.0, dims.1, dims.2))
    }

    /// Adds a batch normalisation.
    pub fn norm(&mut self, x: NodeId, name: &str) -> NodeId {
        let shape = self.shape(x);
        self.push(Op::Norm(name.to_owned()), &[x], shape)
    }

    /// Adds a masked ReLU; it is paired with the convolution that was added last.
    pub fn relu(&mut self, x: NodeId, name: &str, variable: &str, at: (usize, usize)) -> NodeId {
        let (shape, (stage, slot)) = (self.shape(x), at);
        let (name, variable, conv) = (name.to_owned(), variable.to_owned(), self.conv.clone());
        self.graph.layers.push(Layer { name, variable, shape, stage, slot, conv });
        self.push(Op::Relu(self.graph.layers.len() - 1), &[x], shape)
    }

    /// Adds the sum of two values of one shape.
    pub fn add(&mut self, a: NodeId, b: NodeId) -> NodeId {
        let shape = self.shape(a);
        self.push(Op::Add, &[a, b], shape)
    }

    /// Adds a max-pooling layer.
    pub fn max_pool(&mut self, x: NodeId, kernel: i64, stride: i64, pad: i64) -> NodeId {
        let from = self.shape(x);
        let side = |n: i64| (n + 2 * pad - kernel) / stride + 1;
        let shape = Shape { height: side(from.height), width: side(from.width), ..from };
        self.push(Op::MaxPool { kernel, stride, pad }, &[x], shape)
    }

    /// Adds an average-pooling layer without overlap.
    pub fn avg_pool(&mut self, x: NodeId, side: i64) -> NodeId {
        let from = self.shape(x);
        let shape = Shape { height: from.height / side, width: from.width / side, ..from };
        self.push(Op::AvgPool(side), &[x], shape)
    }

    /// Adds the mean of each channel.
    pub fn global_pool(&mut self, x: NodeId) -> NodeId {
        let shape = Shape { height: 1, width: 1, ..self.shape(x) };
        self.push(Op::GlobalPool, &[x], shape)
    }

    /// Adds an option-A shortcut to `out` channels.
    pub fn pad_shortcut(&mut self, x: NodeId, out: i64, stride: i64) -> NodeId {
        let from = self.shape(x);
        let side = |n: i64| (n - 1) / stride + 1;
        let extra = out - from.channels;
        let (before, after) = (extra / 2, extra - extra / 2);
        let shape = Shape { channels: out, height: side(from.height), width: side(from.width) };
        self.push(Op::PadShortcut { stride, before, after }, &[x], shape)
    }

    /// Adds a fully connected layer.
    pub fn linear(&mut self, x: NodeId, name: &str, out: i64) -> NodeId {
        let shape = Shape { channels: out, height: 1, width: 1 };
        self.push(Op::Linear(name.to_owned(), out), &[x], shape)
    }

    /// Adds a transposed convolution that doubles rows and columns.
    pub fn enlarge(&mut self, x: NodeId, name: &str, out: i64) -> NodeId {
        let from = self.shape(x);
        let shape = Shape { channels: out, height: 2 * from.height, width: 2 * from.width };
        self.push(Op::Enlarge(name.to_owned(), out), &[x], shape)
    }

    /// Adds the channels of two values of one size.
    pub fn concat(&mut self, a: NodeId, b: NodeId) -> NodeId {
        let (first, second) = (self.shape(a), self.shape(b));
        let shape = Shape { channels: first.channels + second.channels, ..first };
        self.push(Op::Concat, &[a, b], shape)
    }

    /// Marks a node for attention transfer.
    pub fn tap(&mut self, node: NodeId) {
        self.graph.taps.push(node);
    }

    /// The finished graph.
    pub fn finish(self) -> Graph {
        self.graph
    }
}
