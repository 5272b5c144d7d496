//! Linear operators on shares in the clear: the online phase's arithmetic.
//!
//! All values are ring elements (wrapping u64) in CHW order; results are *added* to the output.
//! The server applies convolutions to its shares; both parties apply public operators to theirs.

mod conv;
mod gemm;
mod public;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use conv::conv;
pub use gemm::{Backend, LANES, gemm};
pub use public::{avg_pool, copy};
