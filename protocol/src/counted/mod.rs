//! Kernels whose instructions `scripts/instructions.py` counts under callgrind.
//!
//! Every ignored test here is one kernel; its name is the kernel's. They live among the unit tests
//! because only there can secret randomness be seeded, so that each run counts the same work.
//! Valgrind emulates neither AVX-512 nor VAES: what is counted is the path for AVX2 and AES-NI,
//! with debug assertions, as the tests are built.

mod lattice;
mod linear;
mod lookup;
mod relu;

use std::hint::black_box;

/// What callgrind counts: all that this calls on its own thread. Not generic, so that exactly one
/// symbol has the name.
#[inline(never)]
fn collect_here(kernel: &mut dyn FnMut()) {
    kernel();
    // The call above must not be a jump: the counting ends when this function returns.
    black_box(());
}

/// Runs a kernel twice on a pool of one thread; the second run is counted.
fn count<R>(mut kernel: impl FnMut() -> R + Send) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        // Tables that are made on first use.
        black_box(kernel());
        collect_here(&mut || {
            black_box(kernel());
        });
    });
}
