//! A described network as a public plan with full masks. Batch normalisation leaves nothing: it
//! would be folded into weights, which are drawn.

use tacita_architectures::{self as described, Graph, Node, NodeId, Op};
use tacita_protocol::plan::{
    ConvShape, CopyShape, Head, InputSpec, Linear, Mask, Padding, PoolShape, PublicPlan,
    ReluChoices, Reveals, Shape, TensorSpec, Term,
};
use tacita_protocol::{Error, Result};

const FRAC: u32 = 10;
/// Fractional bits of all weights.
const WEIGHT_FRAC: u32 = 10;
/// 14 bits a comparison, as the figures of docs/protocol.md, section 6.
const MAGNITUDE: u32 = 13;

/// The public half of a plan.
///
/// # Errors
/// `Input` for a network with operations that no plan is drawn for.
pub fn public(name: &str, graph: &Graph) -> Result<PublicPlan> {
    let mut build = Builder::new(graph);
    graph.nodes.iter().enumerate().try_for_each(|(id, node)| build.node(id, node))?;
    Ok(build.finish(name))
}

/// What stands for a node's value.
#[derive(Clone)]
enum Value {
    /// A tensor of the plan.
    Tensor(usize),
    /// What the next tensor will be the sum of, and the convolution that began it.
    Sum(Vec<Term>, String),
}

/// A plan in the making.
struct Builder<'a> {
    graph: &'a Graph,
    /// How many nodes read each node.
    readers: Vec<usize>,
    values: Vec<Value>,
    tensors: Vec<TensorSpec>,
    pools: usize,
}

impl<'a> Builder<'a> {
    fn new(graph: &'a Graph) -> Self {
        let mut readers = vec![0; graph.nodes.len()];
        for input in graph.nodes.iter().flat_map(|n| &n.inputs) {
            if let Some(n) = readers.get_mut(*input) {
                *n += 1;
            }
        }
        Self { graph, readers, values: Vec::new(), tensors: Vec::new(), pools: 0 }
    }

    fn node(&mut self, id: NodeId, node: &Node) -> Result<()> {
        let value = self.value(node)?;
        let value = match value {
            // A sum that two nodes read is computed once.
            Value::Sum(terms, name) if self.readers.get(id).is_none_or(|n| *n != 1) => {
                self.push(&name, shape(node.shape), (WEIGHT_FRAC, false), terms)
            }
            other => other,
        };
        self.values.push(value);
        Ok(())
    }

    fn value(&mut self, node: &Node) -> Result<Value> {
        let to = shape(node.shape);
        Ok(match (&node.op, node.inputs.as_slice()) {
            (Op::Input, _) => self.push("image", to, (0, false), Vec::new()),
            (Op::Conv(conv), &[from]) => self.conv(conv, from)?,
            (Op::Norm(_), &[from]) => self.read(from)?,
            (Op::Relu(layer), &[from]) => {
                let (terms, name) = self.sum(from)?;
                let name = self.graph.layers.get(*layer).map_or(name, |l| l.name.clone());
                self.push(&name, to, (WEIGHT_FRAC, true), terms)
            }
            (Op::Add, &[a, b]) => {
                let (terms, name) = self.sum(a)?;
                Value::Sum([terms, self.sum(b)?.0].concat(), name)
            }
            (Op::AvgPool(side), &[from]) => self.average(from, *side as usize)?,
            (Op::GlobalPool, &[from]) => self.average(from, self.shape_of(from)?.height)?,
            (Op::Linear(..), &[from]) => {
                let terms = self.connected(from, to.channels)?;
                self.push("logits", to, (WEIGHT_FRAC, false), terms)
            }
            (op, _) => return Err(undrawn(op)),
        })
    }

    fn conv(&mut self, c: &described::Conv, from: NodeId) -> Result<Value> {
        let (input, pad) = (self.shape_of(from)?, c.pad as usize);
        let conv = ConvShape {
            pad: Padding::symmetric(pad, pad),
            groups: c.groups as usize,
            ..ConvShape::same(input, c.out as usize, c.kernel as usize, c.stride as usize)
        };
        let term = Term { input: self.tensor(from)?, op: Linear::Conv(conv) };
        Ok(Value::Sum(vec![term], c.name.clone()))
    }

    /// A fully connected layer is a convolution whose kernel covers its input.
    fn connected(&mut self, from: NodeId, outputs: usize) -> Result<Vec<Term>> {
        let input = self.shape_of(from)?;
        let whole = ConvShape {
            kernel_h: input.height,
            kernel_w: input.width,
            pad: Padding::NONE,
            ..ConvShape::same(input, outputs, 1, 1)
        };
        Ok(vec![Term { input: self.tensor(from)?, op: Linear::Conv(whole) }])
    }

    /// The mean of windows of `side` by `side`, a power of two, that do not overlap.
    fn average(&mut self, from: NodeId, side: usize) -> Result<Value> {
        let input = self.tensor(from)?;
        if side == 1 {
            return Ok(Value::Tensor(input));
        }
        let added_frac = (side * side).ilog2();
        let pool = PoolShape {
            kernel_h: side,
            kernel_w: side,
            stride: side,
            pad: Padding::NONE,
            multiplier: 1,
            added_frac,
        };
        let to = pool.output(self.shape_of(from)?);
        let terms = vec![Term { input, op: Linear::AvgPool(pool) }];
        self.pools += 1;
        Ok(self.push(&format!("pool{}", self.pools), to, (added_frac, false), terms))
    }

    /// What a tensor that takes over a node's value is the sum of, with a name for it.
    fn sum(&self, node: NodeId) -> Result<(Vec<Term>, String)> {
        Ok(match self.read(node)? {
            Value::Sum(terms, name) => (terms, name),
            Value::Tensor(input) => {
                let copy = CopyShape::whole(self.shape_of(node)?.channels, WEIGHT_FRAC);
                (vec![Term { input, op: Linear::Copy(copy) }], format!("copy{node}"))
            }
        })
    }

    /// The tensor of a node, which is made if there is none yet.
    fn tensor(&mut self, node: NodeId) -> Result<usize> {
        match self.read(node)? {
            Value::Tensor(tensor) => Ok(tensor),
            Value::Sum(terms, name) => {
                let shape = self.shape_of(node)?;
                self.push(&name, shape, (WEIGHT_FRAC, false), terms);
                Ok(self.tensors.len() - 1)
            }
        }
    }

    fn read(&self, node: NodeId) -> Result<Value> {
        self.values.get(node).cloned().ok_or_else(|| Error::local("a node reads a later one"))
    }

    fn shape_of(&self, node: NodeId) -> Result<Shape> {
        let node = self.graph.nodes.get(node);
        node.map(|n| shape(n.shape)).ok_or_else(|| Error::local("a node reads none"))
    }

    /// Adds a tensor of so many bits to drop, with or without ReLUs.
    fn push(
        &mut self,
        name: &str,
        shape: Shape,
        (truncate, relu): (u32, bool),
        terms: Vec<Term>,
    ) -> Value {
        self.tensors.push(TensorSpec {
            name: name.into(),
            shape,
            frac: FRAC,
            truncate,
            magnitude: MAGNITUDE,
            dropped: 0,
            terms,
            mask: Mask::uniform(shape.len(), relu),
            unmasked_relus: if relu { shape.len() } else { 0 },
        });
        Value::Tensor(self.tensors.len() - 1)
    }

    fn finish(self, name: &str) -> PublicPlan {
        PublicPlan {
            name: name.into(),
            relu_choices: ReluChoices::usual(&self.tensors),
            input: InputSpec::new(vec![0.5; 3], vec![0.25; 3]),
            tensors: self.tensors,
            labels: Vec::new(),
            batch: 1,
            reveals: Reveals::Logits,
            head: Head::Softmax,
        }
    }
}

fn shape(s: described::Shape) -> Shape {
    Shape::new(s.channels as usize, s.height as usize, s.width as usize)
}

fn undrawn(op: &Op) -> Error {
    Error::input(format!("no plan is drawn for a network with {op:?}: export it with weights"))
}
