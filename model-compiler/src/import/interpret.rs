//! Walks the ONNX nodes in order and turns them into [`Graph`] nodes or constants.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use tacita_onnx::{GraphProto, NodeProto};
use tacita_protocol::plan::{Head, Shape};

use super::constant::{Constant, Reason, count};
use super::graph::{Graph, Node, Op};
use super::input::Input;
use super::locate::locate;
use super::view::View;
use crate::error::{Error, Location, Result};

/// Elements that constants may gain by arithmetic, beyond a multiple of what the file holds.
const MAX_FOLDED: usize = 1 << 25;

/// What a name of the ONNX graph stands for.
#[derive(Clone)]
pub(super) enum Value {
    Const(Rc<Constant>),
    Node(Operand),
}

/// A value computed from the image.
#[derive(Clone)]
pub(super) struct Operand {
    /// Node that makes it.
    pub id: usize,
    /// Shape of the stored tensor.
    pub shape: Shape,
    /// What the model sees of it.
    pub view: View,
}

impl Operand {
    /// Dimensions as the model sees them.
    pub fn dims(&self) -> Vec<usize> {
        self.view.dims()
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

/// What importing a node gives.
pub(super) type Step<T = Value> = std::result::Result<T, Fault>;

/// State of the walk.
pub(super) struct Interpreter<'m> {
    pub graph: Graph,
    pub opset: i64,
    pub values: HashMap<&'m str, Value>,
    pub warnings: Vec<String>,
    /// For each bias, the weights that it was first used with.
    pub biases: HashMap<String, String>,
    /// The image holds bytes.
    pub bytes: bool,
    /// Means and variances that batch normalisations saw, by the graph node that they became.
    pub statistics: Vec<(usize, Vec<f64>, Vec<f64>)>,
    /// A final operator that does not change the label, and what it was applied to.
    pub dropped: Option<(Location, Operand)>,
    /// That operator is the arg-max.
    pub arg_max: bool,
    /// What the client makes of the logits.
    pub head: Head,
    /// It is the arg-max of every pixel of a map.
    pub mapped: bool,
    /// Elements that folded constants may still take.
    budget: usize,
}

impl<'m> Interpreter<'m> {
    /// Starts with the initializers.
    pub fn new(graph: &'m GraphProto, opset: i64) -> Result<Self> {
        let (mut values, mut elements) = (HashMap::new(), 0usize);
        for t in &graph.initializer {
            let c = Constant::from_proto(t)
                .map_err(|e| Error::input(format!("the constant `{}`: {e}", t.name)))?;
            elements += c.len();
            values.insert(t.name.as_str(), Value::Const(Rc::new(c)));
        }
        Ok(Self {
            graph: Graph::default(),
            opset,
            values,
            warnings: Vec::new(),
            biases: HashMap::new(),
            bytes: false,
            statistics: Vec::new(),
            dropped: None,
            arg_max: false,
            head: Head::Softmax,
            mapped: false,
            budget: MAX_FOLDED.saturating_add(elements.saturating_mul(4)),
        })
    }

    pub fn is_constant(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Value::Const(_)))
    }

    pub fn define_input(&mut self, input: &Input<'m>) -> Result<()> {
        let Input { name, shape, ref view, bytes, .. } = *input;
        self.bytes = bytes;
        let view = view.clone();
        let at = Location {
            node: name.to_owned(),
            operator: "graph input".into(),
            layer: name.to_owned(),
        };
        let id = self.graph.push(Node { op: Op::Input, inputs: vec![], shape, at })?;
        self.values.insert(name, Value::Node(Operand { id, shape, view }));
        Ok(())
    }

    /// Imports the nodes, each behind what it reads, that the value `output` depends on.
    pub fn nodes(&mut self, nodes: &[&'m NodeProto], output: &str) -> Result<()> {
        let mut wanted = HashSet::from([output]);
        let mut live = vec![false; nodes.len()];
        for (node, live) in nodes.iter().zip(&mut live).rev() {
            *live = node.output.iter().any(|o| !o.is_empty() && wanted.contains(o.as_str()));
            if *live {
                wanted.extend(node.input.iter().map(String::as_str));
            }
        }
        let live = nodes.iter().zip(live).filter(|(_, live)| *live);
        live.map(|(node, _)| *node).try_for_each(|node| self.node(node))
    }

    fn node(&mut self, node: &'m NodeProto) -> Result<()> {
        let at = locate(node, |n| self.is_constant(n));
        let values = self.dispatch(node, &at).map_err(|fault| match fault {
            Fault::Unsupported => {
                Error::Unsupported { hint: super::refuse::hint(&at.operator), at: at.clone() }
            }
            Fault::Because(what) => Error::Node { at: at.clone(), what },
            Fault::Passed(e) => e,
        })?;
        for (name, value) in node.output.iter().zip(values).filter(|(n, _)| !n.is_empty()) {
            if self.values.insert(name, value).is_some() {
                let what = format!("its output `{name}` has been made before: a damaged model");
                return Err(Error::Node { at, what });
            }
        }
        Ok(())
    }

    /// The node that makes the graph's output: one logit a class, or a map of them.
    pub fn output(&mut self, name: &str) -> Result<usize> {
        if let Some((at, operand)) = self.dropped.take() {
            let last = matches!(self.values.get(name), Some(Value::Node(o)) if o.id == operand.id);
            if !last && at.operator == "Sigmoid" {
                return Err(Error::Unsupported { hint: super::refuse::hint("Sigmoid"), at });
            }
            if !last {
                let what = "it is only supported as the last operator".into();
                return Err(Error::Node { at, what });
            }
            if !self.arg_max {
                self.warnings.push(format!("{at}: left to the client, who gets what goes into it"));
            }
        }
        match self.values.get(name) {
            Some(Value::Node(o)) => {
                check_output(o)?;
                Ok(o.id)
            }
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
            Some(Value::Node(_)) => {
                Err(format!("its input {i} is computed from the image, a constant is needed"))
            }
        }
    }

    /// A constant that arithmetic made, within the memory that a file of this size may ask for.
    pub fn folded(&mut self, c: Constant) -> Step {
        let left = count(&c.dims).and_then(|n| self.budget.checked_sub(n));
        self.budget = left.ok_or("the constants that the model computes are too large")?;
        Ok(Value::Const(Rc::new(c)))
    }

    /// Appends a graph node that the model sees as `view`.
    pub fn push(
        &mut self,
        op: Op,
        inputs: Vec<usize>,
        shape: Shape,
        view: View,
        at: &Location,
    ) -> Step<Operand> {
        let id = self.graph.push(Node { op, inputs, shape, at: at.clone() })?;
        Ok(Operand { id, shape, view })
    }

    /// Appends a node that works element by element on `x`.
    pub fn map(&mut self, op: Op, x: &Operand, at: &Location) -> Step<Operand> {
        self.push(op, vec![x.id], x.shape, x.view.clone(), at)
    }

    /// Appends a node that makes an image.
    pub fn push_image(
        &mut self,
        op: Op,
        x: &Operand,
        shape: Shape,
        at: &Location,
    ) -> Step<Operand> {
        self.push(op, vec![x.id], shape, View::image(shape), at)
    }
}

/// Refuses what is neither one logit a class nor a map of an image or a signal.
fn check_output(o: &Operand) -> Result<()> {
    let Shape { channels, height, width } = o.shape;
    if height * width == 1 || o.view.is_map(o.shape) {
        return Ok(());
    }
    Err(Error::input(format!(
        "the network's output, a {:?}, is made of {channels}x{height}x{width} numbers: it must be one \
         logit a class, or a map [1, channels, rows, columns]",
        o.dims()
    )))
}
