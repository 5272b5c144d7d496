//! Arithmetic with constants, sums and differences.

use tacita_onnx::NodeProto;

use super::attributes::Attributes;
use super::constant::{Constant, Data, ElementWise, Reason};
use super::graph::Op;
use super::interpret::{Fault, Interpreter, Operand, Step, Value};
use super::refuse::{PRODUCT, SQUARE};
use crate::error::Location;

impl<'m> Interpreter<'m> {
    pub(super) fn batch_norm(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        let a = Attributes(node);
        a.require("training_mode", 0, "export the model in evaluation mode")?;
        a.require("spatial", 1, "normalisation per pixel is not supported")?;
        let dims = x.dims();
        let &[_, n, ..] = dims.as_slice() else { return Err("its input has no channels".into()) };
        let param = |i| self.constant(node, i)?.vector(n);
        let [gamma, beta, mean, var] = [param(1)?, param(2)?, param(3)?, param(4)?];
        let eps = f64::from(a.float("epsilon", 1e-5));
        let scale =
            gamma.iter().zip(&var).map(|(g, v)| f64::from(*g) / (f64::from(*v) + eps).sqrt());
        let scale: Vec<f64> = scale.collect();
        if scale.iter().any(|s| !s.is_finite()) {
            return Err("a variance is not positive".into());
        }
        let offsets = beta.iter().zip(&mean).zip(&scale);
        let shift: Vec<f64> =
            offsets.map(|((b, m), s)| f64::from(*b) - f64::from(*m) * s).collect();
        let (x, owner) = self.owned(x, n, at);
        let spread = |v: &[f64]| owner.iter().filter_map(|&c| v.get(c)).copied().collect();
        let y = self.affine(&x, spread(&scale), spread(&shift), at)?;
        let wide = |v: &[f32]| v.iter().map(|x| f64::from(*x)).collect();
        self.statistics.push((y.id, wide(&mean), wide(&var)));
        Ok(Value::Node(y))
    }

    /// The value and, in storage order, the channel of each element: dimension 1 of the model's
    /// view. Channels that storage has among rows and columns are laid out first.
    fn owned(&mut self, x: Operand, n: usize, at: &Location) -> (Operand, Vec<usize>) {
        let of = |x: &Operand| {
            let mut owner = vec![0; x.shape.len()];
            let inner: usize = x.dims().iter().skip(2).product();
            for (i, at) in x.view.indices().into_iter().enumerate() {
                if let Some(o) = owner.get_mut(at) {
                    *o = i / inner.max(1) % n.max(1);
                }
            }
            owner
        };
        let owner = of(&x);
        if x.view.rank() < 4 || per_channel(&owner, x.shape.channels).is_some() {
            return (x, owner);
        }
        match self.laid_out(x.clone(), at) {
            Ok(y) => (y.clone(), of(&y)),
            Err(_) => (x, owner),
        }
    }

    /// `x * scale + shift`, one factor and one offset an element in storage order.
    pub(super) fn affine(
        &mut self,
        x: &Operand,
        scale: Vec<f64>,
        shift: Vec<f64>,
        at: &Location,
    ) -> Step<Operand> {
        let channels = x.shape.channels;
        let zeros = || vec![0.0; channels];
        let (by_channel, offset) = (per_channel(&scale, channels), per_channel(&shift, channels));
        if let (Some(scale), Some(shift)) = (&by_channel, &offset) {
            if scale.iter().all(|s| *s == 1.0) && shift.iter().all(|s| *s == 0.0) {
                return Ok(x.clone());
            }
            return self.map(Op::Affine { scale: scale.clone(), shift: shift.clone() }, x, at);
        }
        if by_channel.is_none()
            && let Some(y) = self.scalable(x, &scale, at)
        {
            let order = x.view.indices();
            let ordered = |v: &[f64]| order.iter().filter_map(|&i| v.get(i)).copied().collect();
            return self.affine(&y, ordered(&scale), ordered(&shift), at);
        }
        let narrow = |v: Vec<f64>| v.into_iter().map(|s| s as f32).collect();
        let scaled = match by_channel {
            Some(scale) if scale.iter().all(|s| *s == 1.0) => x.clone(),
            Some(scale) => self.map(Op::Affine { scale, shift: zeros() }, x, at)?,
            None => self.map(Op::Scale(narrow(scale)), x, at)?,
        };
        match offset {
            Some(shift) if shift.iter().all(|s| *s == 0.0) => Ok(scaled),
            Some(shift) => self.map(Op::Affine { scale: vec![1.0; channels], shift }, &scaled, at),
            None => self.map(Op::Offset(narrow(shift)), &scaled, at),
        }
    }

    /// A flattened image as a vector, whose elements are channels: those have factors of their own.
    /// Masks are left to the ReLUs that they belong to.
    fn scalable(&mut self, x: &Operand, scale: &[f64], at: &Location) -> Option<Operand> {
        let mask = scale.iter().all(|s| *s == 0.0 || *s == 1.0);
        if mask || x.view.rank() >= 4 {
            return None;
        }
        self.as_vector(x.clone(), at).ok().filter(|y| y.id != x.id)
    }

    /// `x * scale + shift` with the same two numbers everywhere.
    pub(super) fn uniform(
        &mut self,
        x: &Operand,
        scale: f64,
        shift: f64,
        at: &Location,
    ) -> Step<Operand> {
        let n = x.shape.len();
        self.affine(x, vec![scale; n], vec![shift; n], at)
    }

    pub(super) fn negate(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        self.uniform(&x, -1.0, 0.0, at).map(Value::Node)
    }

    pub(super) fn element_wise(
        &mut self,
        op: ElementWise,
        node: &NodeProto,
        at: &Location,
    ) -> Step {
        let result = match (self.value(node, 0)?, self.value(node, 1)?) {
            (Value::Node(x), Value::Node(y)) => return self.pair(op, x, y, at),
            (Value::Node(x), Value::Const(c)) => self.with_constant(op, &x, &c, at)?,
            (Value::Const(c), Value::Node(x)) => match op {
                ElementWise::Sub => {
                    let minus = self.uniform(&x, -1.0, 0.0, at)?;
                    self.with_constant(ElementWise::Add, &minus, &c, at)?
                }
                ElementWise::Add | ElementWise::Mul => self.with_constant(op, &x, &c, at)?,
                _ => return Err("it divides by a value that depends on the image".into()),
            },
            (Value::Const(a), Value::Const(b)) => return self.folded(a.zip(&b, op)?),
        };
        Ok(Value::Node(result))
    }

    /// `x op c`.
    fn with_constant(
        &mut self,
        op: ElementWise,
        x: &Operand,
        c: &Constant,
        at: &Location,
    ) -> Step<Operand> {
        self.check_integers(x, c)?;
        let (x, values) = self.fitting(c, x, at)?;
        let n = values.len();
        let (scale, shift) = match op {
            ElementWise::Mul => (values, vec![0.0; n]),
            ElementWise::Div => (values.iter().map(|v| 1.0 / v).collect(), vec![0.0; n]),
            ElementWise::Sub => (vec![1.0; n], values.iter().map(|v| -v).collect()),
            _ => (vec![1.0; n], values),
        };
        if scale.iter().any(|s: &f64| !s.is_finite()) {
            return Err("it divides by zero".into());
        }
        self.affine(&x, scale, shift, at)
    }

    fn pair(&mut self, op: ElementWise, x: Operand, y: Operand, at: &Location) -> Step {
        match op {
            ElementWise::Add => self.add(x, y, at).map(Value::Node),
            ElementWise::Sub => {
                let (x, y) = self.aligned(x, y, at)?;
                let minus = self.uniform(&y, -1.0, 0.0, at)?;
                self.add(x, minus, at).map(Value::Node)
            }
            ElementWise::Mul if x.id == y.id => Err(SQUARE.into()),
            ElementWise::Mul => Err(PRODUCT.into()),
            _ => Err("it divides by a value that depends on the image".into()),
        }
    }

    /// Two operands that lie alike.
    fn aligned(&mut self, x: Operand, y: Operand, at: &Location) -> Step<(Operand, Operand)> {
        if x.dims() != y.dims() {
            return Err(Fault::Because(format!("it joins {:?} and {:?}", x.dims(), y.dims())));
        }
        if x.shape == y.shape && x.view == y.view {
            return Ok((x, y));
        }
        let (x, y) = (self.laid_out(x, at)?, self.laid_out(y, at)?);
        if x.shape != y.shape || x.view != y.view {
            return Err("its operands lie differently in memory".into());
        }
        Ok((x, y))
    }

    pub(super) fn add(&mut self, x: Operand, y: Operand, at: &Location) -> Step<Operand> {
        let (x, y) = self.aligned(x, y, at)?;
        if let Some((input, op)) = super::masked_relu::recognise(&self.graph, x.id, y.id)? {
            return self.push(op, vec![input], x.shape, x.view, at);
        }
        self.push(Op::Sum, vec![x.id, y.id], x.shape, x.view, at)
    }

    pub(super) fn sum(&mut self, node: &NodeProto, at: &Location) -> Step {
        let mut all = self.value(node, 0)?;
        for i in 1..node.input.len() {
            all = match (all, self.value(node, i)?) {
                (Value::Node(x), Value::Node(y)) => Value::Node(self.add(x, y, at)?),
                (Value::Node(x), Value::Const(c)) | (Value::Const(c), Value::Node(x)) => {
                    Value::Node(self.with_constant(ElementWise::Add, &x, &c, at)?)
                }
                (Value::Const(a), Value::Const(b)) => self.folded(a.zip(&b, ElementWise::Add)?)?,
            };
        }
        Ok(all)
    }

    pub(super) fn mean(&mut self, node: &NodeProto, at: &Location) -> Step {
        match self.sum(node, at)? {
            Value::Node(x) => {
                self.uniform(&x, 1.0 / node.input.len() as f64, 0.0, at).map(Value::Node)
            }
            Value::Const(_) => Err("it takes the mean of constants".into()),
        }
    }

    /// `condition ? a : b` with a constant condition: a sum of two masked values.
    pub(super) fn select(&mut self, node: &NodeProto, at: &Location) -> Step {
        let condition = self.constant(node, 0)?.map(|c| f32::from(c != 0.0));
        let not = condition.map(|c| 1.0 - c);
        let part = |this: &mut Self, i: usize, mask: &Constant| match this.value(node, i)? {
            Value::Node(x) => this.with_constant(ElementWise::Mul, &x, mask, at).map(Value::Node),
            Value::Const(c) => this.folded(c.zip(mask, ElementWise::Mul)?),
        };
        let (a, b) = (part(self, 1, &condition)?, part(self, 2, &not)?);
        match (a, b) {
            (Value::Node(x), Value::Node(y)) => self.add(x, y, at).map(Value::Node),
            (Value::Node(x), Value::Const(c)) | (Value::Const(c), Value::Node(x)) => {
                self.with_constant(ElementWise::Add, &x, &c, at).map(Value::Node)
            }
            (Value::Const(a), Value::Const(b)) => self.folded(a.zip(&b, ElementWise::Add)?),
        }
    }

    pub(super) fn power(&mut self, node: &NodeProto) -> Step {
        let exponent = self.constant(node, 1)?.scalar()?;
        match exponent {
            1.0 => Ok(self.value(node, 0)?),
            2.0 => Err(SQUARE.into()),
            e => {
                Err(Fault::Because(format!("a power of {e} of a value that depends on the image")))
            }
        }
    }

    /// A constant broadcast to `x`, in storage order; `x` may gain dimensions of one in front. If
    /// the constant has a number a channel, those are channels of storage, too.
    pub(super) fn fitting(
        &mut self,
        c: &Constant,
        x: &Operand,
        at: &Location,
    ) -> Step<(Operand, Vec<f64>)> {
        let (x, stored) = Self::spread(c, x)?;
        let one_way = c.dims.iter().filter(|d| **d != 1).count() == 1;
        if one_way
            && x.view.rank() == 4
            && per_channel(&stored, x.shape.channels).is_none()
            && let Ok(y) = self.laid_out(x.clone(), at)
        {
            return Ok(Self::spread(c, &y)?);
        }
        Ok((x, stored))
    }

    fn spread(c: &Constant, x: &Operand) -> Reason<(Operand, Vec<f64>)> {
        let mut x = x.clone();
        while x.view.rank() < c.dims.len().min(8) {
            x.view = x.view.wrapped();
        }
        let dims = x.dims();
        if c.dims.len() == dims.len()
            && c.dims.first().is_some_and(|n| *n > 1)
            && dims.first() == Some(&1)
        {
            return Err("its constant has a batch dimension: export with batch size 1".into());
        }
        let floats = Constant { dims: c.dims.clone(), data: Data::Floats(c.floats()) };
        let v = floats.broadcast(&dims)?;
        let mut stored = vec![0.0; x.shape.len()];
        for (at, v) in x.view.indices().into_iter().zip(v) {
            if let Some(s) = stored.get_mut(at) {
                *s = f64::from(v);
            }
        }
        if stored.iter().any(|x| !x.is_finite()) {
            return Err("its constant is not finite".into());
        }
        Ok((x, stored))
    }
}

/// One value a channel, if all values within each channel agree.
pub(super) fn per_channel<T: Copy + PartialEq>(values: &[T], channels: usize) -> Option<Vec<T>> {
    let plane = values.len() / channels.max(1);
    let each = values.chunks(plane.max(1)).map(|c| {
        let first = *c.first()?;
        c.iter().all(|x| *x == first).then_some(first)
    });
    each.collect()
}
