//! The protocol's kernels at work: what `tacita-bench profile`, `tacita-bench kernels` and the
//! criterion benches measure, each through the protocol's own functions.

pub mod cases;
pub mod meter;
