//! Kernels with all that they take.

mod lattice;
mod linear;
mod relu;

pub use lattice::{Keys, Layer, Polynomials, ProductStream};
pub use linear::Conv;
pub use relu::{Gates, Instance, Ots, POSITIONS, Relus, STEPS};
