//! Operators whose inputs are all constants: shape arithmetic and re-laid-out weights.

use tacita_onnx::{AttributeType, NodeProto};

use super::attributes::{Attributes, axis_of};
use super::constant::{Constant, Data, ElementWise, Reason, broadcast_index};
use super::constant_math;
use super::cuts::cuts;
use super::dimensions::{resolve, shape, squeezed, unsqueezed};

/// The result of `node` on constants; `None` if it is not known on constants.
pub(super) fn evaluate(node: &NodeProto, c: &[&Constant]) -> Option<Reason<Constant>> {
    let a = Attributes(node);
    if let Some(op) = binary(&node.op_type) {
        return Some(fold(c, op));
    }
    let first = c.first().copied();
    Some(match (node.op_type.as_str(), first, c.get(1).copied()) {
        ("Constant", ..) => constant_node(a),
        ("Identity" | "Dropout" | "CastLike", Some(x), _) => Ok(x.clone()),
        ("Cast", Some(x), _) => Ok(cast(x, a.int("to", 1))),
        ("Neg", Some(x), _) => binary_with(0, ElementWise::Sub, x),
        ("Sqrt", Some(x), _) => Ok(x.map(f32::sqrt)),
        ("Reciprocal", Some(x), _) => Ok(x.map(f32::recip)),
        ("Relu", Some(x), _) => Ok(x.map(|v| v.max(0.0))),
        ("Abs", Some(x), _) => Ok(x.map(f32::abs)),
        ("Floor", Some(x), _) => Ok(x.map(f32::floor)),
        ("Ceil", Some(x), _) => Ok(x.map(f32::ceil)),
        ("Not", Some(x), _) => binary_with(1, ElementWise::Sub, x),
        ("Shape", Some(x), _) => shape(&x.dims, a),
        ("Size", Some(x), _) => Ok(Constant::int(x.len() as i64)),
        ("Gather", Some(x), Some(at)) => gather(x, at, a.int("axis", 0)),
        ("Unsqueeze", Some(x), axes) => unsqueeze(x, axes, a),
        ("Squeeze", Some(x), axes) => squeeze(x, axes, a),
        ("Reshape", Some(x), Some(to)) => reshape(x, to, a),
        ("Flatten", Some(x), _) => flatten(x, a.int("axis", 1)),
        ("Concat", Some(_), _) => concat(c, a.int("axis", 0)),
        ("Expand", Some(x), Some(to)) => expand(x, to),
        ("Transpose", Some(x), _) => transpose(x, a.ints("perm")),
        ("Slice", Some(x), _) => slice(x, c, a),
        ("ConstantOfShape", Some(to), _) => constant_of_shape(to, a),
        ("Range", Some(_), _) => range(c),
        ("Where", Some(_), Some(_)) => select(c),
        (op, Some(_), _) => return constant_math::evaluate(op, node, c),
        _ => return None,
    })
}

fn binary(op: &str) -> Option<ElementWise> {
    Some(match op {
        "Add" | "Sum" => ElementWise::Add,
        "Sub" => ElementWise::Sub,
        "Mul" => ElementWise::Mul,
        "Div" => ElementWise::Div,
        "Min" => ElementWise::Min,
        "Max" => ElementWise::Max,
        "Pow" => ElementWise::Pow,
        "Equal" => ElementWise::Equal,
        "Less" => ElementWise::Less,
        "Greater" => ElementWise::Greater,
        "And" => ElementWise::Min,
        "Or" => ElementWise::Max,
        _ => return None,
    })
}

fn fold(c: &[&Constant], op: ElementWise) -> Reason<Constant> {
    let (first, rest) = c.split_first().ok_or("it has no input")?;
    let mut all = Constant::clone(first);
    for x in rest {
        all = all.zip(x, op)?;
    }
    Ok(all)
}

fn binary_with(first: i64, op: ElementWise, x: &Constant) -> Reason<Constant> {
    Constant::int(first).zip(x, op)
}

fn cast(x: &Constant, to: i64) -> Constant {
    let data = match (&x.data, to) {
        (Data::Floats(v), 1 | 10 | 11 | 16) => Data::Floats(v.clone()),
        (Data::Floats(v), 9) => Data::Ints(v.iter().map(|f| i64::from(*f != 0.0)).collect()),
        (Data::Floats(v), _) => Data::Ints(v.iter().map(|f| *f as i64).collect()),
        (Data::Ints(_), 1 | 10 | 11 | 16) => Data::Floats(x.floats()),
        (Data::Ints(v), _) => Data::Ints(v.clone()),
    };
    Constant { dims: x.dims.clone(), data }
}

fn gather(x: &Constant, at: &Constant, axis: i64) -> Reason<Constant> {
    let axis = axis_of(axis, x.dims.len())?;
    let n = x.dims.get(axis).copied().unwrap_or(0);
    let picks = at.ints()?.iter().map(|&i| index(i, n)).collect::<Reason<Vec<_>>>()?;
    let mut out = picked_along(x, axis, &picks)?;
    out.dims.splice(axis..=axis, at.dims.iter().copied());
    Ok(out)
}

/// An index into `n` elements, from the end if negative.
pub(super) fn index(i: i64, n: usize) -> Reason<usize> {
    let i = if i < 0 { i.saturating_add(n as i64) } else { i };
    usize::try_from(i).ok().filter(|&i| i < n).ok_or_else(|| "an index is out of range".into())
}

/// The elements at `picks` along one axis.
fn picked_along(x: &Constant, axis: usize, picks: &[usize]) -> Reason<Constant> {
    let mut dims = x.dims.clone();
    let n = dims.get(axis).copied().unwrap_or(1);
    let inner: usize = dims.iter().skip(axis + 1).product();
    let outer: usize = dims.iter().take(axis).product();
    if let Some(d) = dims.get_mut(axis) {
        *d = picks.len();
    }
    let total = outer.checked_mul(inner).and_then(|p| p.checked_mul(picks.len()));
    if total.is_none_or(|t| t > 1 << 24) {
        return Err(format!("a constant of shape {dims:?} is too large"));
    }
    let mut at = Vec::with_capacity(total.unwrap_or(0));
    for o in 0..outer {
        for &p in picks {
            at.extend((0..inner).map(|i| (o * n + p) * inner + i));
        }
    }
    Ok(x.picked(dims, &at))
}

/// Axes from the second input or (before operator set 13) the attribute.
fn axes_of(axes: Option<&Constant>, a: Attributes<'_>) -> Reason<Option<Vec<i64>>> {
    match axes {
        Some(c) => Ok(Some(c.ints()?.to_vec())),
        None => Ok(a.ints("axes").map(<[i64]>::to_vec)),
    }
}

fn unsqueeze(x: &Constant, axes: Option<&Constant>, a: Attributes<'_>) -> Reason<Constant> {
    let axes = axes_of(axes, a)?.unwrap_or_default();
    x.reshaped(unsqueezed(&x.dims, &axes)?)
}

fn squeeze(x: &Constant, axes: Option<&Constant>, a: Attributes<'_>) -> Reason<Constant> {
    let axes = axes_of(axes, a)?;
    x.reshaped(squeezed(&x.dims, axes.as_deref())?)
}

fn reshape(x: &Constant, to: &Constant, a: Attributes<'_>) -> Reason<Constant> {
    x.reshaped(resolve(&x.dims, to.ints()?, a.int("allowzero", 0) == 0)?)
}

fn flatten(x: &Constant, axis: i64) -> Reason<Constant> {
    let axis =
        if axis == x.dims.len() as i64 { x.dims.len() } else { axis_of(axis, x.dims.len())? };
    let (front, back) = x.dims.split_at_checked(axis).unwrap_or_default();
    x.reshaped(vec![front.iter().product(), back.iter().product()])
}

fn concat(parts: &[&Constant], axis: i64) -> Reason<Constant> {
    let first = parts.first().ok_or("it has no input")?;
    let axis = axis_of(axis, first.dims.len().max(1))?;
    let outer: usize = first.dims.iter().take(axis).product();
    let mut dims = first.dims.clone();
    let (mut size, mut elements) = (0, 0usize);
    for p in parts {
        let mut same = p.dims.clone();
        let own = same.get(axis).copied().unwrap_or(1);
        if let (Some(a), Some(b)) = (same.get_mut(axis), dims.get(axis)) {
            *a = *b;
        }
        if same != dims {
            return Err(format!("it joins constants of shapes {:?} and {dims:?}", p.dims));
        }
        size += own;
        elements = elements.saturating_add(p.len());
    }
    if elements > 1 << 24 {
        return Err("a constant is too large".into());
    }
    match dims.get_mut(axis) {
        Some(d) => *d = size,
        None => dims = vec![size],
    }
    let chunk = |o: usize, len: usize| o * (len / outer.max(1))..(o + 1) * (len / outer.max(1));
    let ints: Option<Vec<&[i64]>> = parts.iter().map(|p| p.ints().ok()).collect();
    let data = if let Some(ints) = ints {
        let runs =
            (0..outer).flat_map(|o| ints.iter().filter_map(move |v| v.get(chunk(o, v.len()))));
        Data::Ints(runs.flatten().copied().collect())
    } else {
        let floats: Vec<Vec<f32>> = parts.iter().map(|p| p.floats()).collect();
        let runs =
            (0..outer).flat_map(|o| floats.iter().filter_map(move |v| v.get(chunk(o, v.len()))));
        Data::Floats(runs.flatten().copied().collect())
    };
    Ok(Constant { dims, data })
}

fn expand(x: &Constant, to: &Constant) -> Reason<Constant> {
    let mut dims = to.sizes()?;
    let lead = dims.len().checked_sub(x.dims.len()).ok_or("it expands to fewer dimensions")?;
    for (d, own) in dims.iter_mut().skip(lead).zip(&x.dims) {
        if *d == 1 {
            *d = *own;
        }
    }
    let at = broadcast_index(&x.dims, &dims)?;
    Ok(x.picked(dims, &at))
}

fn transpose(x: &Constant, perm: Option<&[i64]>) -> Reason<Constant> {
    let rank = x.dims.len();
    let order: Vec<usize> = match perm {
        Some(p) => p.iter().map(|&k| axis_of(k, rank)).collect::<Reason<_>>()?,
        None => (0..rank).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..rank) {
        return Err(format!("its perm {order:?} is no permutation of {rank} axes"));
    }
    let stride = |k: usize| x.dims.iter().skip(k + 1).product::<usize>();
    let dims: Vec<usize> = order.iter().filter_map(|&k| x.dims.get(k).copied()).collect();
    let mut at = vec![0usize];
    for (&k, &d) in order.iter().zip(&dims) {
        let step = stride(k);
        at = at.into_iter().flat_map(|base| (0..d).map(move |i| base + i * step)).collect();
    }
    Ok(x.picked(dims, &at))
}

fn slice(x: &Constant, c: &[&Constant], a: Attributes<'_>) -> Reason<Constant> {
    let mut out = x.clone();
    for cut in cuts(&x.dims, c.get(1..).unwrap_or_default(), a)? {
        out = picked_along(&out, cut.axis, &cut.picks())?;
    }
    Ok(out)
}

/// The parts of a constant.
pub(super) fn split(
    node: &NodeProto,
    x: &Constant,
    sizes: Option<&Constant>,
) -> Reason<Vec<Constant>> {
    let a = Attributes(node);
    let axis = axis_of(a.int("axis", 0), x.dims.len())?;
    let n = x.dims.get(axis).copied().unwrap_or(0);
    let sizes = split_sizes(node, n, sizes)?;
    let mut start = 0;
    let part = |count: usize| {
        let picks: Vec<usize> = (start..start + count).collect();
        start += count;
        picked_along(x, axis, &picks)
    };
    sizes.into_iter().map(part).collect()
}

/// Sizes of the parts that a `Split` makes of `n` elements.
pub(super) fn split_sizes(
    node: &NodeProto,
    n: usize,
    given: Option<&Constant>,
) -> Reason<Vec<usize>> {
    let sizes = match (given, Attributes(node).ints("split")) {
        (Some(c), _) => c.sizes()?,
        (None, Some(v)) => v.iter().map(|&s| usize::try_from(s).unwrap_or(n + 1)).collect(),
        (None, None) => {
            let parts = node.output.len().max(1);
            let each = n.div_ceil(parts);
            (0..parts).map(|i| each.min(n.saturating_sub(i * each))).collect()
        }
    };
    let total = sizes.iter().try_fold(0usize, |s, v| s.checked_add(*v));
    if total != Some(n) || sizes.contains(&0) || sizes.len() < node.output.len() {
        return Err(format!("it splits {n} into {sizes:?}"));
    }
    Ok(sizes)
}

fn constant_of_shape(to: &Constant, a: Attributes<'_>) -> Reason<Constant> {
    let value = match a.tensor("value") {
        Some(t) => Constant::from_proto(t)?,
        None => Constant { dims: vec![1], data: Data::Floats(vec![0.0]) },
    };
    let dims = to.sizes()?;
    if value.len() != 1 {
        return Err("its value is not one element".into());
    }
    let at = broadcast_index(&[], &dims)?;
    Ok(value.picked(dims, &at))
}

fn range(c: &[&Constant]) -> Reason<Constant> {
    let [start, limit, delta] = c else { return Err("it needs three inputs".into()) };
    let one = |c: &Constant| -> Reason<i64> {
        c.ints()?.first().copied().ok_or_else(|| "an input is empty".into())
    };
    let (start, limit, delta) = (one(start)?, one(limit)?, one(delta)?);
    let span = if delta > 0 { limit.saturating_sub(start) } else { start.saturating_sub(limit) };
    let count = (span.max(0) as u64).checked_div(delta.unsigned_abs()).ok_or("a step of 0")?;
    if count > 1 << 20 {
        return Err("it makes too many elements".into());
    }
    let ends = if delta > 0 { i64::lt } else { i64::gt };
    let values = (0..=count as i64).map(|i| start.saturating_add(delta.saturating_mul(i)));
    Ok(Constant::ints_1d(values.take_while(|v| ends(v, &limit)).collect()))
}

/// `condition ? a : b`.
fn select(c: &[&Constant]) -> Reason<Constant> {
    let [condition, a, b] = c else { return Err("it needs three inputs".into()) };
    let not = Constant::int(1).zip(condition, ElementWise::Sub)?;
    condition.zip(a, ElementWise::Mul)?.zip(&not.zip(b, ElementWise::Mul)?, ElementWise::Add)
}

fn constant_node(a: Attributes<'_>) -> Reason<Constant> {
    if let Some(t) = a.tensor("value") {
        return Constant::from_proto(t);
    }
    let scalar = |data| Constant { dims: vec![], data };
    for name in ["value_float", "value_int", "value_floats", "value_ints"] {
        let Some(x) = a.attribute(name) else { continue };
        return Ok(match AttributeType::try_from(x.r#type) {
            Ok(AttributeType::Float) => scalar(Data::Floats(vec![x.f])),
            Ok(AttributeType::Int) => scalar(Data::Ints(vec![x.i])),
            Ok(AttributeType::Ints) => Constant::ints_1d(x.ints.clone()),
            _ => Constant { dims: vec![x.floats.len()], data: Data::Floats(x.floats.clone()) },
        });
    }
    Err("it holds no tensor of numbers".into())
}
