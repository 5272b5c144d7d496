//! Operators that cut tensors apart and put them together: slices, splits, concatenation, padding.

use std::rc::Rc;

use tacita_onnx::NodeProto;
use tacita_protocol::plan::{CopyShape, Padding, Shape};

use super::attributes::{Attributes, axis_of};
use super::constant::{Constant, Reason};
use super::constant_ops::{index, split_sizes};
use super::cuts::{Cut, cuts};
use super::interpret::{Fault, Interpreter, Operand, Step, Value};
use super::view::Axis;
use crate::error::Location;

/// Furthest that a copy may move a row or column (the limit of a plan).
const MAX_WINDOW: usize = 1 << 12;

impl<'m> Interpreter<'m> {
    pub(super) fn slice(&mut self, node: &NodeProto, at: &Location) -> Step {
        let mut x = self.operand(node, 0)?;
        let inputs: Vec<Rc<Constant>> = (1..node.input.len())
            .filter_map(|i| self.optional_constant(node, i).transpose())
            .collect::<Reason<_>>()?;
        if node.input.iter().skip(1).any(String::is_empty) {
            return Err("it leaves out an input between others".into());
        }
        let c: Vec<&Constant> = inputs.iter().map(AsRef::as_ref).collect();
        for cut in cuts(&x.dims(), &c, Attributes(node))? {
            x = self.cut(&x, &cut, at)?;
        }
        Ok(Value::Node(x))
    }

    pub(super) fn gather(&mut self, node: &NodeProto, at: &Location) -> Step {
        let (x, picks) = (self.operand(node, 0)?, self.constant(node, 1)?);
        let dims = x.dims();
        let axis = axis_of(Attributes(node).int("axis", 0), dims.len())?;
        let n = dims.get(axis).copied().unwrap_or(0);
        let at_axis = picks.ints()?.iter().map(|&i| index(i, n)).collect::<Reason<Vec<_>>>()?;
        let y = self.picked(&x, axis, &at_axis, at)?;
        let mut to = y.dims();
        to.splice(axis..=axis, picks.dims.iter().copied());
        let view = y.view.reshaped(&to).ok_or("its output has too many dimensions")?;
        Ok(Value::Node(Operand { view, ..y }))
    }

    pub(super) fn split(&mut self, node: &NodeProto, at: &Location) -> Step<Vec<Value>> {
        let x = self.operand(node, 0)?;
        let dims = x.dims();
        let axis = axis_of(Attributes(node).int("axis", 0), dims.len())?;
        let n = dims.get(axis).copied().unwrap_or(0);
        let sizes = split_sizes(node, n, self.optional_constant(node, 1)?.as_deref())?;
        let mut start = 0;
        let mut parts = Vec::with_capacity(sizes.len());
        for count in sizes {
            let part = self.cut(&x, &Cut { axis, start, count, step: 1 }, at)?;
            parts.push(Value::Node(part));
            start += count;
        }
        Ok(parts)
    }

    fn cut(&mut self, x: &Operand, cut: &Cut, at: &Location) -> Step<Operand> {
        if cut.count == 0 {
            return Err("nothing is left of the image".into());
        }
        let n = x.dims().get(cut.axis).copied().unwrap_or(0);
        if cut.start == 0 && cut.count == n && cut.step == 1 {
            return Ok(x.clone());
        }
        if cut.count > n {
            return Err("it repeats a part of the image".into());
        }
        self.picked(x, cut.axis, &cut.picks(), at)
    }

    /// The elements at `picks` of dimension `k`.
    fn picked(&mut self, x: &Operand, k: usize, picks: &[usize], at: &Location) -> Step<Operand> {
        let axis = x.view.axis(k, x.shape);
        let (n, &first) = (x.dims().get(k).copied(), picks.first().ok_or("nothing is picked")?);
        if n == Some(1) && picks == [0] {
            return Ok(x.clone());
        }
        let Some(axis) = axis else { return self.picked_channels(x, k, picks, at) };
        let step = picks.get(1).map_or(1, |p| p.abs_diff(first).max(1));
        let even = picks.iter().enumerate().all(|(i, &p)| p == first + i * step);
        let copies = match axis {
            Axis::Channels => channel_runs(picks),
            Axis::Rows | Axis::Columns if !even || step > MAX_WINDOW || first > MAX_WINDOW => {
                return Err("rows or columns can only be picked in even, positive steps".into());
            }
            _ => {
                let mut c = CopyShape::whole(x.shape.channels, 0);
                let way = usize::from(axis == Axis::Columns);
                if let (Some(s), Some(o)) = (c.stride.get_mut(way), c.offset.get_mut(way)) {
                    (*s, *o) = (step, first as isize);
                }
                vec![(0, c)]
            }
        };
        let to = axis.resized(x.shape, picks.len());
        let Some(view) = x.view.resized(x.shape, to, Some((k, axis))) else {
            let x = self.disentangled(x, at)?;
            return self.picked(&x, k, picks, at);
        };
        self.copies(copies, vec![x.id], to, view, at)
    }

    /// The value laid out anew, if it was not yet.
    fn disentangled(&mut self, x: &Operand, at: &Location) -> Step<Operand> {
        let y = self.laid_out(x.clone(), at)?;
        if y.id == x.id { Err("its input's dimensions are too entangled".into()) } else { Ok(y) }
    }

    /// The elements at `picks` of dimension `k`, which walks over channels in another order than the
    /// stored one (a channel shuffle), or over a part of them (a group).
    fn picked_channels(
        &mut self,
        x: &Operand,
        k: usize,
        picks: &[usize],
        at: &Location,
    ) -> Step<Operand> {
        let Some((sources, view)) = x.view.ordered(x.shape, k, picks) else {
            let x = self.disentangled(x, at)?;
            return self.picked(&x, k, picks, at);
        };
        let to = Shape { channels: sources.len(), ..x.shape };
        self.copies(channel_runs(&sources), vec![x.id], to, view, at)
    }

    pub(super) fn concat(&mut self, node: &NodeProto, at: &Location) -> Step {
        let mut parts = Vec::with_capacity(node.input.len());
        for i in 0..node.input.len() {
            parts.push(self.operand(node, i)?);
        }
        let first = parts.first().ok_or("it has no input")?;
        let k = axis_of(Attributes(node).int("axis", 0), first.view.rank())?;
        check_joint(&parts, k)?;
        if let Some(y) = self.joined(&parts, k, at)? {
            return Ok(Value::Node(y));
        }
        // What lies differently in memory is laid out alike first.
        let parts = parts.into_iter().map(|p| self.laid_out(p, at)).collect::<Step<Vec<_>>>()?;
        let y = self.joined(&parts, k, at)?;
        let y = y.ok_or("it joins a dimension that mixes channels, rows or columns")?;
        Ok(Value::Node(y))
    }

    /// The parts side by side along dimension `k`, if they lie alike.
    fn joined(&mut self, parts: &[Operand], k: usize, at: &Location) -> Step<Option<Operand>> {
        let Some(first) = parts.first() else { return Ok(None) };
        // Flattened images join channel by channel as the images do.
        let axis = first.view.axis(k, first.shape).or_else(|| {
            let flat = first.view.covers(|d| d != k, first.shape) == Some([false, false]);
            let ordered = flat && first.view.indices().is_sorted();
            ordered.then_some(Axis::Channels)
        });
        let Some(axis) = axis else { return Ok(None) };
        let total = parts.iter().map(|p| axis.of(p.shape)).sum();
        let to = axis.resized(first.shape, total);
        let (mut copies, mut start) = (Vec::new(), 0);
        for (i, p) in parts.iter().enumerate() {
            let alike = first.view.resized(first.shape, p.shape, resize(first, k, axis));
            if axis.resized(p.shape, total) != to || alike.as_ref() != Some(&p.view) {
                return Ok(None);
            }
            copies.push((i, placed(p.shape, axis, start)?));
            start += axis.of(p.shape);
        }
        let view = first.view.resized(first.shape, to, resize(first, k, axis));
        let Some(view) = view else { return Ok(None) };
        let ids = parts.iter().map(|p| p.id).collect();
        self.copies(copies, ids, to, view, at).map(Some)
    }

    pub(super) fn pad(&mut self, node: &NodeProto, at: &Location) -> Step {
        let x = self.operand(node, 0)?;
        let a = Attributes(node);
        let mode = a.string("mode");
        if !(mode.is_empty() || mode == "constant") {
            return Err(Fault::Because(format!(
                "it pads by `{mode}`: only padding with zeros is supported"
            )));
        }
        let value = match self.optional_constant(node, 2)? {
            Some(c) => c.scalar()?,
            None => a.float("value", 0.0),
        };
        let pads = match self.optional_constant(node, 1)? {
            Some(c) => c.ints()?.to_vec(),
            None => a.ints("pads").unwrap_or_default().to_vec(),
        };
        let rank = x.view.rank();
        let axes = match self.optional_constant(node, 3)? {
            Some(c) => c.ints()?.iter().map(|&k| axis_of(k, rank)).collect::<Reason<_>>()?,
            None => (0..rank).collect::<Vec<_>>(),
        };
        if pads.len() != 2 * axes.len() {
            return Err(Fault::Because(format!("{} pads for {} axes", pads.len(), axes.len())));
        }
        if pads.iter().all(|p| *p == 0) {
            return Ok(Value::Node(x));
        }
        if value == 0.0 {
            return self.zero_padded(x, &axes, &pads, at).map(Value::Node);
        }
        // A border of `value`: around the image less `value`, a border of zeros.
        let moved = self.uniform(&x, 1.0, -f64::from(value), at)?;
        let padded = self.zero_padded(moved, &axes, &pads, at)?;
        self.uniform(&padded, 1.0, f64::from(value), at).map(Value::Node)
    }

    fn zero_padded(
        &mut self,
        x: Operand,
        axes: &[usize],
        pads: &[i64],
        at: &Location,
    ) -> Step<Operand> {
        let (before, after) = pads.split_at_checked(axes.len()).unwrap_or_default();
        let mut y = x;
        for (&k, (&b, &a)) in axes.iter().zip(before.iter().zip(after)) {
            if [b, a] == [0, 0] {
                continue;
            }
            y = self.padded_along(y, k, [b, a], at)?;
        }
        Ok(y)
    }

    fn padded_along(
        &mut self,
        x: Operand,
        k: usize,
        [before, after]: [i64; 2],
        at: &Location,
    ) -> Step<Operand> {
        let found = x.view.axis(k, x.shape).map(|axis| {
            let own = axis.of(x.shape) as i64;
            let small = |p: i64| p.unsigned_abs() <= MAX_WINDOW as u64;
            let size = own.saturating_add(before).saturating_add(after);
            if !small(before) || !small(after) || size < 1 {
                return Err(Fault::Because(format!(
                    "pads {before} and {after} on a size of {own}"
                )));
            }
            let to = axis.resized(x.shape, size as usize);
            Ok(x.view.resized(x.shape, to, Some((k, axis))).map(|view| (axis, to, view)))
        });
        let Some((axis, to, view)) = found.transpose()?.flatten() else {
            let x = self.disentangled(&x, at)?;
            return self.padded_along(x, k, [before, after], at);
        };
        let copy = shifted(x.shape, to, axis, before as isize);
        self.copies(vec![(0, copy)], vec![x.id], to, view, at)
    }

    /// Rows and columns of zeros around a stored image.
    pub(super) fn padded(&mut self, x: &Operand, pad: Padding, at: &Location) -> Step<Operand> {
        let signed = |p: usize| i64::try_from(p).unwrap_or(i64::MAX);
        let pads = [pad.top, pad.left, pad.bottom, pad.right].map(signed);
        self.zero_padded(x.clone(), &[2, 3], &pads, at)
    }
}

/// Refuses parts that differ in another dimension than `k`.
fn check_joint(parts: &[Operand], k: usize) -> Reason<()> {
    let all: Vec<Vec<usize>> = parts.iter().map(Operand::dims).collect();
    let Some(first) = all.first() else { return Ok(()) };
    let fits = |dims: &Vec<usize>| {
        let mut pairs = dims.iter().zip(first).enumerate();
        dims.len() == first.len() && pairs.all(|(i, (a, b))| i == k || a == b)
    };
    match all.iter().find(|dims| !fits(dims)) {
        None => Ok(()),
        Some(other) => Err(format!("it joins a {first:?} and a {other:?}, which do not fit")),
    }
}

/// Names dimension `k` as `axis` where it does not say so itself.
fn resize(x: &Operand, k: usize, axis: Axis) -> Option<(usize, Axis)> {
    x.view.axis(k, x.shape).map(|_| (k, axis))
}

/// Runs of channels that follow each other.
fn channel_runs(picks: &[usize]) -> Vec<(usize, CopyShape)> {
    let mut runs: Vec<(usize, CopyShape)> = Vec::new();
    for (to, &from) in picks.iter().enumerate() {
        match runs.last_mut() {
            Some((_, last)) if last.from + last.channels == from => last.channels += 1,
            _ => runs.push((0, CopyShape { from, to, ..CopyShape::whole(1, 0) })),
        }
    }
    runs
}

/// All of a tensor, put at `start` along one axis.
pub(super) fn placed(from: Shape, axis: Axis, start: usize) -> Reason<CopyShape> {
    let back = isize::try_from(start).ok().filter(|s| axis == Axis::Channels || *s <= 1 << 12);
    let back = -back.ok_or("it joins too many rows or columns")?;
    let whole = CopyShape::whole(from.channels, 0);
    Ok(match axis {
        Axis::Channels => CopyShape { to: start, ..whole },
        Axis::Rows => CopyShape { offset: [back, 0], ..whole },
        Axis::Columns => CopyShape { offset: [0, back], ..whole },
    })
}

/// The copy that leaves `before` zeros in front along one axis, or drops as many elements.
fn shifted(from: Shape, to: Shape, axis: Axis, before: isize) -> CopyShape {
    let whole = CopyShape::whole(from.channels, 0);
    match axis {
        Axis::Channels => {
            let (skip, lead) = ((-before).max(0) as usize, before.max(0) as usize);
            let channels = (from.channels - skip).min(to.channels - lead);
            CopyShape { from: skip, to: lead, channels, ..whole }
        }
        Axis::Rows => CopyShape { offset: [-before, 0], ..whole },
        Axis::Columns => CopyShape { offset: [0, -before], ..whole },
    }
}
