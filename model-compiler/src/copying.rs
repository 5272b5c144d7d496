//! Copies of copies.

use tacita_protocol::plan::{CopyShape, MAX_WINDOW, Shape};

/// What two copies, one after the other, come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Composed {
    /// One copy.
    One(CopyShape),
    /// Nothing: no element passes through both.
    Nothing,
    /// More than one copy can say.
    Several,
}

/// `outer` after `inner`, over tensors of shapes `from`, `middle` and `to`.
pub(crate) fn composed(
    inner: &CopyShape,
    outer: &CopyShape,
    [from, middle, to]: [Shape; 3],
) -> Composed {
    let Some(channels) = channels(inner, outer) else { return Composed::Nothing };
    let sizes = [[from.height, middle.height, to.height], [from.width, middle.width, to.width]];
    let mut all = CopyShape { negative: inner.negative != outer.negative, ..channels };
    for (axis, sizes) in sizes.into_iter().enumerate() {
        let steps = pairs(inner, outer, axis, sizes);
        let (Some(&first), Some(&last)) = (steps.first(), steps.last()) else {
            return Composed::Nothing;
        };
        let Some(line) = Line::through(first, last, steps.len(), [sizes[0], sizes[2]]) else {
            return Composed::Several;
        };
        (all.stride[axis], all.offset[axis]) = (line.stride, line.offset);
        (all.spread[axis], all.at[axis]) = (line.spread, line.at);
    }
    Composed::One(all)
}

/// The channels that pass through both.
fn channels(inner: &CopyShape, outer: &CopyShape) -> Option<CopyShape> {
    let passes = |c: usize| {
        (outer.from + outer.step * c).checked_sub(inner.to).filter(|i| *i < inner.channels)
    };
    let first = (0..outer.channels).find(|c| passes(*c).is_some())?;
    let channels = (first..outer.channels).take_while(|c| passes(*c).is_some()).count();
    let step = if channels == 1 { 1 } else { inner.step * outer.step };
    let from = inner.from + inner.step * passes(first)?;
    Some(CopyShape { from, step, to: outer.to + first, ..CopyShape::whole(channels, 0) })
}

/// What is read and what is written along an axis, element by element: evenly spaced, as both
/// copies are.
fn pairs(
    inner: &CopyShape,
    outer: &CopyShape,
    axis: usize,
    [from, middle, to]: [usize; 3],
) -> Vec<(usize, usize)> {
    let within = |at: Option<usize>, size: usize| at.filter(|x| *x < size);
    let read = |c: &CopyShape, i: usize, size: usize| {
        within((c.stride[axis] * i).checked_add_signed(c.offset[axis]), size)
    };
    let room = to.saturating_sub(outer.at[axis]).div_ceil(outer.spread[axis]);
    let pair = |i: usize| {
        let between = read(outer, i, middle)?.checked_sub(inner.at[axis])?;
        let step = inner.spread[axis];
        let source = between.is_multiple_of(step).then(|| read(inner, between / step, from))??;
        Some((source, outer.spread[axis] * i + outer.at[axis]))
    };
    (0..room).filter_map(pair).collect()
}

/// A copy's walk along one axis.
struct Line {
    stride: usize,
    offset: isize,
    spread: usize,
    at: usize,
}

impl Line {
    /// The walk from one pair (read, written) to another in `count` elements, which must end there:
    /// a copy goes on until the input or the output does.
    fn through(
        first: (usize, usize),
        last: (usize, usize),
        count: usize,
        [from, to]: [usize; 2],
    ) -> Option<Self> {
        let steps = (count - 1).max(1);
        let (stride, spread) = match count {
            // A single element: far enough from any other.
            1 if first.0 + 1 < from && first.1 + 1 < to => (from, to),
            1 => (1, 1),
            _ => ((last.0 - first.0) / steps, (last.1 - first.1) / steps),
        };
        let ends = last.0 + stride >= from || last.1 + spread >= to;
        let mut line = Self { stride, offset: isize::try_from(first.0).ok()?, spread, at: first.1 };
        line.normalise();
        let small = |x: usize| x <= MAX_WINDOW;
        let fits = small(stride) && small(spread) && small(line.at);
        (ends && fits && small(line.offset.unsigned_abs())).then_some(line)
    }

    /// Starts in the first `spread` outputs, before the input if need be.
    fn normalise(&mut self) {
        let stride = self.stride as isize;
        if self.offset < stride {
            let steps = self.at / self.spread;
            self.offset -= stride * steps as isize;
            self.at -= self.spread * steps;
        }
    }
}

/// The walk along one axis that copies the element `read` to `written` alone, of and to as many.
pub(crate) fn single(
    c: &mut CopyShape,
    axis: usize,
    read: usize,
    written: usize,
    sizes: [usize; 2],
) {
    (c.stride[axis], c.offset[axis]) = (sizes[0], read as isize);
    (c.spread[axis], c.at[axis]) = (sizes[1], written);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tacita_protocol::linear::copy;

    use super::*;

    fn any_copy() -> impl Strategy<Value = CopyShape> {
        let steps = ([1usize..4, 1..4], [1usize..4, 1..4]);
        let starts = ([-4isize..5, -4..5], [0usize..4, 0..4]);
        let channels = (0usize..2, 1usize..3, 0usize..2, 1usize..4);
        (channels, steps, starts, any::<bool>()).prop_map(
            |((from, step, to, channels), (stride, spread), (offset, at), negative)| CopyShape {
                shift: 0,
                negative,
                from,
                step,
                to,
                channels,
                stride,
                offset,
                spread,
                at,
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn one_copy_does_what_two_do(
            inner in any_copy(), outer in any_copy(),
            sizes in [[1usize..9, 1..9], [1..9, 1..9], [1..9, 1..9]],
        ) {
            let reads = |c: &CopyShape| c.from + c.step * (c.channels - 1) + 1;
            let channels = [
                reads(&inner),
                reads(&outer).max(inner.to + inner.channels),
                outer.to + outer.channels,
            ];
            let shapes: Vec<Shape> =
                channels.iter().zip(sizes).map(|(c, [h, w])| Shape::new(*c, h, w)).collect();
            let [from, middle, to] = shapes[..] else { unreachable!() };
            let a: Vec<u64> = (1..=from.len() as u64).collect();
            let (mut between, mut twice) = (vec![0; middle.len()], vec![0; to.len()]);
            copy(&inner, (from, &a), (middle, &mut between));
            copy(&outer, (middle, &between), (to, &mut twice));
            let mut once = vec![0; to.len()];
            match composed(&inner, &outer, [from, middle, to]) {
                Composed::One(c) => copy(&c, (from, &a), (to, &mut once)),
                Composed::Nothing => {}
                Composed::Several => return Ok(()),
            }
            prop_assert_eq!(once, twice);
        }
    }

    #[test]
    fn padding_starts_before_the_input() {
        let pad = CopyShape { offset: [-2, -1], ..CopyShape::whole(3, 0) };
        let shapes = [Shape::new(3, 4, 4), Shape::new(3, 8, 7), Shape::new(3, 8, 7)];
        let whole = CopyShape::whole(3, 0);
        assert_eq!(composed(&pad, &whole, shapes), Composed::One(pad));
        let cut = CopyShape { offset: [2, 1], ..whole };
        assert_eq!(composed(&pad, &cut, [shapes[0], shapes[1], shapes[0]]), Composed::One(whole));
    }

    #[test]
    fn enlarging_twice_is_enlarging_once() {
        let up = CopyShape { spread: [2, 2], at: [1, 0], ..CopyShape::whole(1, 0) };
        let sizes = [3, 6, 12].map(|n| Shape::new(1, n, n));
        let four = CopyShape { spread: [4, 4], at: [3, 0], ..up };
        assert_eq!(composed(&up, &up, sizes), Composed::One(four));
    }

    #[test]
    fn a_single_element_is_copied_alone() {
        let mut c = CopyShape::whole(1, 0);
        single(&mut c, 0, 2, 1, [4, 5]);
        let a: Vec<u64> = vec![1, 2, 3, 4];
        let mut z = vec![0; 5];
        copy(&c, (Shape::new(1, 4, 1), &a), (Shape::new(1, 5, 1), &mut z));
        assert_eq!(z, [0, 3, 0, 0, 0]);
    }
}
