//! From an image file, or an array, to a network's input tensor: the one way that client, compiler and
//! benchmarks share, so that their integers agree bit for bit.
//!
//! A file is read within limits, decoded to 8-bit RGB and turned upright, checked for the network's
//! exact size or resized, normalised per channel, and rounded to fixed point. Files that show less or
//! more than one whole, opaque picture are refused. Arrays (`.npy`) hold numbers in the network's own
//! units.

mod cifar;
mod npy;
mod npy_header;
mod pixels;
mod sample;
mod tensor;
mod whole;

pub use cifar::read_cifar;
pub use npy::{Array, encode_npy};
pub use npy_header::npy_header;
pub use pixels::{MAX_IMAGE_BYTES, Pixels, encode_png};
pub use sample::{Extent, Feed, Sample, is_npy};
pub use tacita_protocol::file::read_limited;
pub use tensor::{check_extent, encode, normalise, tensor};
