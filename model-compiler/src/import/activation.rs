//! Activations: ReLU and what can be written with it.

use tacita_onnx::NodeProto;
use tacita_protocol::plan::{Head, Mask};

use super::attributes::{Attributes, axis_of};
use super::constant::{Constant, ElementWise, Reason};
use super::graph::Op;
use super::interpret::{Fault, Interpreter, Operand, Step, Value};
use super::view::Axis;
use crate::error::Location;

/// Ends of a clip up to here may be shifted to 0 and back.
const NEAR: f32 = 16.0;

impl<'m> Interpreter<'m> {
    pub(super) fn relu(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        self.rectified(&x, None, at).map(Value::Node)
    }

    /// `min(max(x, 0), cap)`; of a ReLU, the tighter cap.
    fn rectified(&mut self, x: &Operand, cap: Option<f32>, at: &Location) -> Step<Operand> {
        let (op, inner) = match self.graph.op(x.id) {
            Some((Op::Relu { cap: before }, below)) => {
                let cap = match (*before, cap) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
                (Op::Relu { cap }, below)
            }
            _ => (Op::Relu { cap }, x.id),
        };
        self.push(op, vec![inner], x.shape, x.view.clone(), at)
    }

    /// `x` where positive, `slope * x` elsewhere: slope 1 removes the ReLU, slope 0 keeps it.
    pub(super) fn prelu(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        let slope = self.constant(node, 1)?;
        let (x, slope) = self.fitting(slope.as_ref(), &x, at)?;
        if slope.iter().all(|s| *s == 0.0 || *s == 1.0) {
            let mask = Mask::from_bits(slope.iter().map(|s| *s == 0.0));
            return self.map(Op::MaskedRelu { mask, cap: None }, &x, at).map(Value::Node);
        }
        self.leaky(&x, slope, at)
    }

    pub(super) fn leaky_relu(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        let slope = f64::from(Attributes(node).float("alpha", 0.01));
        let n = x.shape.len();
        self.leaky(&x, vec![slope; n], at)
    }

    /// `slope * x + (1 - slope) * relu(x)`.
    fn leaky(&mut self, x: &Operand, slope: Vec<f64>, at: &Location) -> Step {
        if super::affine::per_channel(&slope, x.shape.channels).is_none() {
            return Err("its slopes vary within a channel and are not all 0 or 1".into());
        }
        let relu = self.rectified(x, None, at)?;
        let zeros = vec![0.0; slope.len()];
        let rest = slope.iter().map(|s| 1.0 - s).collect();
        let positive = self.affine(&relu, rest, zeros.clone(), at)?;
        let linear = self.affine(x, slope, zeros, at)?;
        self.push(Op::Sum, vec![positive.id, linear.id], x.shape, x.view.clone(), at)
            .map(Value::Node)
    }

    /// `relu(x) + relu(-x)`.
    pub(super) fn abs(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        let minus = self.uniform(&x, -1.0, 0.0, at)?;
        let (a, b) = (self.rectified(&x, None, at)?, self.rectified(&minus, None, at)?);
        self.push(Op::Sum, vec![a.id, b.id], x.shape, x.view, at).map(Value::Node)
    }

    pub(super) fn clip(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        let a = Attributes(node);
        let bound = |i: usize, name: &str| -> Reason<Option<f32>> {
            match self.optional_constant(node, i)? {
                Some(c) => limit(&c),
                None => Ok(a.attribute(name).map(|a| a.f).filter(|v| v.abs() < f32::MAX)),
            }
        };
        let (low, high) = (bound(1, "min")?, bound(2, "max")?);
        self.clipped(x, low, high, at).map(Value::Node)
    }

    /// `min(max(x, low), high)`.
    fn clipped(
        &mut self,
        x: Operand,
        low: Option<f32>,
        high: Option<f32>,
        at: &Location,
    ) -> Step<Operand> {
        let wide = |v: f32| f64::from(v);
        match (low, high) {
            (None, None) => Ok(x),
            (Some(low), Some(high)) if low >= high => {
                Err("its range is empty: it makes a constant of the image".into())
            }
            // A ReLU has its lower end.
            (Some(low), high) if low <= 0.0 && self.is_relu(&x) => self.clipped(x, None, high, at),
            (None, Some(high)) if high > 0.0 && self.is_relu(&x) => {
                self.rectified(&x, Some(high), at)
            }
            (low, high) if low.or(high).is_some_and(|end| end.abs() > NEAR) => {
                self.excess_cut(&x, low, high, at)
            }
            (Some(low), high) => {
                let moved = self.uniform(&x, 1.0, -wide(low), at)?;
                let y = self.rectified(&moved, high.map(|h| h - low), at)?;
                self.uniform(&y, 1.0, wide(low), at)
            }
            (None, Some(high)) => {
                let below = self.uniform(&x, -1.0, wide(high), at)?;
                let y = self.rectified(&below, None, at)?;
                self.uniform(&y, -1.0, wide(high), at)
            }
        }
    }

    /// `x + relu(low - x) - relu(x - high)`: takes off what is beyond the ends. Other than shifting
    /// the values to an end and back, that leaves no large constants for rounded weights to
    /// multiply.
    fn excess_cut(
        &mut self,
        x: &Operand,
        low: Option<f32>,
        high: Option<f32>,
        at: &Location,
    ) -> Step<Operand> {
        let mut parts = vec![x.id];
        for (end, sign) in [(low, -1.0), (high, 1.0)] {
            let Some(end) = end.map(f64::from) else { continue };
            let beyond = self.uniform(x, sign, -sign * end, at)?;
            let beyond = self.rectified(&beyond, None, at)?;
            parts.push(self.uniform(&beyond, -sign, 0.0, at)?.id);
        }
        self.push(Op::Sum, parts, x.shape, x.view.clone(), at)
    }

    fn is_relu(&self, x: &Operand) -> bool {
        matches!(self.graph.op(x.id), Some((Op::Relu { .. }, _)))
    }

    /// `min(max(alpha * x + beta, 0), 1)`.
    pub(super) fn hard_sigmoid(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        let a = Attributes(node);
        let [alpha, beta] = [a.float("alpha", 0.2), a.float("beta", 0.5)].map(f64::from);
        let y = self.uniform(&x, alpha, beta, at)?;
        self.clipped(y, Some(0.0), Some(1.0), at).map(Value::Node)
    }

    /// `max(x, y) = y + relu(x - y)`; the minimum with `sign` -1.
    pub(super) fn extremum(&mut self, sign: f64, node: &NodeProto, at: &Location) -> Step {
        let mut all = self.value(node, 0)?;
        for i in 1..node.input.len() {
            all = match (all, self.value(node, i)?) {
                (Value::Node(x), Value::Node(y)) => Value::Node(self.larger(x, y, sign, at)?),
                (Value::Node(x), Value::Const(c)) | (Value::Const(c), Value::Node(x)) => {
                    Value::Node(self.bounded(x, &c, sign, at)?)
                }
                (Value::Const(a), Value::Const(b)) => {
                    let op = if sign > 0.0 { ElementWise::Max } else { ElementWise::Min };
                    self.folded(a.zip(&b, op)?)?
                }
            };
        }
        Ok(all)
    }

    /// `max(x, c)`, or the minimum; of a bound that varies, `relu(x - c) + c`.
    fn bounded(&mut self, x: Operand, c: &Constant, sign: f64, at: &Location) -> Step<Operand> {
        let (x, bounds) = self.fitting(c, &x, at)?;
        if c.len() == 1 {
            let v = Some(c.scalar()?);
            let (low, high) = if sign > 0.0 { (v, None) } else { (None, v) };
            return self.clipped(x, low, high, at);
        }
        let signs = vec![sign; bounds.len()];
        let below = bounds.iter().map(|b| -sign * b).collect();
        let moved = self.affine(&x, signs.clone(), below, at)?;
        let excess = self.rectified(&moved, None, at)?;
        self.affine(&excess, signs, bounds, at)
    }

    fn larger(&mut self, x: Operand, y: Operand, sign: f64, at: &Location) -> Step<Operand> {
        let minus = self.uniform(&y, -1.0, 0.0, at)?;
        let difference = self.add(x, minus, at)?;
        let difference = self.uniform(&difference, sign, 0.0, at)?;
        let excess = self.rectified(&difference, None, at)?;
        let excess = self.uniform(&excess, sign, 0.0, at)?;
        self.add(y, excess, at)
    }

    /// The class of the largest logit: what the plan then reveals. A softmax before it does not
    /// change it.
    pub(super) fn arg_max(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        let attributes = Attributes(node);
        attributes.require("select_last_index", 0, "the first of equal logits is taken")?;
        let alone = self.dropped.as_ref().is_none_or(|(_, softmax)| softmax.id == x.id);
        let axis = attributes.int("axis", 0);
        let (all, pixels) = (over_all(&x, axis)?, over_classes(&x, axis)?);
        if !(all || pixels) || self.arg_max || self.mapped || !alone {
            return Err("it is only supported as the last operator, over all logits".into());
        }
        // The class of a pixel is named by the client, who gets all of the pixel's logits.
        (self.arg_max, self.mapped) = (all, !all);
        self.dropped = Some((at.clone(), x.clone()));
        Ok(Value::Node(x))
    }

    /// As the last operator, it keeps the order of the logits; elsewhere it is a smooth activation.
    pub(super) fn sigmoid(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        if self.dropped.replace((at.clone(), x.clone())).is_some() {
            return Err(Fault::Unsupported);
        }
        self.head = Head::Sigmoid;
        Ok(Value::Node(x))
    }

    /// The last operator of a classifier: it keeps the order of the logits.
    pub(super) fn softmax(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        let axis = Attributes(node).int("axis", if self.opset < 13 { 1 } else { -1 });
        if !over_all(&x, axis)? && !over_classes(&x, axis)? {
            return Err("it is only supported as the last operator, over all logits: attention \
                 and gates have no private gadget"
                .into());
        }
        if self.dropped.replace((at.clone(), x.clone())).is_some() {
            return Err("it is only supported as the last operator".into());
        }
        Ok(Value::Node(x))
    }
}

/// True if an axis holds the channels of a map.
fn over_classes(x: &Operand, axis: i64) -> Reason<bool> {
    let axis = axis_of(axis, x.view.rank())?;
    Ok(x.view.is_map(x.shape) && x.view.axis(axis, x.shape) == Some(Axis::Channels))
}

/// True if an axis holds all elements.
fn over_all(x: &Operand, axis: i64) -> Reason<bool> {
    let axis = axis_of(axis, x.view.rank())?;
    Ok(x.dims().get(axis) == Some(&x.shape.len()))
}

/// A bound of a clip; infinite ones are none.
fn limit(c: &Constant) -> Reason<Option<f32>> {
    match c.floats().as_slice() {
        [v] if v.is_nan() => Err("a bound is not a number".into()),
        [v] => Ok(Some(*v).filter(|v| v.abs() < f32::MAX)),
        v => Err(format!("a bound of {} numbers", v.len())),
    }
}
