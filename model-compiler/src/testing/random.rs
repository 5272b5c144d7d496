//! Random networks of everything that a plan knows.

use tacita_protocol::plan::{ConvShape, CopyShape, Mask, Padding, Shape};

use crate::draw::splitmix;
use crate::network::{FloatOp, FloatTerm, Layer, Network, Window};

/// Draws networks: grouped, strided and one-sidedly padded convolutions, shortcuts, slices,
/// concatenations, pools, full, partial and empty masks.
pub struct RandomNetwork {
    layers: Vec<Layer>,
    state: u64,
}

impl RandomNetwork {
    /// The network of a seed.
    pub fn draw(seed: u64) -> Network {
        let mut this = Self { layers: Vec::new(), state: seed };
        let (height, width) = (6 + this.below(18), 6 + this.below(18));
        let input = Shape::new([1, 3][this.below(2)], height, width);
        this.layers.push(Layer::linear("image", input, vec![]));
        for _ in 0..2 + this.below(5) {
            this.step();
        }
        this.head();
        let mut network = Network::new(input, this.layers);
        network.mean = Some(vec![0.0; input.channels]);
        network.std = Some(vec![1.0; input.channels]);
        network
    }

    fn below(&mut self, n: usize) -> usize {
        (splitmix(&mut self.state) % n.max(1) as u64) as usize
    }

    fn uniforms(&mut self, n: usize, spread: f32) -> Vec<f32> {
        let mut one = || (splitmix(&mut self.state) >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
        (0..n).map(|_| spread * one()).collect()
    }

    fn shape(&self, i: usize) -> Shape {
        self.layers.get(i).map_or(Shape::new(1, 1, 1), |l| l.shape)
    }

    fn push(&mut self, shape: Shape, terms: Vec<FloatTerm>) {
        let name = format!("layer{}", self.layers.len());
        let mut layer = Layer::linear(name, shape, terms);
        layer.bias = self.uniforms(shape.channels, 0.3);
        if self.below(4) > 0 {
            let keep = 1 + self.below(4);
            let mask = (0..shape.len()).map(|_| self.below(4) < keep).collect::<Vec<_>>();
            layer.mask = Mask::from_bits(mask);
            layer.unmasked_relus = shape.len();
        }
        self.layers.push(layer);
    }

    fn step(&mut self) {
        let input = self.layers.len() - 1;
        match self.below(5) {
            0 => self.pool(input),
            1 => self.copies(input),
            _ => self.conv(input),
        }
    }

    fn filters(&mut self, shape: ConvShape) -> FloatOp {
        let fan_in = (shape.group_inputs() * shape.kernel_h * shape.kernel_w) as f32;
        let weights = self.uniforms(shape.weights(), (3.0 / fan_in).sqrt());
        FloatOp::Conv { shape, weights }
    }

    /// A convolution, and where the shapes allow it a shortcut.
    fn conv(&mut self, input: usize) {
        let from = self.shape(input);
        let (kernel_h, kernel_w) =
            (1 + self.below(from.height.min(3)), 1 + self.below(from.width.min(3)));
        let mut pad = |kernel: usize| self.below(kernel);
        let (top, bottom) = (pad(kernel_h), pad(kernel_h));
        let (left, right) = (pad(kernel_w), pad(kernel_w));
        let divisors = (1..=from.channels).filter(|d| from.channels.is_multiple_of(*d));
        let divisors: Vec<usize> = divisors.collect();
        let groups = divisors[self.below(divisors.len())];
        let shape = ConvShape {
            input: from,
            out_channels: groups * (1 + self.below(12 / groups)),
            kernel_h,
            kernel_w,
            stride: 1 + self.below(2),
            pad: Padding { top, left, bottom, right },
            groups,
        };
        let mut terms = vec![FloatTerm { input, op: self.filters(shape) }];
        let same = |l: &Layer| l.shape == shape.output();
        if let Some(input) = self.layers.iter().rposition(same) {
            let op = FloatOp::identity(shape.out_channels);
            terms.push(FloatTerm { input, op });
        }
        self.push(shape.output(), terms);
    }

    fn pool(&mut self, input: usize) {
        let from = self.shape(input);
        let (kernel_h, kernel_w) =
            (1 + self.below(from.height.min(3)), 1 + self.below(from.width.min(3)));
        let pad =
            Padding { top: self.below(kernel_h), right: self.below(kernel_w), ..Padding::NONE };
        let window = Window { kernel_h, kernel_w, stride: 1 + self.below(2), pad };
        self.push(window.output(from), vec![FloatTerm { input, op: FloatOp::AvgPool(window) }]);
    }

    /// The tensor, some of its channels below it, every other column shifted, one part negated.
    fn copies(&mut self, input: usize) {
        let from = self.shape(input);
        let first = self.below(from.channels);
        let some = from.channels - first;
        let stride = [1 + self.below(2), 1 + self.below(2)];
        let shape = Shape {
            channels: from.channels + some,
            height: from.height.div_ceil(stride[0]),
            width: from.width.div_ceil(stride[1]),
        };
        let offset = [self.below(3) as isize - 1, self.below(3) as isize - 1];
        let whole = CopyShape { stride, ..CopyShape::whole(from.channels, 0) };
        let part = CopyShape {
            from: first,
            to: from.channels,
            negative: self.below(2) == 1,
            offset,
            stride,
            ..CopyShape::whole(some, 0)
        };
        let term = |c| FloatTerm { input, op: FloatOp::Copy(c) };
        self.push(shape, vec![term(whole), term(part)]);
    }

    fn head(&mut self) {
        let input = self.layers.len() - 1;
        let from = self.shape(input);
        let (kernel_h, kernel_w) = (from.height, from.width);
        let whole = ConvShape {
            kernel_h,
            kernel_w,
            pad: Padding::NONE,
            ..ConvShape::same(from, 2 + self.below(4), 1, 1)
        };
        let op = self.filters(whole);
        self.layers.push(Layer::linear("logits", whole.output(), vec![FloatTerm { input, op }]));
    }
}
