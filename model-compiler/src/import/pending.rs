//! Sums of linear operators that are not stored yet.

use tacita_protocol::plan::{ConvShape, CopyShape, Shape};

use crate::error::Location;
use crate::network::{FloatOp, FloatTerm};

/// A sum of linear operators.
pub(super) struct Pending {
    pub terms: Vec<FloatTerm>,
    /// One value a channel.
    pub bias: Vec<f64>,
    pub at: Location,
    pub shape: Shape,
}

impl Pending {
    /// A sum without terms.
    pub fn empty(shape: Shape, at: Location) -> Self {
        Self { terms: vec![], bias: vec![0.0; shape.channels], at, shape }
    }

    /// One operator.
    pub fn of(input: usize, op: FloatOp, shape: Shape, at: Location) -> Self {
        Self { terms: vec![FloatTerm { input, op }], ..Self::empty(shape, at) }
    }

    /// True if every term can be scaled channel by channel as it is; `shape_of` gives the shapes of
    /// tensors.
    pub fn scalable(&self, shape_of: impl Fn(usize) -> Option<Shape>) -> bool {
        let whole = |c: &CopyShape| {
            let plain = CopyShape { negative: c.negative, ..CopyShape::whole(c.channels, 0) };
            *c == plain && c.channels == self.shape.channels
        };
        self.terms.iter().all(|t| match &t.op {
            FloatOp::Conv { .. } => true,
            // A part of a tensor is not the whole of it, even if it starts where that does.
            FloatOp::Copy(c) => whole(c) && shape_of(t.input) == Some(self.shape),
            FloatOp::AvgPool(_) | FloatOp::MaxPool(_) => false,
        })
    }

    /// Multiplies each channel of a scalable sum; copies become depthwise convolutions.
    pub fn scale(&mut self, scale: &[f64]) {
        for term in &mut self.terms {
            if let FloatOp::Copy(c) = &term.op {
                let weight = if c.negative { -1.0 } else { 1.0 };
                let groups = self.shape.channels;
                let shape = ConvShape { groups, ..ConvShape::same(self.shape, groups, 1, 1) };
                term.op = FloatOp::Conv { shape, weights: vec![weight; groups] };
            }
            term.op.scale_channels(scale);
        }
        self.bias.iter_mut().zip(scale).for_each(|(b, s)| *b *= s);
    }

    /// Changes the sign of everything; copies stay copies. False if there is an operator without
    /// signs.
    pub fn negate(&mut self) -> bool {
        let pool = |t: &FloatTerm| matches!(t.op, FloatOp::AvgPool(_) | FloatOp::MaxPool(_));
        if self.terms.iter().any(pool) {
            return false;
        }
        for term in &mut self.terms {
            match &mut term.op {
                FloatOp::Copy(c) => c.negative = !c.negative,
                FloatOp::Conv { weights, .. } => weights.iter_mut().for_each(|w| *w = -*w),
                FloatOp::AvgPool(_) | FloatOp::MaxPool(_) => {}
            }
        }
        self.bias.iter_mut().for_each(|b| *b = -*b);
        true
    }
}
