//! Operator dispatch, and the operators that do no arithmetic on the image.

use std::rc::Rc;

use tacet_onnx::{AttributeType, NodeProto};
use tacet_protocol::plan::Mask;

use super::attributes::Attributes;
use super::constant::{Constant, Data, ElementWise, Reason};
use super::graph::Op;
use super::interpret::{Fault, Interpreter, Operand, Value};
use crate::error::Location;

type Step = Result<Value, Fault>;

impl<'m> Interpreter<'m> {
    pub(super) fn dispatch(&mut self, node: &'m NodeProto, at: &Location) -> Step {
        if !node.domain.is_empty() && node.domain != "ai.onnx" {
            return Err(Fault::Unsupported);
        }
        match node.op_type.as_str() {
            "Conv" => self.conv(node, at),
            "BatchNormalization" => self.batch_norm(node, at),
            "Gemm" => self.gemm(node, at),
            "MatMul" => self.mat_mul(node, at),
            "AveragePool" => self.average_pool(node, at),
            "GlobalAveragePool" => self.global_average_pool(node, at),
            "Relu" => self.relu(node, at),
            "PRelu" => self.prelu(node, at),
            "Add" => self.element_wise(ElementWise::Add, node, at),
            "Sub" => self.element_wise(ElementWise::Sub, node, at),
            "Mul" => self.element_wise(ElementWise::Mul, node, at),
            "Sum" => self.sum(node, at),
            "Identity" => Ok(self.value(node, 0)?),
            "Dropout" => self.dropout(node),
            "Softmax" | "LogSoftmax" => self.softmax(node, at),
            "Flatten" => self.flatten(node),
            "Reshape" => self.reshape(node),
            "Shape" => self.shape_of(node),
            "Constant" => Ok(Value::Const(Rc::new(constant_node(Attributes(node))?))),
            _ => self.on_constants(node),
        }
    }

    fn relu(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        self.push(Op::Relu, vec![x.id], x.shape, x.flat, at)
    }

    /// `x` where positive, `slope * x` elsewhere: slope 1 removes the ReLU, slope 0 keeps it.
    fn prelu(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        let slope = self.constant(node, 1)?.broadcast(&x.dims())?;
        if let Some(other) = slope.iter().find(|s| **s != 0.0 && **s != 1.0) {
            return Err(Fault::Because(format!("a slope of {other}: only 0 and 1 are supported")));
        }
        let mask = Mask::from_bits(slope.iter().map(|s| *s == 0.0));
        self.push(Op::MaskedRelu(mask), vec![x.id], x.shape, x.flat, at)
    }

    fn element_wise(&mut self, op: ElementWise, node: &NodeProto, at: &Location) -> Step {
        match (op, self.value(node, 0)?, self.value(node, 1)?) {
            (_, Value::Const(a), Value::Const(b)) => Ok(Value::Const(Rc::new(a.zip(&b, op)?))),
            (ElementWise::Add, Value::Node(x), Value::Node(y)) => self.add(x, y, at),
            (ElementWise::Add, Value::Node(x), Value::Const(c))
            | (ElementWise::Add, Value::Const(c), Value::Node(x)) => self.shift(x, &c, 1.0, at),
            (ElementWise::Sub, Value::Node(x), Value::Const(c)) => self.shift(x, &c, -1.0, at),
            (ElementWise::Mul, Value::Node(x), Value::Const(c))
            | (ElementWise::Mul, Value::Const(c), Value::Node(x)) => {
                let factors = self.fitting(&c, &x)?;
                self.push(Op::Scale(factors), vec![x.id], x.shape, x.flat, at)
            }
            (ElementWise::Sub, ..) => Err("it subtracts from or between values that depend on \
                 the image; only a constant can be subtracted"
                .into()),
            (ElementWise::Mul, ..) => Err("it multiplies two values that both depend on the \
                 image: masks must be constants of the model"
                .into()),
        }
    }

    fn add(&mut self, x: Operand, y: Operand, at: &Location) -> Step {
        if x.dims() != y.dims() || x.shape != y.shape {
            return Err(Fault::Because(format!("it adds {:?} and {:?}", x.dims(), y.dims())));
        }
        if let Some((input, mask)) = super::masked_relu::recognise(&self.graph, x.id, y.id)? {
            return self.push(Op::MaskedRelu(mask), vec![input], x.shape, x.flat, at);
        }
        self.push(Op::Sum, vec![x.id, y.id], x.shape, x.flat, at)
    }

    fn sum(&mut self, node: &NodeProto, at: &Location) -> Step {
        let first = self.operand(node, 0)?;
        let mut ids = Vec::new();
        for i in 0..node.input.len() {
            let x = self.operand(node, i)?;
            if x.dims() != first.dims() || x.shape != first.shape {
                return Err("its operands have different shapes".into());
            }
            ids.push(x.id);
        }
        self.push(Op::Sum, ids, first.shape, first.flat, at)
    }

    /// Adds `sign` times a constant that is the same all over a channel.
    fn shift(&mut self, x: Operand, c: &Constant, sign: f64, at: &Location) -> Step {
        let values = self.fitting(c, &x)?;
        let shift = per_channel(&values, x.shape.channels)
            .ok_or("the constant that it adds differs within a channel")?;
        let shift = shift.iter().map(|s| f64::from(*s) * sign).collect();
        let op = Op::Affine { scale: vec![1.0; x.shape.channels], shift };
        self.push(op, vec![x.id], x.shape, x.flat, at)
    }

    /// A constant broadcast to the shape of `x`, without growing `x`.
    fn fitting(&self, c: &Constant, x: &Operand) -> Reason<Vec<f32>> {
        let dims = x.dims();
        if c.dims.len() == dims.len() && c.dims.first().is_some_and(|n| *n > 1) {
            return Err("its constant has a batch dimension: export with batch size 1".into());
        }
        let v = c.broadcast(&dims)?;
        if v.iter().any(|x| !x.is_finite()) {
            return Err("its constant is not finite".into());
        }
        Ok(v)
    }

    fn dropout(&self, node: &NodeProto) -> Step {
        if let Some(training) = self.optional_constant(node, 2)?
            && training.floats().iter().any(|x| *x != 0.0)
        {
            return Err("it is in training mode: export the model in evaluation mode".into());
        }
        Ok(self.value(node, 0)?)
    }

    fn softmax(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        if self.dropped.replace((at.clone(), x)).is_some() {
            return Err("it is only supported as the last operator".into());
        }
        Ok(Value::Node(x))
    }

    fn flatten(&self, node: &NodeProto) -> Step {
        let x = self.operand(node, 0)?;
        let rank = x.dims().len() as i64;
        match Attributes(node).int("axis", 1) {
            a if a == 1 || a == 1 - rank => Ok(Value::Node(Operand { flat: true, ..x })),
            a => Err(Fault::Because(format!("axis {a}: only axis 1 is supported"))),
        }
    }

    fn reshape(&self, node: &NodeProto) -> Step {
        let value = self.value(node, 0)?;
        let target = self.constant(node, 1)?;
        let from = match &value {
            Value::Const(c) => c.dims.clone(),
            Value::Node(x) => x.dims(),
        };
        let dims = resolve(&from, target.ints()?, Attributes(node).int("allowzero", 0) == 0)?;
        match value {
            Value::Const(c) => Ok(Value::Const(Rc::new(c.reshaped(dims)?))),
            Value::Node(x) => [true, false]
                .map(|flat| Operand { flat, ..x })
                .into_iter()
                .find(|o| o.dims() == dims)
                .map(Value::Node)
                .ok_or_else(|| {
                    let why = "only a reshape to a vector is supported";
                    Fault::Because(format!("it makes a {dims:?} of a {from:?}: {why}"))
                }),
        }
    }

    fn shape_of(&self, node: &NodeProto) -> Step {
        let a = Attributes(node);
        a.require("start", 0, "slices of shapes are not supported")?;
        if a.attribute("end").is_some() {
            return Err("slices of shapes are not supported".into());
        }
        let dims = match self.value(node, 0)? {
            Value::Const(c) => c.dims.clone(),
            Value::Node(x) => x.dims(),
        };
        let dims = dims.iter().map(|&d| d as i64).collect();
        Ok(Value::Const(Rc::new(Constant::ints_1d(dims))))
    }

    /// Operators that are only known on constants (shape arithmetic, re-laid-out weights).
    fn on_constants(&self, node: &NodeProto) -> Step {
        let ops = ["Cast", "Gather", "Unsqueeze", "Concat", "Expand", "Transpose"];
        if !ops.contains(&node.op_type.as_str()) {
            return Err(Fault::Unsupported);
        }
        let mut c = Vec::new();
        for i in 0..node.input.len() {
            match self.value(node, i)? {
                Value::Const(v) => c.push(v),
                Value::Node(_) => return Err(Fault::Unsupported),
            }
        }
        let first = c.first().ok_or("it has no input")?;
        let result = match (node.op_type.as_str(), c.get(1)) {
            ("Cast", _) => first.as_ref().clone(),
            ("Gather", Some(at)) => first.gather(at)?,
            ("Unsqueeze", axes) => unsqueeze(first, axes.map(AsRef::as_ref), Attributes(node))?,
            ("Concat", _) => Constant::concat(&c.iter().map(AsRef::as_ref).collect::<Vec<_>>())?,
            ("Expand", Some(to)) => expand(first, to)?,
            ("Transpose", _) => first.transposed()?,
            _ => return Err(Fault::Unsupported),
        };
        Ok(Value::Const(Rc::new(result)))
    }
}

fn expand(c: &Constant, to: &Constant) -> Reason<Constant> {
    let dims = to.ints()?.iter().map(|&d| usize::try_from(d)).collect::<Result<Vec<_>, _>>();
    let dims = dims.map_err(|_| "it expands to a negative size".to_string())?;
    let data = Data::Floats(c.broadcast(&dims)?);
    Ok(Constant { dims, data })
}

/// Inserts dimensions of one at `axes` (an attribute before operator set 13).
fn unsqueeze(c: &Constant, axes: Option<&Constant>, a: Attributes<'_>) -> Reason<Constant> {
    let axes = match axes {
        Some(axes) => axes.ints()?,
        None => a.ints("axes").unwrap_or_default(),
    };
    let rank = c.dims.len() + axes.len();
    if rank > 8 {
        return Err("it makes too many dimensions".into());
    }
    let at = |axis: i64| if axis < 0 { axis + rank as i64 } else { axis };
    let mut old = c.dims.iter();
    let dims = (0..rank as i64).map(|i| match axes.iter().any(|&x| at(x) == i) {
        true => 1,
        false => old.next().copied().unwrap_or(1),
    });
    c.reshaped(dims.collect())
}

fn constant_node(a: Attributes<'_>) -> Reason<Constant> {
    if let Some(t) = a.tensor("value") {
        return Constant::from_proto(t);
    }
    let scalar = |data| Constant { dims: vec![], data };
    for name in ["value_float", "value_int", "value_floats", "value_ints"] {
        let Some(x) = a.attribute(name) else { continue };
        return Ok(match AttributeType::try_from(x.r#type) {
            Ok(AttributeType::Float) => scalar(Data::Floats(vec![x.f])),
            Ok(AttributeType::Int) => scalar(Data::Ints(vec![x.i])),
            Ok(AttributeType::Ints) => Constant::ints_1d(x.ints.clone()),
            _ => Constant { dims: vec![x.floats.len()], data: Data::Floats(x.floats.clone()) },
        });
    }
    Err("it holds no tensor of numbers".into())
}

/// Dimensions of a reshape: 0 copies, -1 takes the rest.
fn resolve(from: &[usize], target: &[i64], zero_copies: bool) -> Reason<Vec<usize>> {
    let total = from.iter().try_fold(1usize, |p, d| p.checked_mul(*d)).unwrap_or(0);
    let mut dims = Vec::with_capacity(target.len());
    for (i, &t) in target.iter().enumerate() {
        dims.push(match t {
            -1 => None,
            0 if zero_copies => Some(from.get(i).copied().unwrap_or(0)),
            t => Some(usize::try_from(t).map_err(|_| format!("a size of {t}"))?),
        });
    }
    let known = dims.iter().flatten().try_fold(1usize, |p, d| p.checked_mul(*d)).unwrap_or(0);
    let rest = total.checked_div(known).unwrap_or(0);
    Ok(dims.into_iter().map(|d| d.unwrap_or(rest)).collect())
}

/// One value a channel, if all values within each channel agree.
pub(super) fn per_channel(values: &[f32], channels: usize) -> Option<Vec<f32>> {
    let plane = values.len() / channels.max(1);
    let each = values.chunks(plane.max(1)).map(|c| {
        let first = *c.first()?;
        c.iter().all(|x| *x == first).then_some(first)
    });
    each.collect()
}
