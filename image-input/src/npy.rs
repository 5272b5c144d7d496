//! Arrays of numbers: `.npy` files.

use std::io::Read;

use npyz::{DType, Endianness, Order, TypeChar};
use tacita_protocol::plan::{ArraySpec, MAX_ELEMENTS, Shape};
use tacita_protocol::{Error, Result};

use crate::npy_header::npy_header;

type Reason<T> = std::result::Result<T, String>;

/// An array of finite numbers, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its sizes.
    pub dims: Vec<usize>,
    /// Its elements.
    pub values: Vec<f32>,
}

/// Types of elements that are read.
#[derive(Clone, Copy)]
enum Element {
    Byte,
    Float,
    Double,
}

impl Element {
    const fn bytes(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Float => 4,
            Self::Double => 8,
        }
    }

    fn of(dtype: &DType) -> Reason<Self> {
        let unknown = || {
            let name = dtype.descr();
            format!("numbers of type {name}: convert them with x.astype(numpy.float32)")
        };
        let DType::Plain(plain) = dtype else { return Err("it holds records".into()) };
        match (plain.type_char(), plain.size_field(), plain.endianness()) {
            (_, _, Endianness::Big) => Err("its numbers are big-endian".into()),
            (TypeChar::Uint, 1, _) => Ok(Self::Byte),
            (TypeChar::Float, 4, _) => Ok(Self::Float),
            (TypeChar::Float, 8, _) => Ok(Self::Double),
            _ => Err(unknown()),
        }
    }

    fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::Byte => bytes.iter().map(|b| f32::from(*b)).collect(),
            Self::Float => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Self::Double => {
                bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect()
            }
        }
    }
}

impl Array {
    /// An array of these sizes.
    ///
    /// # Errors
    /// [`Error::Input`] if the numbers are not as many, or one is not finite.
    pub fn new(dims: Vec<usize>, values: Vec<f32>) -> Result<Self> {
        let total = dims.iter().try_fold(1usize, |p, d| p.checked_mul(*d));
        if total != Some(values.len()) {
            return Err(Error::input(format!("{} numbers for {dims:?}", values.len())));
        }
        if let Some(at) = values.iter().position(|x| !x.is_finite()) {
            return Err(Error::input(format!(
                "its number {at} is NaN, infinite, or too large for 32 bits"
            )));
        }
        Ok(Self { dims, values })
    }

    /// Decodes the contents of a `.npy` file: float32, float64 or uint8 in row-major order.
    ///
    /// # Errors
    /// [`Error::Input`] if they are no such array, damaged, too large, or hold NaN or infinity.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let about = |why: String| Error::input(format!("not usable as an array: {why}"));
        let mut rest = bytes;
        let (dims, element) = sizes(&mut rest).map_err(about)?;
        let len = dims.iter().product::<usize>() * element.bytes();
        if rest.len() != len {
            let have = rest.len();
            return Err(about(format!("{have} bytes of numbers where its header says {len}")));
        }
        Self::new(dims, element.decode(rest)).map_err(|e| match e {
            Error::Input { what } => about(what),
            e => e,
        })
    }

    /// At most `limit` arrays of `len` elements each that a `.npy` file holds: one, or as many as its
    /// first dimension says.
    ///
    /// # Errors
    /// As [`Self::decode`]; also if its arrays have other sizes.
    pub fn decode_items(bytes: &[u8], len: usize, limit: usize) -> Result<Vec<Self>> {
        let about = |why: String| Error::input(format!("not usable as arrays: {why}"));
        let mut rest = bytes;
        let (dims, element) = header(&mut rest).map_err(about)?;
        let total = dims.iter().try_fold(1usize, |p, d| p.checked_mul(*d));
        let held = total.and_then(|n| n.checked_mul(element.bytes()));
        if held != Some(rest.len()) {
            return Err(about("its length is not what its header says".into()));
        }
        let own = match dims.as_slice() {
            dims if total == Some(len) => dims.to_vec(),
            [_, own @ ..] if own.iter().product::<usize>() == len => own.to_vec(),
            _ => return Err(about(format!("{dims:?}, where the network takes {len} numbers"))),
        };
        let items = rest.chunks(len.max(1).saturating_mul(element.bytes())).take(limit);
        items.map(|item| Self::new(own.clone(), element.decode(item))).collect()
    }

    /// `(x - mean) / std` in the order of the input tensor.
    ///
    /// # Errors
    /// [`Error::Input`] if the sizes are not those that the network takes; sizes of 1 may be left
    /// out or added.
    pub fn normalised(&self, shape: Shape, spec: &ArraySpec) -> Result<Vec<f64>> {
        check_dims(&self.dims, spec)?;
        let (channels, plane) = (shape.channels.max(1), (shape.height * shape.width).max(1));
        let place = |i: usize| match spec.channels_last {
            true => (i % plane) * channels + i / plane,
            false => i,
        };
        let one = |i: usize| {
            let of = |v: &[f32]| v.get(i / plane).copied().map(f64::from);
            let x = self.values.get(place(i)).copied().map(f64::from)?;
            Some((x - of(&spec.mean)?) / of(&spec.std)?)
        };
        let all: Option<Vec<f64>> = (0..shape.len()).map(one).collect();
        all.ok_or_else(|| Error::input("the plan's input is not what its arrays are"))
    }
}

/// Checks an array's sizes, but for those of 1.
pub(crate) fn check_dims(dims: &[usize], spec: &ArraySpec) -> Result<()> {
    let large = |dims: &[usize]| dims.iter().copied().filter(|d| *d != 1).collect::<Vec<_>>();
    if large(dims) == large(&spec.dims) {
        return Ok(());
    }
    Err(Error::input(format!(
        "the array is a {dims:?}, the network takes a {:?} (one input at a time; sizes of 1 may be \
         left out)",
        spec.dims
    )))
}

/// Reads the header of one array.
fn sizes(reader: &mut impl Read) -> Reason<(Vec<usize>, Element)> {
    let (dims, element) = header(reader)?;
    let total = dims.iter().try_fold(1usize, |p, d| p.checked_mul(*d));
    match total {
        Some(n) if (1..=MAX_ELEMENTS).contains(&n) => Ok((dims, element)),
        _ => Err(format!("a {dims:?} is empty or too large")),
    }
}

/// Reads any header.
fn header(reader: &mut impl Read) -> Reason<(Vec<usize>, Element)> {
    let header = npy_header(reader)?;
    let element = Element::of(&header.dtype())?;
    let dims = header.shape().iter().map(|&d| usize::try_from(d).unwrap_or(usize::MAX));
    let dims: Vec<usize> = dims.collect();
    if header.order() != Order::C && dims.iter().filter(|d| **d > 1).count() > 1 {
        return Err("its columns come first (Fortran order): save it with \
             numpy.ascontiguousarray"
            .into());
    }
    Ok((dims, element))
}

/// The contents of a `.npy` file of float32.
pub fn encode_npy(dims: &[usize], values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    let dims: Vec<String> = dims.iter().map(|d| format!("{d},")).collect();
    let header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", dims.join(" "));
    // Magic, version, length and header end at a multiple of 64 bytes.
    let len = (header.len() + 1 + 10).next_multiple_of(64) - 10;
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend(u16::try_from(len).unwrap_or(u16::MAX).to_le_bytes());
    out.extend(format!("{header:<width$}\n", width = len - 1).bytes());
    out.extend(values.into_iter().flat_map(f32::to_le_bytes));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(dims: &[usize], channels: usize) -> ArraySpec {
        ArraySpec {
            dims: dims.to_vec(),
            channels_last: false,
            mean: vec![0.0; channels],
            std: vec![1.0; channels],
        }
    }

    fn why(bytes: &[u8]) -> String {
        Array::decode(bytes).unwrap_err().to_string()
    }

    /// A file with another header.
    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let text = format!("{header:<117}\n");
        [b"\x93NUMPY\x01\x00", &118u16.to_le_bytes()[..], text.as_bytes(), data].concat()
    }

    fn of(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
        file(&header, data)
    }

    #[test]
    fn what_is_written_is_read() {
        for dims in [vec![6], vec![2, 3], vec![1, 3, 2], vec![1, 1, 6, 1]] {
            let values: Vec<f32> = (0..6).map(|i| i as f32 - 2.5).collect();
            let bytes = encode_npy(&dims, values.clone());
            assert_eq!(bytes.len() % 64, 24);
            assert_eq!(Array::decode(&bytes).unwrap(), Array { dims, values });
        }
    }

    #[test]
    fn three_types_are_read() {
        let doubles: Vec<u8> = [0.5f64, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(
            Array::decode(&of("<f8", "False", "(2,)", &doubles)).unwrap().values,
            [0.5, -2.0]
        );
        assert_eq!(
            Array::decode(&of("|u1", "False", "(3,)", b"\0\x01\xff")).unwrap().values,
            [0.0, 1.0, 255.0]
        );
        for (descr, words) in [("<i4", "astype"), (">f4", "big-endian"), ("<f2", "astype")] {
            assert!(why(&of(descr, "False", "(1,)", &[0; 4])).contains(words), "{descr}");
        }
    }

    #[test]
    fn damage_and_bad_numbers_are_named() {
        let good = encode_npy(&[2, 2], [1.0, 2.0, 3.0, 4.0]);
        assert!(why(&good[..good.len() - 1]).contains("15 bytes"));
        assert!(why(&[&good[..], b"x"].concat()).contains("17 bytes"));
        assert!(why(b"P5 3 3").contains("not usable"));
        assert!(why(&encode_npy(&[2], [1.0, f32::NAN])).contains("number 1 is NaN"));
        assert!(why(&encode_npy(&[1], [f32::INFINITY])).contains("infinite"));
        let huge = f64::MAX.to_le_bytes();
        assert!(why(&of("<f8", "False", "(1,)", &huge)).contains("too large for 32 bits"));
        assert!(why(&of("<f4", "True", "(2, 2)", &[0; 16])).contains("Fortran"));
        assert!(Array::decode(&of("<f4", "True", "(1, 4)", &[0; 16])).is_ok());
        for shape in ["(0,)", "(4194304, 2)", "(99999999, 99999999)"] {
            assert!(why(&of("<f4", "False", shape, &[])).contains("empty or too large"), "{shape}");
        }
        assert!(why(&of("<f4", "False", "(9999999999, 9999999999)", &[])).contains("absurd"));
    }

    #[test]
    fn sizes_of_one_do_not_matter() {
        let shape = Shape::new(2, 1, 3);
        let values: Vec<f32> = (0..6).map(|i| i as f32).collect();
        let array = |dims: &[usize]| Array::new(dims.to_vec(), values.clone()).unwrap();
        let spec = spec(&[2, 3], 2);
        for dims in [&[2, 3][..], &[1, 2, 3], &[1, 2, 1, 3]] {
            assert_eq!(array(dims).normalised(shape, &spec).unwrap()[5], 5.0);
        }
        let error = array(&[3, 2]).normalised(shape, &spec).unwrap_err().to_string();
        assert!(error.contains("[3, 2]") && error.contains("takes a [2, 3]"), "{error}");
    }

    #[test]
    fn many_arrays_lie_in_one_file() {
        let bytes = encode_npy(&[3, 2, 2], (0..12).map(|i| i as f32));
        let items = Array::decode_items(&bytes, 4, 2).unwrap();
        assert_eq!((items.len(), &items[1].dims[..]), (2, &[2, 2][..]));
        assert_eq!(items[1].values, [4.0, 5.0, 6.0, 7.0]);
        assert_eq!(Array::decode_items(&bytes, 12, 9).unwrap().len(), 1);
        for (bytes, len) in [(&bytes[..], 6), (&bytes[..bytes.len() - 4], 4)] {
            assert!(Array::decode_items(bytes, len, 9).is_err());
        }
    }

    #[test]
    fn channels_may_be_last() {
        let shape = Shape::new(2, 1, 3);
        let spec = ArraySpec {
            channels_last: true,
            mean: vec![0.0, 10.0],
            std: vec![1.0, 2.0],
            ..spec(&[3, 2], 2)
        };
        let array = Array::new(vec![3, 2], vec![0.0, 10.0, 1.0, 12.0, 2.0, 14.0]).unwrap();
        assert_eq!(array.normalised(shape, &spec).unwrap(), [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
    }
}
