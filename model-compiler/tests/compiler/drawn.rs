//! Small random networks, made of everything that an importer may leave in one.

use tacita_compile::{FloatOp, FloatTerm, Layer, Network, Window, splitmix};
use tacita_protocol::plan::{ConvShape, CopyShape, Mask, Padding, Shape};

/// The state of [`splitmix`].
pub struct Draw(pub u64);

impl Draw {
    fn next(&mut self) -> u64 {
        splitmix(&mut self.0)
    }
    /// One of `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
    /// A number of [-1, 1).
    pub fn real(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
    pub fn reals(&mut self, n: usize, scale: f32) -> Vec<f32> {
        (0..n).map(|_| scale * self.real()).collect()
    }
}

/// A convolution with drawn weights.
pub fn conv(d: &mut Draw, input: usize, shape: ConvShape) -> FloatTerm {
    let fan_in = shape.weights() / shape.out_channels;
    let weights = d.reals(shape.weights(), (3.0 / fan_in as f32).sqrt());
    FloatTerm { input, op: FloatOp::Conv { shape, weights } }
}

pub fn max_pool(input: usize, window: Window) -> FloatTerm {
    FloatTerm { input, op: FloatOp::MaxPool(window) }
}

/// A random window that fits an image.
fn window(d: &mut Draw, image: Shape, padded: bool) -> Window {
    let (kernel_h, kernel_w) = (1 + d.below(image.height.min(5)), 1 + d.below(image.width.min(5)));
    let mut side = |kernel: usize| if padded && d.once_in(2) { d.below(kernel) } else { 0 };
    let (top, bottom) = (side(kernel_h), side(kernel_h));
    let (left, right) = (side(kernel_w), side(kernel_w));
    Window { kernel_h, kernel_w, stride: 1 + d.below(3), pad: Padding { top, left, bottom, right } }
}

fn drawn_conv(d: &mut Draw, input: usize, from: Shape) -> (FloatTerm, Shape) {
    let w = if d.once_in(3) {
        Window { kernel_h: 1, kernel_w: 1, stride: 1, pad: Padding::NONE }
    } else {
        let padded = d.once_in(2);
        window(d, from, padded)
    };
    let groups = if d.once_in(3) { from.channels } else { 1 };
    let shape = ConvShape {
        input: from,
        out_channels: groups * (1 + d.below(if groups == 1 { 6 } else { 2 })),
        kernel_h: w.kernel_h,
        kernel_w: w.kernel_w,
        stride: w.stride,
        pad: w.pad,
        groups,
    };
    (conv(d, input, shape), shape.output())
}

/// Zeros around a tensor, or a part of it, or its negative.
fn drawn_copy(d: &mut Draw, input: usize, from: Shape) -> (FloatTerm, Shape) {
    let negative = d.once_in(4);
    let mut copy = CopyShape { negative, ..CopyShape::whole(from.channels, 0) };
    let mut out = from;
    if d.once_in(2) {
        let [top, left] = [0, 1].map(|_| d.below(3));
        copy.offset = [-(top as isize), -(left as isize)];
        out.height += top + d.below(2);
        out.width += left + d.below(2);
    } else if d.once_in(2) {
        copy.stride = [1 + d.below(2), 1 + d.below(2)];
        copy.offset = [d.below(2) as isize, d.below(2) as isize];
        copy.from = d.below(from.channels);
        copy.channels = 1 + d.below(from.channels - copy.from);
        out.channels = copy.channels;
    }
    (FloatTerm { input, op: FloatOp::Copy(copy) }, out)
}

/// Two tensors of one size, side by side.
fn concatenated(layers: &[Layer], a: usize, b: usize) -> (Vec<FloatTerm>, Shape) {
    let [first, second] = [a, b].map(|i| layers[i].shape.channels);
    let shape = Shape { channels: first + second, ..layers[a].shape };
    let next = CopyShape { to: first, ..CopyShape::whole(second, 0) };
    let terms = vec![
        FloatTerm { input: a, op: FloatOp::identity(first) },
        FloatTerm { input: b, op: FloatOp::Copy(next) },
    ];
    (terms, shape)
}

fn mask(d: &mut Draw, shape: Shape) -> Mask {
    let plane = shape.height * shape.width;
    match d.below(4) {
        0 => Mask::from_bits((0..shape.len()).map(|_| d.once_in(2))),
        1 => {
            let channels: Vec<bool> = (0..shape.channels).map(|_| d.once_in(2)).collect();
            Mask::from_bits((0..shape.len()).map(|i| channels[i / plane]))
        }
        _ => Mask::uniform(shape.len(), true),
    }
}

/// A layer on the tensors so far.
fn layer(d: &mut Draw, layers: &[Layer]) -> Layer {
    // Mostly on the last tensor: chains are what the passes look for.
    let input = if d.once_in(3) { d.below(layers.len()) } else { layers.len() - 1 };
    let from = layers[input].shape;
    let (mut terms, shape) = match d.below(8) {
        0 | 1 => {
            let padded = d.once_in(2);
            let w = window(d, from, padded);
            (vec![max_pool(input, w)], w.output(from))
        }
        2 => {
            let w = window(d, from, false);
            (vec![FloatTerm { input, op: FloatOp::AvgPool(w) }], w.output(from))
        }
        3 => {
            let (term, shape) = drawn_copy(d, input, from);
            (vec![term], shape)
        }
        4 => {
            let size = |s: Shape| (s.height, s.width);
            let fits = |i: &usize| size(layers[*i].shape) == size(from);
            let other = (0..layers.len()).filter(fits).nth(d.below(2)).unwrap_or(input);
            concatenated(layers, input, other)
        }
        _ => {
            let (term, shape) = drawn_conv(d, input, from);
            (vec![term], shape)
        }
    };
    let equals: Vec<usize> = (0..layers.len()).filter(|i| layers[*i].shape == shape).collect();
    if let (Some(other), true) = (equals.last(), d.once_in(2)) {
        let op = FloatOp::identity(shape.channels);
        terms.push(FloatTerm { input: *other, op });
    }
    let mut made = Layer::linear(format!("layer{}", layers.len()), shape, terms);
    if d.once_in(2) {
        made.bias = d.reals(shape.channels, 0.3);
    }
    if d.once_in(2) {
        made.mask = mask(d, shape);
        made.unmasked_relus = shape.len();
        made.cap = d.once_in(3).then_some(0.4);
    }
    made
}

/// A network of a few layers and a fully connected one.
pub fn network(seed: u64) -> Network {
    let mut d = Draw(seed);
    let input = Shape::new(3, 5 + d.below(5), 5 + d.below(5));
    let mut layers = vec![Layer::linear("image", input, vec![])];
    for _ in 0..2 + d.below(6) {
        let next = layer(&mut d, &layers);
        if next.shape.len() <= 1500 {
            layers.push(next);
        }
    }
    let from = layers.last().unwrap().shape;
    let shape = ConvShape {
        input: from,
        out_channels: 4,
        kernel_h: from.height,
        kernel_w: from.width,
        stride: 1,
        pad: Padding::NONE,
        groups: 1,
    };
    let term = conv(&mut d, layers.len() - 1, shape);
    layers.push(Layer::linear("fc", Shape::new(4, 1, 1), vec![term]));
    Network::new(input, layers)
}

/// An image for it.
pub fn image(network: &Network, seed: u64) -> Vec<f32> {
    Draw(seed).reals(network.input.len(), 1.5)
}
