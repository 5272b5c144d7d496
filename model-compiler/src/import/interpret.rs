//! Walks the ONNX nodes in order and turns them into [`Graph`] nodes or constants.

use std::collections::HashMap;
use std::rc::Rc;

use tacet_onnx::{GraphProto, NodeProto};
use tacet_protocol::plan::Shape;

use super::constant::{Constant, Reason};
use super::graph::{Graph, Node, Op};
use super::locate::locate;
use crate::error::{Error, Location, Result};

/// What a name of the ONNX graph stands for.
#[derive(Clone)]
pub(super) enum Value {
    Const(Rc<Constant>),
    Node(Operand),
}

/// A value computed from the image.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    /// Node that makes it.
    pub id: usize,
    /// True if the model sees a vector `[1, n]`, false for `[1, c, h, w]`.
    pub flat: bool,
    pub shape: Shape,
}

impl Operand {
    /// Dimensions as the model sees them.
    pub fn dims(&self) -> Vec<usize> {
        let s = self.shape;
        if self.flat { vec![1, s.len()] } else { vec![1, s.channels, s.height, s.width] }
    }
}

/// A node refused: by its operator, or for a stated reason.
pub(super) enum Fault {
    Unsupported,
    Because(String),
    Passed(Error),
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Self::Because(why)
    }
}

impl From<&str> for Fault {
    fn from(why: &str) -> Self {
        Self::Because(why.into())
    }
}

impl From<Error> for Fault {
    fn from(e: Error) -> Self {
        Self::Passed(e)
    }
}

/// State of the walk.
pub(super) struct Interpreter<'m> {
    pub graph: Graph,
    pub values: HashMap<&'m str, Value>,
    pub warnings: Vec<String>,
    /// A final operator that does not change the label, and what it was applied to.
    pub dropped: Option<(Location, Operand)>,
}

impl<'m> Interpreter<'m> {
    /// Starts with the initializers.
    pub fn new(graph: &'m GraphProto) -> Result<Self> {
        let mut values = HashMap::new();
        for t in &graph.initializer {
            let c = Constant::from_proto(t)
                .map_err(|e| Error::input(format!("the constant `{}`: {e}", t.name)))?;
            values.insert(t.name.as_str(), Value::Const(Rc::new(c)));
        }
        Ok(Self { graph: Graph::default(), values, warnings: Vec::new(), dropped: None })
    }

    pub fn is_constant(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Value::Const(_)))
    }

    pub fn define_input(&mut self, name: &'m str, shape: Shape) -> Result<()> {
        let at = Location {
            node: name.to_owned(),
            operator: "graph input".into(),
            layer: name.to_owned(),
        };
        let id = self.graph.push(Node { op: Op::Input, inputs: vec![], shape, at })?;
        self.values.insert(name, Value::Node(Operand { id, flat: false, shape }));
        Ok(())
    }

    /// Imports one node.
    pub fn node(&mut self, node: &'m NodeProto) -> Result<()> {
        let at = locate(node, |n| self.is_constant(n));
        match self.dispatch(node, &at) {
            Ok(value) => {
                if let Some(name) = node.output.first() {
                    self.values.insert(name, value);
                }
                Ok(())
            }
            Err(Fault::Unsupported) => Err(Error::Unsupported { at }),
            Err(Fault::Because(what)) => Err(Error::Node { at, what }),
            Err(Fault::Passed(e)) => Err(e),
        }
    }

    /// The node that makes the graph's output.
    pub fn output(&mut self, name: &str) -> Result<usize> {
        if let Some((at, operand)) = self.dropped.take() {
            let last = matches!(self.values.get(name), Some(Value::Node(o)) if o.id == operand.id);
            if !last {
                let what = "it is only supported as the last operator".into();
                return Err(Error::Node { at, what });
            }
            let what = format!("{at}: dropped, it does not change the label");
            self.warnings.push(what);
        }
        match self.values.get(name) {
            Some(Value::Node(o)) => Ok(o.id),
            Some(Value::Const(_)) => Err(Error::input("the output does not depend on the image")),
            None => Err(Error::input(format!("no node makes the graph output `{name}`"))),
        }
    }

    /// Input `i` of a node, if given.
    pub fn optional(&self, node: &NodeProto, i: usize) -> Reason<Option<Value>> {
        match node.input.get(i).filter(|n| !n.is_empty()) {
            None => Ok(None),
            Some(name) => match self.values.get(name.as_str()) {
                Some(v) => Ok(Some(v.clone())),
                None => Err(format!("it reads `{name}`, which no earlier node makes")),
            },
        }
    }

    pub fn value(&self, node: &NodeProto, i: usize) -> Reason<Value> {
        self.optional(node, i)?.ok_or_else(|| format!("its input {i} is missing"))
    }

    /// Input `i`, computed from the image.
    pub fn operand(&self, node: &NodeProto, i: usize) -> Reason<Operand> {
        match self.value(node, i)? {
            Value::Node(o) => Ok(o),
            Value::Const(_) => Err(format!("its input {i} is a constant")),
        }
    }

    /// Input `i`, a constant.
    pub fn constant(&self, node: &NodeProto, i: usize) -> Reason<Rc<Constant>> {
        self.optional_constant(node, i)?.ok_or_else(|| format!("its input {i} is missing"))
    }

    pub fn optional_constant(&self, node: &NodeProto, i: usize) -> Reason<Option<Rc<Constant>>> {
        match self.optional(node, i)? {
            None => Ok(None),
            Some(Value::Const(c)) => Ok(Some(c)),
            Some(Value::Node(_)) => Err(format!("its input {i} is not a constant")),
        }
    }

    /// Appends a graph node whose value the model sees as a vector if `flat`.
    pub fn push(
        &mut self,
        op: Op,
        inputs: Vec<usize>,
        shape: Shape,
        flat: bool,
        at: &Location,
    ) -> std::result::Result<Value, Fault> {
        let id = self.graph.push(Node { op, inputs, shape, at: at.clone() })?;
        Ok(Value::Node(Operand { id, flat, shape }))
    }
}
