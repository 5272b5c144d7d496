//! Tensor by tensor to a public plan with full masks.

use tacita_protocol::plan::{
    ConvShape, InputSpec, Linear, Mask, Padding, PoolShape, PublicPlan, ReluChoices, Reveals,
    Shape, TensorSpec, Term,
};

const FRAC: u32 = 10;
/// Fractional bits of all weights.
pub const WEIGHT_FRAC: u32 = 10;
/// 14 bits a comparison, as the figures of docs/protocol.md, section 6.
const MAGNITUDE: u32 = 13;

/// A network in the making.
pub struct Builder {
    tensors: Vec<TensorSpec>,
}

impl Builder {
    /// Of an image alone.
    pub fn new(image: Shape) -> Self {
        let mut build = Self { tensors: Vec::new() };
        build.push("image", image, 0, Vec::new(), false);
        build
    }

    /// The last tensor.
    pub fn last(&self) -> usize {
        self.tensors.len().saturating_sub(1)
    }

    /// Shape of a tensor.
    pub fn shape(&self, tensor: usize) -> Shape {
        self.tensors.get(tensor).map_or(Shape::new(1, 1, 1), |t| t.shape)
    }

    /// Adds a sum of operators that weights are part of; returns its index.
    pub fn sum(&mut self, name: &str, shape: Shape, terms: Vec<Term>, relu: bool) -> usize {
        self.push(name, shape, WEIGHT_FRAC, terms, relu)
    }

    /// Adds a convolution of an earlier tensor.
    pub fn conv(&mut self, name: &str, input: usize, conv: ConvShape, relu: bool) -> usize {
        self.sum(name, conv.output(), vec![Term { input, op: Linear::Conv(conv) }], relu)
    }

    /// Adds an average pool of `side` by `side` windows, a power of two, that do not overlap.
    pub fn average(&mut self, name: &str, input: usize, side: usize) -> usize {
        let area = (side * side).ilog2();
        let pool = PoolShape {
            kernel_h: side,
            kernel_w: side,
            stride: side,
            pad: Padding::NONE,
            multiplier: 1,
            added_frac: area,
        };
        let shape = pool.output(self.shape(input));
        self.push(name, shape, area, vec![Term { input, op: Linear::AvgPool(pool) }], false)
    }

    /// Adds the mean of each channel and a fully connected layer.
    pub fn head(&mut self, classes: usize) {
        let side = self.shape(self.last()).height;
        if side > 1 {
            self.average("pool", self.last(), side);
        }
        self.connected(classes);
    }

    /// Adds a fully connected layer on the whole last tensor.
    pub fn connected(&mut self, classes: usize) {
        let (input, from) = (self.last(), self.shape(self.last()));
        let whole = ConvShape {
            kernel_h: from.height,
            kernel_w: from.width,
            pad: Padding::NONE,
            ..ConvShape::same(from, classes, 1, 1)
        };
        self.conv("logits", input, whole, false);
    }

    fn push(
        &mut self,
        name: &str,
        shape: Shape,
        truncate: u32,
        terms: Vec<Term>,
        relu: bool,
    ) -> usize {
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
        self.last()
    }

    /// The plan's public half.
    pub fn finish(self, name: &str) -> PublicPlan {
        PublicPlan {
            name: name.into(),
            relu_choices: ReluChoices::garbled(&self.tensors),
            input: InputSpec { mean: vec![0.5; 3], std: vec![0.25; 3] },
            tensors: self.tensors,
            labels: Vec::new(),
            batch: 1,
            reveals: Reveals::Logits,
        }
    }
}
