//! From an image file to a network's input tensor: the one way that client, compiler and
//! benchmarks share, so that their integers agree bit for bit.
//!
//! A file is read within limits, decoded to 8-bit RGB and turned upright, checked for the network's
//! exact size or resized, normalised per channel, and rounded to fixed point. Files that show less or
//! more than one whole, opaque picture are refused.

mod cifar;
mod pixels;
mod tensor;
mod whole;

pub use cifar::read_cifar;
pub use pixels::{MAX_IMAGE_BYTES, Pixels};
pub use tacita_protocol::file::read_limited;
pub use tensor::{check_size, encode, normalise, tensor};
