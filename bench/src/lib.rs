//! The protocol's kernels at work: what `tacet-bench profile`, `tacet-bench kernels` and the
//! criterion benches measure, each through the protocol's own functions.

pub mod cases;
pub mod meter;
