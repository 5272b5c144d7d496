//! Constant tensors: decoding, broadcasting, and the arithmetic that exporters leave on them.

use tacita_onnx::TensorProto;

use super::decode::decode;

/// Why a node is refused; the caller adds which one.
pub(super) type Reason<T> = Result<T, String>;

/// Most elements that broadcasting may produce.
const MAX_ELEMENTS: usize = 1 << 24;

/// A constant of the model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Constant {
    pub dims: Vec<usize>,
    pub data: Data,
}

/// Elements of a constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data {
    Floats(Vec<f32>),
    Ints(Vec<i64>),
}

impl Constant {
    /// Decodes a protobuf tensor, checking that its data fill its shape.
    pub fn from_proto(t: &TensorProto) -> Reason<Self> {
        if t.data_location == 1 {
            return Err("its data lie outside of the model's file, which was not read from a \
                 folder: export into a single file"
                .into());
        }
        let dims = t.dims.iter().map(|&d| usize::try_from(d)).collect::<Result<Vec<_>, _>>();
        let dims = dims.map_err(|_| "it has a negative dimension".to_string())?;
        let data = decode(t)?;
        match count(&dims) {
            Some(n) if n == data.len() => Ok(Self { dims, data }),
            _ => Err(format!("it has {} elements for the shape {dims:?}", data.len())),
        }
    }

    pub fn ints_1d(values: Vec<i64>) -> Self {
        Self { dims: vec![values.len()], data: Data::Ints(values) }
    }

    /// One integer.
    pub fn int(value: i64) -> Self {
        Self { dims: vec![], data: Data::Ints(vec![value]) }
    }

    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Elements as floats.
    pub fn floats(&self) -> Vec<f32> {
        match &self.data {
            Data::Floats(v) => v.clone(),
            Data::Ints(v) => v.iter().map(|&x| x as f32).collect(),
        }
    }

    /// Elements of an integer tensor.
    pub fn ints(&self) -> Reason<&[i64]> {
        match &self.data {
            Data::Ints(v) => Ok(v),
            Data::Floats(_) => Err("it needs integers where it gets floats".into()),
        }
    }

    /// Elements of a vector of exactly `n` finite floats.
    pub fn vector(&self, n: usize) -> Reason<Vec<f32>> {
        let v = self.floats();
        if v.len() != n {
            return Err(format!("it needs {n} values where it gets {}", v.len()));
        }
        self.finite()?;
        Ok(v)
    }

    /// Refuses numbers that are none, or infinite, and says which.
    pub fn finite(&self) -> Reason<()> {
        let Data::Floats(v) = &self.data else { return Ok(()) };
        let Some(first) = v.iter().position(|x| !x.is_finite()) else { return Ok(()) };
        let what =
            if v.get(first).is_some_and(|x| x.is_nan()) { "not a number" } else { "infinite" };
        let mut index = vec![0; self.dims.len()];
        let mut rest = first;
        for (at, d) in index.iter_mut().zip(&self.dims).rev() {
            (*at, rest) = (rest % d.max(&1), rest / d.max(&1));
        }
        let all = v.iter().filter(|x| !x.is_finite()).count();
        Err(format!(
            "of its {} numbers {all} are NaN or infinite (that at {index:?} is {what}): the \
             training diverged, or the file is damaged",
            v.len()
        ))
    }

    /// Elements broadcast to `target`, aligned at the last dimension as in NumPy.
    pub fn broadcast(&self, target: &[usize]) -> Reason<Vec<f32>> {
        let index = broadcast_index(&self.dims, target)?;
        let v = self.floats();
        Ok(index.iter().filter_map(|&i| v.get(i)).copied().collect())
    }

    /// An element-wise operation with broadcasting both ways.
    pub fn zip(&self, other: &Self, op: ElementWise) -> Reason<Self> {
        let dims = joint_dims(&self.dims, &other.dims)?;
        let a = broadcast_index(&self.dims, &dims)?;
        let b = broadcast_index(&other.dims, &dims)?;
        let data = match (&self.data, &other.data) {
            (Data::Ints(x), Data::Ints(y)) => {
                Data::Ints(zip_with(x, &a, y, &b, |x, y| op.int(x, y)))
            }
            _ => Data::Floats(zip_with(&self.floats(), &a, &other.floats(), &b, |x, y| {
                op.float(x, y)
            })),
        };
        Ok(Self { dims, data })
    }

    /// The same elements in another shape.
    pub fn reshaped(&self, dims: Vec<usize>) -> Reason<Self> {
        if count(&dims) != Some(self.len()) {
            return Err(format!("it cannot make a {dims:?} of a {:?}", self.dims));
        }
        Ok(Self { dims, data: self.data.clone() })
    }

    /// The elements at `index`, in another shape.
    pub fn picked(&self, dims: Vec<usize>, index: &[usize]) -> Self {
        let data = match &self.data {
            Data::Floats(v) => {
                Data::Floats(index.iter().filter_map(|&i| v.get(i)).copied().collect())
            }
            Data::Ints(v) => Data::Ints(index.iter().filter_map(|&i| v.get(i)).copied().collect()),
        };
        Self { dims, data }
    }

    /// Every element changed.
    pub fn map(&self, f: impl Fn(f32) -> f32) -> Self {
        let data = Data::Floats(self.floats().into_iter().map(f).collect());
        Self { dims: self.dims.clone(), data }
    }

    /// The only element.
    pub fn scalar(&self) -> Reason<f32> {
        match self.floats().as_slice() {
            [x] if x.is_finite() => Ok(*x),
            [x] => Err(format!("it needs a finite number where it gets {x}")),
            v => Err(format!("it needs one number where it gets {}", v.len())),
        }
    }

    /// Sizes: integers that are not negative.
    pub fn sizes(&self) -> Reason<Vec<usize>> {
        let sizes: Result<Vec<_>, _> = self.ints()?.iter().map(|&d| usize::try_from(d)).collect();
        sizes.map_err(|_| "it needs sizes where it gets a negative number".into())
    }

    /// Rows and columns exchanged.
    pub fn transposed(&self) -> Reason<Self> {
        let &[rows, columns] = self.dims.as_slice() else {
            return Err("it transposes a tensor that is no matrix".into());
        };
        let at: Vec<usize> =
            (0..columns).flat_map(|c| (0..rows).map(move |r| r * columns + c)).collect();
        Ok(self.picked(vec![columns, rows], &at))
    }
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::Floats(v) => v.len(),
            Self::Ints(v) => v.len(),
        }
    }
}

/// Arithmetic on two constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ElementWise {
    Add,
    Sub,
    Mul,
    Div,
    Min,
    Max,
    Pow,
    Equal,
    Less,
    Greater,
}

impl ElementWise {
    fn float(self, x: f32, y: f32) -> f32 {
        match self {
            Self::Add => x + y,
            Self::Sub => x - y,
            Self::Mul => x * y,
            Self::Div => x / y,
            Self::Min => x.min(y),
            Self::Max => x.max(y),
            Self::Pow => x.powf(y),
            Self::Equal => f32::from(x == y),
            Self::Less => f32::from(x < y),
            Self::Greater => f32::from(x > y),
        }
    }

    fn int(self, x: i64, y: i64) -> i64 {
        match self {
            Self::Add => x.wrapping_add(y),
            Self::Sub => x.wrapping_sub(y),
            Self::Mul => x.wrapping_mul(y),
            Self::Div => x.checked_div(y).unwrap_or(0),
            Self::Min => x.min(y),
            Self::Max => x.max(y),
            Self::Pow => x.wrapping_pow(u32::try_from(y).unwrap_or(0)),
            Self::Equal => i64::from(x == y),
            Self::Less => i64::from(x < y),
            Self::Greater => i64::from(x > y),
        }
    }
}

fn zip_with<T: Copy>(x: &[T], a: &[usize], y: &[T], b: &[usize], op: impl Fn(T, T) -> T) -> Vec<T> {
    let pairs = a.iter().zip(b).filter_map(|(&i, &j)| x.get(i).zip(y.get(j)));
    pairs.map(|(&x, &y)| op(x, y)).collect()
}

/// Elements of a tensor; `None` if too many, even without its empty dimensions.
pub(super) fn count(dims: &[usize]) -> Option<usize> {
    let others = dims.iter().try_fold(1usize, |p, d| p.checked_mul((*d).max(1)))?;
    match dims.contains(&0) {
        true => (others <= MAX_ELEMENTS).then_some(0),
        false => Some(others),
    }
}

fn joint_dims(a: &[usize], b: &[usize]) -> Reason<Vec<usize>> {
    let rank = a.len().max(b.len());
    let dim = |d: &[usize], i: usize| {
        (i + d.len()).checked_sub(rank).and_then(|k| d.get(k)).copied().unwrap_or(1)
    };
    let joined = (0..rank).map(|i| match (dim(a, i), dim(b, i)) {
        (1, y) => Ok(y),
        (x, 1) => Ok(x),
        (x, y) if x == y => Ok(x),
        _ => Err(format!("the shapes {a:?} and {b:?} do not broadcast")),
    });
    joined.collect()
}

/// For each element of `target`, the element of `dims` that broadcasting puts there.
pub(super) fn broadcast_index(dims: &[usize], target: &[usize]) -> Reason<Vec<usize>> {
    let misfit = || format!("the shape {dims:?} does not broadcast to {target:?}");
    let lead = target.len().checked_sub(dims.len()).ok_or_else(misfit)?;
    let tail = target.get(lead..).unwrap_or_default();
    if dims.iter().zip(tail).any(|(d, t)| d != t && *d != 1) {
        return Err(misfit());
    }
    if count(target).is_none_or(|n| n > MAX_ELEMENTS) {
        return Err(format!("a constant of shape {target:?} is too large"));
    }
    let mut index = vec![0usize];
    for (i, &t) in target.iter().enumerate() {
        let d = i.checked_sub(lead).and_then(|k| dims.get(k)).copied().unwrap_or(1);
        let step = |base: &usize, k: usize| base * d + if d == 1 { 0 } else { k };
        index = index.iter().flat_map(|base| (0..t).map(move |k| step(base, k))).collect();
    }
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constant(dims: &[usize]) -> Constant {
        let n: usize = dims.iter().product();
        Constant { dims: dims.to_vec(), data: Data::Floats((0..n).map(|x| x as f32).collect()) }
    }

    #[test]
    fn broadcasts_like_numpy() {
        assert_eq!(constant(&[2, 1]).broadcast(&[1, 2, 2]).unwrap(), [0.0, 0.0, 1.0, 1.0]);
        assert_eq!(constant(&[2]).broadcast(&[2, 2]).unwrap(), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(constant(&[]).broadcast(&[1, 3]).unwrap(), [0.0; 3]);
        assert!(constant(&[3]).broadcast(&[2, 2]).is_err());
        assert!(constant(&[1]).broadcast(&[1 << 40, 1 << 40]).is_err());
    }

    #[test]
    fn one_minus_a_mask_broadcasts() {
        let one = Constant { dims: vec![], data: Data::Floats(vec![1.0]) };
        let b = one.zip(&constant(&[1, 2, 1, 1]), ElementWise::Sub).unwrap();
        assert_eq!((b.dims.as_slice(), b.floats()), ([1, 2, 1, 1].as_slice(), vec![1.0, 0.0]));
    }

    #[test]
    fn data_must_fill_the_shape() {
        let t = TensorProto::from_f32("t", &[2, 2], &[1.0; 3]);
        assert!(Constant::from_proto(&t).unwrap_err().contains("3 elements"));
        let t = TensorProto { data_type: 20, ..TensorProto::default() };
        assert!(Constant::from_proto(&t).unwrap_err().contains("element type"));
    }
}
