//! What a network is fed: a picture or an array.

use std::path::Path;

use tacita_protocol::file::read_regular;
use tacita_protocol::plan::{InputSpec, Shape};
use tacita_protocol::{Error, Result};

use crate::npy::check_dims;
use crate::pixels::check_fit;
use crate::tensor::{check_pictures, from_pixels};
use crate::{Array, MAX_IMAGE_BYTES, Pixels};

/// One input of a network.
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    /// A picture.
    Picture(Pixels),
    /// Numbers in the network's own units.
    Array(Array),
}

/// How large a [`Sample`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Columns and rows of a picture.
    Picture(usize, usize),
    /// Sizes of an array.
    Array(Vec<usize>),
}

/// What can be fed to a network.
pub trait Feed {
    /// Tensor 0 in real numbers, CHW order.
    ///
    /// # Errors
    /// [`Error::Input`] if its size or kind is not what the network takes.
    fn normalised(&self, shape: Shape, spec: &InputSpec) -> Result<Vec<f64>>;
}

impl Feed for Pixels {
    fn normalised(&self, shape: Shape, spec: &InputSpec) -> Result<Vec<f64>> {
        check_pictures(shape, spec)?;
        from_pixels(self, shape, spec)
    }
}

impl Feed for Array {
    fn normalised(&self, shape: Shape, spec: &InputSpec) -> Result<Vec<f64>> {
        let arrays = spec.arrays.as_ref().ok_or_else(pictures_alone)?;
        Self::normalised(self, shape, arrays)
    }
}

impl Feed for Sample {
    fn normalised(&self, shape: Shape, spec: &InputSpec) -> Result<Vec<f64>> {
        match self {
            Self::Picture(pixels) => Feed::normalised(pixels, shape, spec),
            Self::Array(array) => Feed::normalised(array, shape, spec),
        }
    }
}

impl From<Pixels> for Sample {
    fn from(pixels: Pixels) -> Self {
        Self::Picture(pixels)
    }
}

impl From<Array> for Sample {
    fn from(array: Array) -> Self {
        Self::Array(array)
    }
}

fn pictures_alone() -> Error {
    Error::input("the plan takes pictures alone: give a PNG or JPEG")
}

/// True for the name of a `.npy` file.
pub fn is_npy(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy"))
}

impl Sample {
    /// Reads a `.npy` file, or a PNG or JPEG file of any other name.
    ///
    /// # Errors
    /// [`Error::Input`] naming the file and what is wrong with it.
    pub fn load(path: &Path) -> Result<Self> {
        if !is_npy(path) {
            return Pixels::load(path).map(Self::Picture);
        }
        let bytes = read_regular(path, MAX_IMAGE_BYTES)?;
        let about = |e| match e {
            Error::Input { what } => Error::input(format!("`{}`: {what}", path.display())),
            e => e,
        };
        Array::decode(&bytes).map(Self::Array).map_err(about)
    }

    /// How large it is.
    pub fn extent(&self) -> Extent {
        match self {
            Self::Picture(p) => Extent::Picture(p.width, p.height),
            Self::Array(a) => Extent::Array(a.dims.clone()),
        }
    }

    /// The picture, if it is one.
    pub const fn picture(&self) -> Option<&Pixels> {
        match self {
            Self::Picture(p) => Some(p),
            Self::Array(_) => None,
        }
    }

    /// A picture at the shape's size, resized if `resize`; arrays stay what they are.
    ///
    /// # Errors
    /// [`Error::Input`] for a picture of another size, if `resize` is false.
    pub fn fit(self, shape: Shape, resize: bool) -> Result<Self> {
        match self {
            Self::Picture(p) => p.fit(shape, resize).map(Self::Picture),
            array @ Self::Array(_) => Ok(array),
        }
    }
}

impl Extent {
    /// Checks that a network takes inputs of this kind and size.
    ///
    /// # Errors
    /// [`Error::Input`] saying what it takes instead.
    pub fn check(&self, shape: Shape, spec: &InputSpec, resize: bool) -> Result<()> {
        match self {
            Self::Picture(width, height) => {
                check_pictures(shape, spec)?;
                check_fit((*width, *height), shape, resize)
            }
            Self::Array(dims) => check_dims(dims, spec.arrays.as_ref().ok_or_else(pictures_alone)?),
        }
    }
}
