//! Max-pooling as comparisons.

use tacita_protocol::plan::{Padding, Shape};

use super::Pass;
use super::replicate::replicate;
use super::rewrite::rewrite;
use super::tournament::{Tap, Tournament};
use super::windows::{Line, log2};
use crate::error::Result;
use crate::network::{FloatOp, FloatTerm, Layer, Network, Window};

pub(super) const PASS: Pass = Pass {
    name: "max_pool",
    about: "writes each maximum as b + relu(a - b), windows sharing what they have in common",
    run,
};

fn run(network: &mut Network) -> Result<()> {
    rewrite(network, |layers, mut layer| {
        let padding_is_zero = relu_follows(&layer);
        let mut terms = Vec::new();
        for term in std::mem::take(&mut layer.terms) {
            match term.op {
                FloatOp::MaxPool(w) => {
                    terms.extend(pool(layers, &layer.name, term.input, w, padding_is_zero));
                }
                op => terms.push(FloatTerm { op, ..term }),
            }
        }
        layers.push(Layer { terms, ..layer });
        Ok(())
    })
}

/// True if the pooled values themselves go through a ReLU: a zero in a window then changes
/// nothing.
fn relu_follows(layer: &Layer) -> bool {
    layer.terms.len() == 1 && layer.is_unbiased() && layer.is_rectified()
}

/// Terms that add up to the pooled tensor.
fn pool(
    layers: &mut Vec<Layer>,
    name: &str,
    input: usize,
    window: Window,
    padding_is_zero: bool,
) -> Vec<FloatTerm> {
    let shape = layers.get(input).map_or(Shape::new(0, 0, 0), |l| l.shape);
    let out = window.output(shape);
    let window = Window { pad: reached(&window, shape, out), ..window };
    // What a copy finds outside of its input is a zero.
    let (input, window) =
        if window.pad == Padding::NONE || padding_is_zero || positive(layers, input) {
            (input, window)
        } else {
            let padded = replicate(layers, name, input, &window.pad);
            (padded, Window { pad: Padding::NONE, ..window })
        };
    let shape = layers.get(input).map_or(shape, |l| l.shape);
    let mut tournament = Tournament::new(layers, name);
    match Order::cheapest(&window, shape, out) {
        Order::AtOnce => at_once(&mut tournament, input, &window, out),
        Order::Along(first) => {
            let half = line(&mut tournament, input, shape, &window, out, first);
            let stored = tournament.store(half.1, half.0);
            line(&mut tournament, stored, half.0, &window, out, 1 - first).1
        }
    }
}

/// Padding within the reach of a window.
fn reached(w: &Window, image: Shape, out: Shape) -> Padding {
    let after = |out: usize, kernel: usize, before: usize, size: usize| {
        ((out - 1) * w.stride + kernel).saturating_sub(before + size)
    };
    Padding {
        bottom: after(out.height, w.kernel_h, w.pad.top, image.height),
        right: after(out.width, w.kernel_w, w.pad.left, image.width),
        ..w.pad
    }
}

/// True if no element can be negative.
fn positive(layers: &[Layer], input: usize) -> bool {
    let mut positive: Vec<bool> = Vec::new();
    for layer in layers.iter().take(input + 1) {
        let of = |i: usize| positive.get(i).copied().unwrap_or(false);
        let term = |t: &FloatTerm| match &t.op {
            FloatOp::Conv { .. } => false,
            FloatOp::Copy(c) => !c.negative && of(t.input),
            FloatOp::AvgPool(_) | FloatOp::MaxPool(_) => of(t.input),
        };
        let sum = !layer.terms.is_empty()
            && layer.terms.iter().all(term)
            && layer.bias.iter().all(|b| *b >= 0.0);
        positive.push(layer.is_rectified() || sum);
    }
    positive.last().copied().unwrap_or(false)
}

/// The ways through a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// One tournament of all its elements.
    AtOnce,
    /// Along the rows' axis (0) or the columns' (1) first, then along the other: the lines' maxima
    /// are shared by all windows that they cross.
    Along(usize),
}

impl Order {
    /// The one with the fewest comparisons, and of those the fewest round trips.
    fn cheapest(w: &Window, image: Shape, out: Shape) -> Self {
        let all = out.height * out.width * (w.area() - 1);
        let [rows, columns] = [0, 1].map(|axis| along(w, out, axis));
        let rounds = rows.rounds() + columns.rounds();
        let [tall, wide] = [0, 1].map(|axis| crossed(w, image, out, axis));
        let orders = [
            (all, log2(w.area()), Self::AtOnce),
            (columns.comparisons() * tall + rows.comparisons() * out.width, rounds, Self::Along(1)),
            (
                rows.comparisons() * wide + columns.comparisons() * out.height,
                rounds,
                Self::Along(0),
            ),
        ];
        let best =
            orders.into_iter().min_by_key(|(comparisons, rounds, _)| (*comparisons, *rounds));
        best.map_or(Self::AtOnce, |(_, _, order)| order)
    }
}

/// How the maxima of lines along an axis are found.
fn along(w: &Window, out: Shape, axis: usize) -> Line {
    let (kernel, outputs) =
        if axis == 0 { (w.kernel_h, out.height) } else { (w.kernel_w, out.width) };
    Line::new(kernel, w.stride, outputs)
}

/// Rows (axis 0) or columns (1) of the image that windows reach.
fn crossed(w: &Window, image: Shape, out: Shape, axis: usize) -> usize {
    let (size, kernel, outputs, before) = if axis == 0 {
        (image.height, w.kernel_h, out.height, w.pad.top)
    } else {
        (image.width, w.kernel_w, out.width, w.pad.left)
    };
    size.min(((outputs - 1) * w.stride + kernel).saturating_sub(before))
}

fn at_once(t: &mut Tournament<'_>, input: usize, w: &Window, out: Shape) -> Vec<FloatTerm> {
    let tap = |k: usize| {
        let (row, column) = (k / w.kernel_w, k % w.kernel_w);
        let offset = [row as isize - w.pad.top as isize, column as isize - w.pad.left as isize];
        Tap { stride: [w.stride; 2], offset, ..Tap::whole(input) }
    };
    t.largest((0..w.area()).map(tap).collect(), out)
}

/// Maxima along one axis: their shape, and terms that add up to them.
fn line(
    t: &mut Tournament<'_>,
    input: usize,
    image: Shape,
    w: &Window,
    out: Shape,
    axis: usize,
) -> (Shape, Vec<FloatTerm>) {
    let plan = along(w, out, axis);
    let pad = [w.pad.top, w.pad.left][axis.min(1)];
    let shape = |count: usize| {
        // The other axis is already pooled, or is cut to what the next step reads.
        let (height, width) = if axis == 0 {
            (count, crossed(w, image, out, 1).min(image.width))
        } else {
            (crossed(w, image, out, 0).min(image.height), count)
        };
        Shape { height, width, ..image }
    };
    let tap = |k: usize| {
        let mut tap = Tap::whole(input);
        tap.stride[axis] = w.stride;
        tap.offset[axis] = k as isize - pad as isize;
        tap
    };
    let mut counts = plan.counts.iter().map(|c| shape(*c));
    let mut current = counts.next().unwrap_or(out);
    let mut terms = t.largest((0..plan.taps).map(tap).collect(), current);
    for (shift, next) in plan.shifts.iter().zip(counts) {
        let stored = t.store(terms, current);
        let mut other = Tap::whole(stored);
        other.offset[axis] = *shift as isize;
        terms = t.largest(vec![Tap::whole(stored), other], next);
        current = next;
    }
    (current, terms)
}
