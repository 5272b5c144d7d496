//! Files of masks: safetensors, or an archive of NumPy arrays.

use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use tacita_image_input::read_limited;
use tacita_protocol::plan::MAX_ELEMENTS;

use super::{names, npy};
use crate::error::{Error, Result};

/// Largest file, in bytes.
const MAX_BYTES: u64 = 512 << 20;
/// Most arrays.
pub(super) const MAX_ARRAYS: usize = 4096;

/// Masks, each an array of zeros and ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskFile {
    /// Name of the file, for people.
    pub source: String,
    /// The arrays: in the order of an archive, or of their names (`act2` before `act10`).
    pub arrays: Vec<MaskArray>,
}

/// One array: 1 keeps the ReLU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskArray {
    /// Name.
    pub name: String,
    /// Dimensions.
    pub dims: Vec<usize>,
    /// The elements, row-major.
    pub relus: Vec<bool>,
}

impl MaskFile {
    /// Reads a file.
    ///
    /// # Errors
    /// As [`Self::from_bytes`], and if it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.file_name().map_or("masks".into(), |n| n.to_string_lossy());
        Self::from_bytes(&name, &read_limited(path, MAX_BYTES)?)
    }

    /// Decodes safetensors or an `npz` archive.
    ///
    /// # Errors
    /// [`Error::Input`] if it is neither, or an array holds anything but zeros and ones.
    pub fn from_bytes(source: &str, bytes: &[u8]) -> Result<Self> {
        let zip = bytes.starts_with(b"PK");
        let arrays = if zip { npy::archive(bytes) } else { safetensors(bytes) };
        let arrays = arrays.map_err(|e| Error::input(format!("{source}: {e}")))?;
        if arrays.is_empty() {
            return Err(Error::input(format!("{source}: it holds no arrays")));
        }
        Ok(Self { source: source.into(), arrays })
    }
}

fn safetensors(bytes: &[u8]) -> std::result::Result<Vec<MaskArray>, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| {
        format!("neither safetensors ({e}) nor an npz archive: save the masks as one of these")
    })?;
    let mut tensors = file.tensors();
    if tensors.len() > MAX_ARRAYS {
        return Err(format!("{} arrays, {MAX_ARRAYS} are possible", tensors.len()));
    }
    tensors.sort_by(|a, b| names::natural(&a.0, &b.0));
    let arrays = tensors.into_iter().map(|(name, view)| {
        let decode = || {
            let element = match view.dtype() {
                Dtype::BOOL | Dtype::U8 | Dtype::I8 => Element::Byte,
                Dtype::I32 => Element::Int32,
                Dtype::I64 => Element::Int64,
                Dtype::F32 => Element::Float32,
                Dtype::F64 => Element::Float64,
                other => return Err(Element::unknown(&format!("{other:?}"))),
            };
            MaskArray::decode(&name, view.shape().to_vec(), element, view.data())
        };
        decode().map_err(|e| format!("`{name}`: {e}"))
    });
    arrays.collect()
}

/// How an element is stored, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Byte,
    Int32,
    Int64,
    Float32,
    Float64,
}

impl Element {
    /// Bytes of one.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Int32 | Self::Float32 => 4,
            Self::Int64 | Self::Float64 => 8,
        }
    }

    /// Why other types are refused.
    pub fn unknown(name: &str) -> String {
        format!("its type is {name}: save it as bool, uint8, int64 or float32")
    }

    fn value(self, bytes: &[u8]) -> Option<f64> {
        match self {
            Self::Byte => bytes.first().map(|b| f64::from(*b)),
            Self::Int32 => bytes.try_into().ok().map(|b| f64::from(i32::from_le_bytes(b))),
            Self::Int64 => bytes.try_into().ok().map(|b| i64::from_le_bytes(b) as f64),
            Self::Float32 => bytes.try_into().ok().map(|b| f64::from(f32::from_le_bytes(b))),
            Self::Float64 => bytes.try_into().ok().map(f64::from_le_bytes),
        }
    }
}

impl MaskArray {
    /// Zeros and ones from the bytes of a file.
    pub(super) fn decode(
        name: &str,
        dims: Vec<usize>,
        element: Element,
        bytes: &[u8],
    ) -> std::result::Result<Self, String> {
        let len = dims.iter().try_fold(1usize, |p, d| p.checked_mul(*d));
        let len = len.filter(|len| *len <= MAX_ELEMENTS).ok_or("it is too large for a mask")?;
        if bytes.len() != len * element.bytes() {
            return Err(format!("{} bytes do not make a {dims:?}", bytes.len()));
        }
        let relus = bytes.chunks(element.bytes()).map(|bytes| match element.value(bytes) {
            Some(0.0) => Ok(false),
            Some(1.0) => Ok(true),
            other => Err(format!(
                "it holds {}: a mask is 0 or 1 everywhere; round it first",
                other.unwrap_or(f64::NAN)
            )),
        });
        Ok(Self { name: name.into(), relus: relus.collect::<std::result::Result<_, _>>()?, dims })
    }
}
