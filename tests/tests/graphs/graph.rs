//! The graph that is being drawn: nodes, constants, and what is known of its values.

use tacita_onnx::{AttributeProto, AttributeType, NodeProto, TensorProto};

use crate::draw::Draw;

/// Most elements of a value.
pub const MOST: usize = 3000;

/// A dimension of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Channels,
    Rows,
    Columns,
}

/// An image in the graph, `[1, channels, rows, columns]` or with its channels last.
#[derive(Clone, Debug)]
pub struct Value {
    pub name: String,
    pub dims: [usize; 4],
    pub last: bool,
}

impl Value {
    /// The dimension that is `way`.
    pub fn axis(&self, way: Way) -> usize {
        match (way, self.last) {
            (Way::Channels, false) | (Way::Rows, true) => 1,
            (Way::Rows, false) | (Way::Columns, true) => 2,
            (Way::Columns, false) | (Way::Channels, true) => 3,
        }
    }

    pub fn size(&self, way: Way) -> usize {
        self.dims[self.axis(way)]
    }

    pub fn channels(&self) -> usize {
        self.size(Way::Channels)
    }

    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// The dimensions with another size one way.
    pub fn resized(&self, way: Way, size: usize) -> [usize; 4] {
        let mut dims = self.dims;
        dims[self.axis(way)] = size;
        dims
    }

    /// Dimensions of a constant with one number a channel.
    pub fn per_channel(&self) -> Vec<usize> {
        let n = self.channels();
        if self.last { vec![n] } else { vec![n, 1, 1] }
    }
}

pub fn signed(sizes: &[usize]) -> Vec<i64> {
    sizes.iter().map(|&d| d as i64).collect()
}

/// Nodes and constants so far.
pub struct Graph {
    pub draw: Draw,
    pub opset: i64,
    pub nodes: Vec<NodeProto>,
    pub initializers: Vec<TensorProto>,
    names: usize,
}

impl Graph {
    pub fn new(seed: u64) -> Self {
        let mut draw = Draw(seed);
        let opset = draw.pick(&[11, 13, 13, 15, 17, 18, 18]);
        Self { draw, opset, nodes: vec![], initializers: vec![], names: 0 }
    }

    pub fn fresh(&mut self, what: &str) -> String {
        self.names += 1;
        format!("{}_{}", what.to_lowercase(), self.names)
    }

    /// A node with one output, not yet in the graph.
    pub fn node(&mut self, op: &str, inputs: &[&str]) -> NodeProto {
        let output = self.fresh(op);
        let name = if self.draw.once_in(4) { String::new() } else { format!("/net/{output}/{op}") };
        NodeProto::new(op, &name, inputs, &output)
    }

    /// Adds a node; the name of what it makes.
    pub fn add(&mut self, node: NodeProto) -> String {
        let name = node.output[0].clone();
        self.nodes.push(node);
        name
    }

    /// Adds a node without attributes.
    pub fn op(&mut self, op: &str, inputs: &[&str]) -> String {
        let node = self.node(op, inputs);
        self.add(node)
    }

    /// Adds a node that makes an image.
    pub fn image(&mut self, node: NodeProto, like: &Value, dims: [usize; 4]) -> Value {
        Value { name: self.add(node), dims, last: like.last }
    }

    /// Adds a node that works element by element.
    pub fn map(&mut self, op: &str, x: &Value, others: &[&str]) -> Value {
        let inputs: Vec<&str> =
            std::iter::once(x.name.as_str()).chain(others.iter().copied()).collect();
        let node = self.node(op, &inputs);
        self.image(node, x, x.dims)
    }

    /// Integers for an input of a node.
    pub fn ints(&mut self, values: &[i64]) -> String {
        let name = self.fresh("ints");
        let tensor = TensorProto::from_i64(&name, values);
        self.tensor(tensor)
    }

    /// A constant, stored as an initializer or as a node.
    pub fn tensor(&mut self, tensor: TensorProto) -> String {
        let name = tensor.name.clone();
        if self.draw.once_in(3) {
            let node = NodeProto::new("Constant", "", &[], &name);
            self.nodes.push(with_tensor(node, "value", tensor));
        } else {
            self.initializers.push(tensor);
        }
        name
    }

    /// Adds axes as an input or, before operator set `since`, as an attribute.
    pub fn with_axes(&mut self, mut node: NodeProto, axes: &[i64], since: i64) -> NodeProto {
        if self.opset < since {
            return node.with_ints("axes", axes);
        }
        node.input.push(self.ints(axes));
        node
    }

    /// An axis as a node names it: from the front or from the end.
    pub fn axis(&mut self, axis: usize, rank: usize) -> i64 {
        axis as i64 - if self.draw.once_in(3) { rank as i64 } else { 0 }
    }
}

pub fn with_tensor(mut node: NodeProto, name: &str, tensor: TensorProto) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: name.into(),
        t: Some(tensor),
        r#type: AttributeType::Tensor as i32,
        ..AttributeProto::default()
    });
    node
}

pub fn with_text(mut node: NodeProto, name: &str, text: &str) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: name.into(),
        s: text.as_bytes().to_vec(),
        r#type: AttributeType::String as i32,
        ..AttributeProto::default()
    });
    node
}
