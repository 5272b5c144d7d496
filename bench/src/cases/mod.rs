//! Kernels with all that they take.

mod lattice;
mod linear;
mod lookup;
mod relu;
mod silent;

pub use lattice::{Keys, Layer, Polynomials, ProductStream};
pub use linear::Conv;
pub use lookup::{LookupSteps, Lookups};
pub use relu::{Gates, Instance, Ots, POSITIONS, Relus, STEPS};
pub use silent::Silent;
