//! Maxima from masked ReLUs: `max(a, b) = b + relu(a - b)`.

use tacita_protocol::plan::{CopyShape, Shape};

use super::rewrite::{derived, push};
use crate::network::{FloatOp, FloatTerm, Layer};

/// An operand: a block of channels of a tensor, looked at through a stride and an offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    /// The tensor.
    pub input: usize,
    /// First channel.
    pub from: usize,
    /// Rows and columns from one element to the next.
    pub stride: [usize; 2],
    /// Row and column of the first element.
    pub offset: [isize; 2],
}

impl Tap {
    /// A tensor as it is.
    pub const fn whole(input: usize) -> Self {
        Self { input, from: 0, stride: [1; 2], offset: [0; 2] }
    }

    /// Reads it into the channels from `to` on.
    pub const fn term(self, negative: bool, to: usize, channels: usize) -> FloatTerm {
        let Self { input, from, stride, offset } = self;
        let whole = CopyShape::whole(channels, 0);
        let copy = CopyShape { negative, from, to, stride, offset, ..whole };
        FloatTerm { input, op: FloatOp::Copy(copy) }
    }
}

/// Appends the layers that compute maxima.
pub(super) struct Tournament<'a> {
    layers: &'a mut Vec<Layer>,
    name: String,
    round: usize,
}

impl<'a> Tournament<'a> {
    /// For the layer `name`.
    pub fn new(layers: &'a mut Vec<Layer>, name: &str) -> Self {
        Self { layers, name: name.into(), round: 0 }
    }

    /// The element-wise maximum of the taps, each an `out`: terms that add up to it.
    ///
    /// Every round compares pairs, all in one tensor (side by side as blocks of channels) and so
    /// in one round trip; the sums in between are read by no convolution and cost nothing.
    pub fn largest(&mut self, mut taps: Vec<Tap>, out: Shape) -> Vec<FloatTerm> {
        while taps.len() > 2 {
            let terms = self.round(&taps, out);
            let left = taps.len().div_ceil(2);
            let shape = Shape { channels: out.channels * left, ..out };
            let winners = self.store(terms, shape);
            let blocks = (0..left).map(|b| Tap { from: b * out.channels, ..Tap::whole(winners) });
            taps = blocks.collect();
        }
        self.round(&taps, out)
    }

    /// A tensor of the given terms.
    pub fn store(&mut self, terms: Vec<FloatTerm>, shape: Shape) -> usize {
        let name = derived(&self.name, &format!("maxima {}", self.round));
        push(self.layers, Layer::linear(name, shape, terms))
    }

    /// The larger of each pair, and whoever has no partner.
    fn round(&mut self, taps: &[Tap], out: Shape) -> Vec<FloatTerm> {
        let n = out.channels;
        let blocks = taps.chunks(2).enumerate();
        let (mut differences, mut terms) = (Vec::new(), Vec::new());
        for (block, pair) in blocks {
            match *pair {
                [a, b] => {
                    differences.extend([a.term(false, block * n, n), b.term(true, block * n, n)]);
                    terms.push(b.term(false, block * n, n));
                }
                _ => terms.extend(pair.iter().map(|alone| alone.term(false, block * n, n))),
            }
        }
        let pairs = differences.len() / 2;
        if pairs > 0 {
            self.round += 1;
            let name = derived(&self.name, &format!("comparisons {}", self.round));
            let shape = Shape { channels: n * pairs, ..out };
            let layer = Layer::linear(name, shape, differences).with_relus();
            let input = push(self.layers, layer);
            terms.push(Tap::whole(input).term(false, 0, shape.channels));
        }
        terms
    }
}
