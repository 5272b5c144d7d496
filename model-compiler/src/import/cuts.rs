//! What a `Slice` picks along each axis.

use super::attributes::{Attributes, axis_of};
use super::constant::{Constant, Reason};

/// One slice along an axis: its indices.
pub(super) struct Cut {
    pub axis: usize,
    pub start: usize,
    pub count: usize,
    pub step: i64,
}

impl Cut {
    /// Indices along the axis.
    pub fn picks(&self) -> Vec<usize> {
        let at = |i: usize| self.start as i64 + self.step.saturating_mul(i as i64);
        (0..self.count).filter_map(|i| usize::try_from(at(i)).ok()).collect()
    }
}

/// The slices of a `Slice` on a value of these dimensions; `c` are its constant inputs after the
/// first (none before operator set 10).
pub(super) fn cuts(dims: &[usize], c: &[&Constant], a: Attributes<'_>) -> Reason<Vec<Cut>> {
    let given = |i: usize, name: &str| match c.get(i) {
        Some(c) => c.ints().map(<[i64]>::to_vec).map(Some),
        None => Ok(a.ints(name).map(<[i64]>::to_vec)),
    };
    let starts = given(0, "starts")?.ok_or("it has no starts")?;
    let ends = given(1, "ends")?.ok_or("it has no ends")?;
    let axes = given(2, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = given(3, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err("its starts, ends, axes and steps are not as many".into());
    }
    let each = starts.iter().zip(&ends).zip(axes.iter().zip(&steps));
    each.map(|((&start, &end), (&axis, &step))| cut(dims, axis, [start, end, step])).collect()
}

fn cut(dims: &[usize], axis: i64, [start, end, step]: [i64; 3]) -> Reason<Cut> {
    let axis = axis_of(axis, dims.len())?;
    let n = dims.get(axis).copied().unwrap_or(0) as i64;
    let at = |i: i64| if i < 0 { i.saturating_add(n) } else { i };
    let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let (first, last) =
        (at(start).clamp(low.max(0), high.max(0)), at(end).clamp(low, high.max(low)));
    let span = if step > 0 { last - first } else { first - last };
    let step_size = step.unsigned_abs();
    if step_size == 0 || n == 0 {
        return Err("a step of 0, or nothing to slice".into());
    }
    let count = (span.max(0) as u64).div_ceil(step_size);
    Ok(Cut { axis, start: first as usize, count: count as usize, step })
}
