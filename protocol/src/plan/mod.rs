//! The compiled network.

mod shape;

pub use shape::{ConvShape, Shape};
