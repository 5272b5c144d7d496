//! Borders repeated outwards: padding that never changes the largest value of a window, since
//! a window that reaches beyond the border holds the border too.

use tacita_protocol::plan::{Padding, Shape};

use super::rewrite::{derived, push};
use super::tournament::Tap;
use crate::network::Layer;

/// Appends a tensor that is `input` with its borders repeated, and says where it is.
pub(super) fn replicate(layers: &mut Vec<Layer>, name: &str, input: usize, pad: &Padding) -> usize {
    let rows = extend(layers, name, input, 0, [pad.top, pad.bottom]);
    extend(layers, name, rows, 1, [pad.left, pad.right])
}

/// Repeats the first and last line along one axis.
///
/// A single line is written as the tensor, moved so that the line lies where it belongs, minus the
/// tensor without the line, moved likewise.
fn extend(
    layers: &mut Vec<Layer>,
    name: &str,
    input: usize,
    axis: usize,
    [before, after]: [usize; 2],
) -> usize {
    let shape = layers.get(input).map_or(Shape::new(0, 0, 0), |l| l.shape);
    let at = |input: usize, place: usize| {
        let mut tap = Tap::whole(input);
        tap.offset[axis] = -(place as isize);
        tap
    };
    let n = shape.channels;
    let mut terms = vec![at(input, before).term(false, 0, n)];
    if before > 0 {
        let others = without_line(layers, name, input, axis, 1);
        for line in 0..before {
            terms.push(at(input, line).term(false, 0, n));
            terms.extend(others.map(|o| at(o, line + 1).term(true, 0, n)));
        }
    }
    if after > 0 {
        let others = without_line(layers, name, input, axis, 0);
        for place in before + 1..=before + after {
            terms.push(at(input, place).term(false, 0, n));
            terms.extend(others.map(|o| at(o, place).term(true, 0, n)));
        }
    }
    if before + after == 0 {
        return input;
    }
    let shape = sized(shape, axis, |size| size + before + after);
    push(layers, Layer::linear(derived(name, "borders"), shape, terms))
}

/// All but one line, from line `first` on; `None` if there is but one.
fn without_line(
    layers: &mut Vec<Layer>,
    name: &str,
    input: usize,
    axis: usize,
    first: isize,
) -> Option<usize> {
    let shape = sized(layers.get(input)?.shape, axis, |size| size - 1);
    if shape.is_empty() {
        return None;
    }
    let mut tap = Tap::whole(input);
    tap.offset[axis] = first;
    let terms = vec![tap.term(false, 0, shape.channels)];
    Some(push(layers, Layer::linear(derived(name, "inner"), shape, terms)))
}

fn sized(shape: Shape, axis: usize, size: impl Fn(usize) -> usize) -> Shape {
    if axis == 0 {
        Shape { height: size(shape.height), ..shape }
    } else {
        Shape { width: size(shape.width), ..shape }
    }
}
