//! Tensors in a pickle of PyTorch: views of storages, which lie outside it.

use crate::import::pickle::{Id, Object, Pickle, Value};
use crate::import::{Parsed, Problem};

/// Most dimensions of a tensor.
const MAX_DIMS: usize = 8;

/// Longest name of a storage: names are copied for every reference to them.
const MAX_KEY: usize = 64;

/// Calls around a tensor (of a parameter, of a subclass) that are seen through.
const MAX_WRAPPERS: usize = 4;

/// Type of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// IEEE 754, 16 bits.
    F16,
    /// The upper half of 32 bits.
    BF16,
    /// IEEE 754, 32 bits.
    F32,
    /// IEEE 754, 64 bits.
    F64,
    /// Unsigned, 8 bits.
    U8,
    /// Signed, 8 bits.
    I8,
    /// Signed, 16 bits.
    I16,
    /// Signed, 32 bits.
    I32,
    /// Signed, 64 bits.
    I64,
    /// One byte, 0 or 1.
    Bool,
}

impl Dtype {
    fn of_storage(class: &str) -> Option<Self> {
        Some(match class {
            "HalfStorage" => Self::F16,
            "BFloat16Storage" => Self::BF16,
            "FloatStorage" => Self::F32,
            "DoubleStorage" => Self::F64,
            "ByteStorage" => Self::U8,
            "CharStorage" => Self::I8,
            "ShortStorage" => Self::I16,
            "IntStorage" => Self::I32,
            "LongStorage" => Self::I64,
            "BoolStorage" => Self::Bool,
            _ => return None,
        })
    }

    /// Bytes of an element.
    pub fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::F16 | Self::BF16 | Self::I16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }
}

/// Elements in a row, outside the pickle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageRef {
    /// Name in the file.
    pub key: String,
    /// Type of the elements.
    pub dtype: Dtype,
    /// How many there are.
    pub count: usize,
    /// First element that tensors count from; only old files have other values than 0.
    pub offset: usize,
}

impl StorageRef {
    /// Length in bytes.
    ///
    /// # Errors
    /// It is beyond the address space.
    pub fn bytes(&self) -> Parsed<usize> {
        let bytes = self.count.checked_mul(self.dtype.size());
        bytes.ok_or_else(|| Problem::new(format!("storage {:?} is too large", self.key)))
    }
}

/// A strided view of a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorRef {
    /// What it views.
    pub storage: StorageRef,
    /// Element of the storage that is its first.
    pub offset: usize,
    /// Length of each dimension; none for a scalar.
    pub dims: Vec<usize>,
    /// Elements of the storage between neighbours in each dimension.
    pub strides: Vec<usize>,
}

/// A tensor of its own, elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each dimension; none for a scalar.
    pub dims: Vec<usize>,
    /// The elements.
    pub data: ArrayData,
}

/// Elements, of a type that holds those of the file exactly.
#[derive(Clone, Debug, PartialEq)]
pub enum ArrayData {
    /// Of 16 or 32 bits, floating point.
    Float(Vec<f32>),
    /// Of 64 bits, floating point.
    Double(Vec<f64>),
    /// Integers and booleans.
    Int(Vec<i64>),
}

impl Array {
    /// The elements, rounded to 32 bits.
    pub fn to_f32(&self) -> Vec<f32> {
        match &self.data {
            ArrayData::Float(data) => data.clone(),
            ArrayData::Double(data) => data.iter().map(|&v| v as f32).collect(),
            ArrayData::Int(data) => data.iter().map(|&v| v as f32).collect(),
        }
    }
}

/// The storage that a persistent value refers to; nothing for any other value.
///
/// # Errors
/// It is of an unknown type, or its description is damaged.
pub fn storage(pickle: &Pickle, id: Id) -> Parsed<Option<StorageRef>> {
    let Value::Persistent(id) = *pickle.value(id) else { return Ok(None) };
    let Some([kind, class, key, _device, count, view @ ..]) = pickle.sequence(id) else {
        return Ok(None);
    };
    if pickle.text(*kind) != Some("storage") {
        return Ok(None);
    }
    let damaged = || Problem::new("the description of a storage is damaged");
    let (_, class) = pickle.global(*class).ok_or_else(damaged)?;
    let dtype = Dtype::of_storage(class);
    let dtype = dtype.ok_or_else(|| Problem::new(format!("elements of type {class:?}")))?;
    let key = pickle.text(*key).filter(|key| key.len() <= MAX_KEY).ok_or_else(damaged)?.to_owned();
    let count = pickle.count(*count).ok_or_else(damaged)?;
    // Until 0.4 a storage could be a view of another: (key, offset, length), or None.
    let view = view.first().and_then(|&view| pickle.sequence(view));
    let offset = view.map_or(Some(0), |view| pickle.count(*view.get(1)?)).ok_or_else(damaged)?;
    Ok(Some(StorageRef { key, dtype, count, offset }))
}

/// The tensor that a value describes; nothing if it describes none.
///
/// # Errors
/// The description is damaged, or of a sparse, quantised or other special tensor.
pub fn tensor(pickle: &Pickle, mut id: Id) -> Parsed<Option<TensorRef>> {
    for _ in 0..MAX_WRAPPERS {
        let Value::Object(Object { class, args, .. }) = *pickle.value(id) else { return Ok(None) };
        let Some((module, mut name)) = pickle.global(class) else { return Ok(None) };
        let Some(mut args) = pickle.sequence(args) else { return Ok(None) };
        // Of a subclass: the function that rebuilds a tensor, the class, its arguments.
        if (module, name) == ("torch._tensor", "_rebuild_from_type_v2") {
            let Some((inner, rest)) = args.split_first() else { return Ok(None) };
            name = pickle.global(*inner).map_or("", |(_, name)| name);
            args = rest.get(1).and_then(|&args| pickle.sequence(args)).unwrap_or_default();
        } else if module != "torch._utils" {
            return Ok(None);
        }
        match name {
            "_rebuild_tensor" | "_rebuild_tensor_v2" => return view(pickle, args).map(Some),
            "_rebuild_parameter" | "_rebuild_parameter_with_state" => match args.first() {
                Some(&inner) => id = inner,
                None => return Ok(None),
            },
            name if name.starts_with("_rebuild") => {
                return Err(Problem::new(format!("a tensor of a special kind ({name:?})")));
            }
            _ => return Ok(None),
        }
    }
    Err(Problem::new("a tensor is wrapped too deep"))
}

fn view(pickle: &Pickle, args: &[Id]) -> Parsed<TensorRef> {
    let damaged = || Problem::new("the description of a tensor is damaged");
    let [base, offset, dims, strides, ..] = args else { return Err(damaged()) };
    let storage = storage(pickle, *base)?.ok_or_else(damaged)?;
    let counts = |id: &Id| -> Option<Vec<usize>> {
        let items = pickle.sequence(*id).filter(|items| items.len() <= MAX_DIMS)?;
        items.iter().map(|&item| pickle.count(item)).collect()
    };
    let dims = counts(dims).ok_or_else(damaged)?;
    let strides = counts(strides).ok_or_else(damaged)?;
    let offset = pickle.count(*offset).and_then(|offset| offset.checked_add(storage.offset));
    let tensor = TensorRef { storage, offset: offset.ok_or_else(damaged)?, dims, strides };
    tensor.check()?;
    Ok(tensor)
}

impl TensorRef {
    /// Checks that the tensor lies in its storage; gives its number of elements.
    ///
    /// # Errors
    /// It does not.
    pub fn check(&self) -> Parsed<usize> {
        let outside = || Problem::new(format!("a tensor leaves storage {:?}", self.storage.key));
        if self.dims.len() != self.strides.len() {
            return Err(outside());
        }
        if self.dims.contains(&0) {
            return Ok(0);
        }
        let (mut count, mut last) = (1_usize, self.offset);
        for (&dim, &stride) in self.dims.iter().zip(&self.strides) {
            count = count.checked_mul(dim).ok_or_else(outside)?;
            let step = (dim - 1).checked_mul(stride).ok_or_else(outside)?;
            last = last.checked_add(step).ok_or_else(outside)?;
        }
        if last < self.storage.count { Ok(count) } else { Err(outside()) }
    }

    /// The elements, out of the bytes of the storage.
    pub(super) fn array(&self, bytes: &[u8]) -> Parsed<Array> {
        if bytes.len() < self.storage.bytes()? {
            return Err(Problem::new(format!("storage {:?} is cut short", self.storage.key)));
        }
        let data = match self.storage.dtype {
            Dtype::F16 => ArrayData::Float(self.gather(bytes, |b| half(u16::from_le_bytes(b)))?),
            Dtype::BF16 => ArrayData::Float(
                self.gather(bytes, |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16))?,
            ),
            Dtype::F32 => ArrayData::Float(self.gather(bytes, f32::from_le_bytes)?),
            Dtype::F64 => ArrayData::Double(self.gather(bytes, f64::from_le_bytes)?),
            Dtype::U8 => ArrayData::Int(self.gather(bytes, |[b]| i64::from(b))?),
            Dtype::Bool => ArrayData::Int(self.gather(bytes, |[b]| i64::from(b != 0))?),
            Dtype::I8 => ArrayData::Int(self.gather(bytes, |b| i64::from(i8::from_le_bytes(b)))?),
            Dtype::I16 => ArrayData::Int(self.gather(bytes, |b| i64::from(i16::from_le_bytes(b)))?),
            Dtype::I32 => ArrayData::Int(self.gather(bytes, |b| i64::from(i32::from_le_bytes(b)))?),
            Dtype::I64 => ArrayData::Int(self.gather(bytes, i64::from_le_bytes)?),
        };
        Ok(Array { dims: self.dims.clone(), data })
    }

    /// Reads the elements in row-major order, `N` bytes each.
    fn gather<T, const N: usize>(&self, bytes: &[u8], read: fn([u8; N]) -> T) -> Parsed<Vec<T>> {
        let count = self.check()?;
        let mut out = Vec::with_capacity(count);
        let mut index = vec![0; self.dims.len()];
        let mut at = self.offset;
        while out.len() < count {
            let element = at.checked_mul(N).and_then(|start| bytes.get(start..));
            let element = element.and_then(|rest| rest.first_chunk::<N>());
            let cut = || Problem::new(format!("a tensor leaves storage {:?}", self.storage.key));
            out.push(read(*element.ok_or_else(cut)?));
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at += self.strides[axis];
                if index[axis] < self.dims[axis] {
                    break;
                }
                at -= self.dims[axis] * self.strides[axis];
                index[axis] = 0;
            }
        }
        Ok(out)
    }
}

/// A half-precision number.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    match exponent {
        0 => sign * fraction * 2_f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1024.0 + fraction) * 2_f32.powi(exponent - 25),
    }
}
