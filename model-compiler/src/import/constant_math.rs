//! Arithmetic on constants that is not shape arithmetic: what exporters leave of weight
//! standardisation, weight normalisation, quantised weights and precomputed masks.

use tacita_onnx::NodeProto;

use super::attributes::{Attributes, axis_of};
use super::constant::{Constant, Data, ElementWise, Reason, count};

/// Most multiplications of constants.
const MAX_PRODUCTS: usize = 1 << 30;

/// The result of `node` on constants; `None` if it is not known on constants.
pub(super) fn evaluate(op: &str, node: &NodeProto, c: &[&Constant]) -> Option<Reason<Constant>> {
    let a = Attributes(node);
    let first = *c.first()?;
    if let Some(f) = unary(op) {
        return Some(Ok(first.map(|x| f(f64::from(x)) as f32)));
    }
    if let Some(f) = reduction(op) {
        return Some(reduce(first, c.get(1).copied(), a, f));
    }
    Some(match (op, c) {
        ("Clip", _) => clip(node, c, a),
        ("LeakyRelu", _) => {
            let slope = a.float("alpha", 0.01);
            Ok(first.map(|x| if x < 0.0 { slope * x } else { x }))
        }
        ("Mean", _) => mean(c),
        ("LessOrEqual", [x, y]) => negated(x.zip(y, ElementWise::Greater)),
        ("GreaterOrEqual", [x, y]) => negated(x.zip(y, ElementWise::Less)),
        ("MatMul", [x, y]) => product(x, y),
        ("Gemm", [x, y, rest @ ..]) => gemm(x, y, rest.first().copied(), a),
        ("Tile", [x, repeats]) => tile(x, repeats),
        ("DequantizeLinear", [x, scale, zero @ ..]) => {
            dequantised(x, scale, zero.first().copied(), a)
        }
        _ => return None,
    })
}

fn unary(op: &str) -> Option<fn(f64) -> f64> {
    Some(match op {
        "Exp" => f64::exp,
        "Log" => f64::ln,
        "Sin" => f64::sin,
        "Cos" => f64::cos,
        "Tanh" => f64::tanh,
        "Sigmoid" => |x| 1.0 / (1.0 + (-x).exp()),
        "Softplus" => |x| x.exp().ln_1p(),
        "Round" => f64::round_ties_even,
        "Sign" => |x| if x == 0.0 { 0.0 } else { x.signum() },
        _ => return None,
    })
}

fn reduction(op: &str) -> Option<fn(&[f64]) -> f64> {
    Some(match op {
        "ReduceSum" => |v| v.iter().sum(),
        "ReduceMean" => |v| v.iter().sum::<f64>() / v.len().max(1) as f64,
        "ReduceMax" => |v| v.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        "ReduceMin" => |v| v.iter().copied().fold(f64::INFINITY, f64::min),
        "ReduceProd" => |v| v.iter().product(),
        "ReduceL1" => |v| v.iter().map(|x| x.abs()).sum(),
        "ReduceL2" => |v| v.iter().map(|x| x * x).sum::<f64>().sqrt(),
        "ReduceSumSquare" => |v| v.iter().map(|x| x * x).sum(),
        _ => return None,
    })
}

fn reduce(
    x: &Constant,
    axes: Option<&Constant>,
    a: Attributes<'_>,
    f: impl Fn(&[f64]) -> f64,
) -> Reason<Constant> {
    let rank = x.dims.len();
    let given = match axes {
        Some(c) => c.ints()?.to_vec(),
        None => a.ints("axes").unwrap_or_default().to_vec(),
    };
    if given.is_empty() && a.int("noop_with_empty_axes", 0) != 0 {
        return Ok(x.clone());
    }
    let axes = given.iter().map(|k| axis_of(*k, rank)).collect::<Reason<Vec<_>>>()?;
    let gone = |k: usize| axes.is_empty() || axes.contains(&k);
    let kept: Vec<usize> =
        x.dims.iter().enumerate().map(|(k, d)| if gone(k) { 1 } else { *d }).collect();
    let mut groups = vec![Vec::new(); count(&kept).unwrap_or(0)];
    for (i, value) in x.floats().into_iter().enumerate() {
        let (mut at, mut rest, mut stride) = (0, i, 1);
        for (k, d) in x.dims.iter().enumerate().rev() {
            if !gone(k) {
                at += rest % d * stride;
                stride *= d;
            }
            rest /= d;
        }
        if let Some(group) = groups.get_mut(at) {
            group.push(f64::from(value));
        }
    }
    let values: Vec<f64> = groups.iter().map(|g| f(g)).collect();
    let keep = a.int("keepdims", 1) != 0;
    let dims = kept.iter().enumerate().filter(|(k, _)| keep || !gone(*k)).map(|(_, d)| *d);
    Ok(Constant { dims: dims.collect(), data: like(x, values) })
}

/// Integers stay integers.
fn like(x: &Constant, values: Vec<f64>) -> Data {
    match x.data {
        Data::Ints(_) => Data::Ints(values.into_iter().map(|v| v as i64).collect()),
        Data::Floats(_) => Data::Floats(values.into_iter().map(|v| v as f32).collect()),
    }
}

fn clip(node: &NodeProto, c: &[&Constant], a: Attributes<'_>) -> Reason<Constant> {
    // Bounds that are left out have no constant of their own.
    let given = |i: usize| node.input.get(i).is_some_and(|n| !n.is_empty());
    let mut rest = c.iter().skip(1);
    let mut bound = |i: usize, name: &str, none: f32| match given(i) {
        true => rest.next().ok_or_else(|| "a bound is missing".to_owned())?.scalar(),
        false => Ok(a.float(name, none)),
    };
    let (low, high) = (bound(1, "min", f32::MIN)?, bound(2, "max", f32::MAX)?);
    let first = c.first().ok_or("it has no input")?;
    let values = first.floats().iter().map(|x| f64::from(x.max(low).min(high))).collect();
    Ok(Constant { dims: first.dims.clone(), data: like(first, values) })
}

fn mean(c: &[&Constant]) -> Reason<Constant> {
    let (first, rest) = c.split_first().ok_or("it has no input")?;
    let mut all = Constant::clone(first);
    for x in rest {
        all = all.zip(x, ElementWise::Add)?;
    }
    Ok(all.map(|x| x / c.len() as f32))
}

fn negated(x: Reason<Constant>) -> Reason<Constant> {
    Constant::int(1).zip(&x?, ElementWise::Sub)
}

fn matrix(x: &Constant) -> Reason<(usize, usize)> {
    match x.dims.as_slice() {
        [rows, columns] => Ok((*rows, *columns)),
        [columns] => Ok((1, *columns)),
        dims => Err(format!("a product of constants of shape {dims:?}: matrices are needed")),
    }
}

fn product(x: &Constant, y: &Constant) -> Reason<Constant> {
    let ((rows, inner), (other, columns)) = (matrix(x)?, matrix(y)?);
    if inner != other || y.dims.len() != 2 {
        return Err(format!("a product of {:?} and {:?}", x.dims, y.dims));
    }
    let work = rows.checked_mul(inner).and_then(|n| n.checked_mul(columns));
    if work.is_none_or(|n| n > MAX_PRODUCTS) {
        return Err("a product of constants is too large".into());
    }
    let (a, b) = (x.floats(), y.floats());
    let mut out = vec![0.0f64; rows * columns];
    for (row, out) in a.chunks(inner.max(1)).zip(out.chunks_mut(columns.max(1))) {
        for (x, line) in row.iter().zip(b.chunks(columns.max(1))) {
            out.iter_mut().zip(line).for_each(|(o, y)| *o += f64::from(*x) * f64::from(*y));
        }
    }
    let dims = if x.dims.len() == 1 { vec![columns] } else { vec![rows, columns] };
    Ok(Constant { dims, data: Data::Floats(out.into_iter().map(|v| v as f32).collect()) })
}

fn gemm(x: &Constant, y: &Constant, z: Option<&Constant>, a: Attributes<'_>) -> Reason<Constant> {
    let turned = |c: &Constant, name: &str| match a.int(name, 0) {
        0 => Ok(c.clone()),
        _ => c.transposed(),
    };
    let alpha = a.float("alpha", 1.0);
    let all = product(&turned(x, "transA")?, &turned(y, "transB")?)?.map(|v| v * alpha);
    let beta = a.float("beta", 1.0);
    z.map_or(Ok(all.clone()), |z| all.zip(&z.map(|v| v * beta), ElementWise::Add))
}

fn tile(x: &Constant, repeats: &Constant) -> Reason<Constant> {
    let repeats = repeats.sizes()?;
    if repeats.len() != x.dims.len() {
        return Err(format!("{} repeats of {} dimensions", repeats.len(), x.dims.len()));
    }
    let sizes = x.dims.iter().zip(&repeats).map(|(d, r)| d.checked_mul(*r));
    let dims = sizes.collect::<Option<Vec<_>>>().ok_or("a constant is too large")?;
    if count(&dims).is_none_or(|n| n > 1 << 24) {
        return Err(format!("a constant of shape {dims:?} is too large"));
    }
    let mut at = vec![0usize];
    for (d, size) in x.dims.iter().zip(&dims) {
        at = at.into_iter().flat_map(|base| (0..*size).map(move |i| base * d + i % d)).collect();
    }
    Ok(x.picked(dims, &at))
}

/// `(x - zero) * scale`, both numbers or one each along an axis (by default 1).
fn dequantised(
    x: &Constant,
    scale: &Constant,
    zero: Option<&Constant>,
    a: Attributes<'_>,
) -> Reason<Constant> {
    if a.int("block_size", 0) != 0 {
        return Err("weights quantised in blocks are not supported: export in floats".into());
    }
    let n = scale.len();
    let shape = match n {
        1 => vec![],
        _ => {
            let axis = axis_of(a.int("axis", 1), x.dims.len())?;
            if x.dims.get(axis) != Some(&n) {
                return Err(format!("{n} scales along axis {axis} of a {:?}", x.dims));
            }
            x.dims.iter().enumerate().map(|(k, d)| if k == axis { *d } else { 1 }).collect()
        }
    };
    let along = |c: &Constant| -> Reason<Constant> {
        Constant { dims: c.dims.clone(), data: Data::Floats(c.floats()) }.reshaped(shape.clone())
    };
    let wide = Constant { dims: x.dims.clone(), data: Data::Floats(x.floats()) };
    let moved = match zero.filter(|z| z.len() == n) {
        Some(zero) => wide.zip(&along(zero)?, ElementWise::Sub)?,
        None if zero.is_some() => return Err("zero points that are not as many as scales".into()),
        None => wide,
    };
    moved.zip(&along(scale)?, ElementWise::Mul)
}

#[cfg(test)]
mod tests {
    use tacita_onnx::NodeProto;

    use super::*;

    fn floats(dims: &[usize], values: &[f32]) -> Constant {
        Constant { dims: dims.to_vec(), data: Data::Floats(values.to_vec()) }
    }

    fn run(node: &NodeProto, c: &[&Constant]) -> Constant {
        evaluate(&node.op_type, node, c).unwrap().unwrap()
    }

    fn node(op: &str) -> NodeProto {
        NodeProto::new(op, "n", &["a", "b", "c"], "y")
    }

    #[test]
    fn weights_are_dequantised_along_their_axis() {
        let x = Constant { dims: vec![2, 2], data: Data::Ints(vec![1, 2, 3, 4]) };
        let (scale, zero) = (floats(&[2], &[2.0, 10.0]), Constant::ints_1d(vec![0, 1]));
        let last = run(&node("DequantizeLinear"), &[&x, &scale, &zero]);
        assert_eq!(last.floats(), [2.0, 10.0, 6.0, 30.0]);
        let first = run(&node("DequantizeLinear").with_int("axis", 0), &[&x, &scale]);
        assert_eq!(first.floats(), [2.0, 4.0, 30.0, 40.0]);
        let all = run(&node("DequantizeLinear"), &[&x, &floats(&[], &[0.5])]);
        assert_eq!(all.floats(), [0.5, 1.0, 1.5, 2.0]);
        let three = floats(&[3], &[1.0; 3]);
        assert!(evaluate("DequantizeLinear", &node("x"), &[&x, &three]).unwrap().is_err());
    }

    #[test]
    fn constants_are_reduced_and_multiplied() {
        let x = floats(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let rows = node("ReduceMean").with_ints("axes", &[-1]).with_int("keepdims", 0);
        let means = run(&rows, &[&x]);
        assert_eq!((means.dims.as_slice(), means.floats()), (&[2][..], vec![2.0, 5.0]));
        let all = run(&node("ReduceL2"), &[&x]);
        assert_eq!(all.dims, [1, 1]);
        assert!((all.floats()[0] - 91f32.sqrt()).abs() < 1e-6);
        let square = run(&node("Gemm").with_int("transB", 1), &[&x, &x]);
        assert_eq!(square.floats(), [14.0, 32.0, 32.0, 77.0]);
        let tiled = run(&node("Tile"), &[&floats(&[2], &[1.0, 2.0]), &Constant::ints_1d(vec![2])]);
        assert_eq!(tiled.floats(), [1.0, 2.0, 1.0, 2.0]);
    }
}
