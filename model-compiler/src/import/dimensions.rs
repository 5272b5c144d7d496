//! Dimensions after a change of shape, of constants and of values alike.

use super::attributes::{Attributes, axis_of};
use super::constant::{Constant, Reason};

/// The dimensions `start..end` of a value.
pub(super) fn shape(dims: &[usize], a: Attributes<'_>) -> Reason<Constant> {
    let rank = dims.len() as i64;
    let at = |i: i64| if i < 0 { (i + rank).max(0) } else { i.min(rank) };
    let (start, end) = (at(a.int("start", 0)), at(a.int("end", rank)));
    let kept = (0..rank).zip(dims).filter(|(i, _)| (start..end).contains(i));
    Ok(Constant::ints_1d(kept.map(|(_, &d)| d as i64).collect()))
}

/// Dimensions with ones inserted at `axes`.
pub(super) fn unsqueezed(dims: &[usize], axes: &[i64]) -> Reason<Vec<usize>> {
    let rank = dims.len() + axes.len();
    if rank > 8 {
        return Err("it makes too many dimensions".into());
    }
    let at = axes.iter().map(|&x| axis_of(x, rank)).collect::<Reason<Vec<_>>>()?;
    let mut old = dims.iter().copied();
    let dim = |i| if at.contains(&i) { 1 } else { old.next().unwrap_or(1) };
    Ok((0..rank).map(dim).collect())
}

/// Dimensions without those at `axes`, or without all ones.
pub(super) fn squeezed(dims: &[usize], axes: Option<&[i64]>) -> Reason<Vec<usize>> {
    let gone = match axes {
        Some(axes) => axes.iter().map(|&x| axis_of(x, dims.len())).collect::<Reason<Vec<_>>>()?,
        None => (0..dims.len()).filter(|&k| dims.get(k) == Some(&1)).collect(),
    };
    let kept = dims.iter().enumerate().filter(|(k, _)| !gone.contains(k));
    Ok(kept.map(|(_, &d)| d).collect())
}

/// Dimensions of a reshape: 0 copies, -1 takes the rest.
pub(super) fn resolve(from: &[usize], target: &[i64], zero_copies: bool) -> Reason<Vec<usize>> {
    let total = from.iter().try_fold(1usize, |p, d| p.checked_mul(*d)).unwrap_or(0);
    let mut dims = Vec::with_capacity(target.len());
    for (i, &t) in target.iter().enumerate() {
        dims.push(match t {
            -1 => None,
            0 if zero_copies => Some(from.get(i).copied().unwrap_or(0)),
            t => Some(usize::try_from(t).map_err(|_| format!("a size of {t}"))?),
        });
    }
    let known = dims.iter().flatten().try_fold(1usize, |p, d| p.checked_mul(*d)).unwrap_or(0);
    let rest = total.checked_div(known).unwrap_or(0);
    Ok(dims.into_iter().map(|d| d.unwrap_or(rest)).collect())
}
