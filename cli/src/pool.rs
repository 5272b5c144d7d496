//! The threads that compute.

use tacita_protocol::{Error, Result};

/// Sizes the pool that all heavy computing runs on; by default one thread a core. Freed memory is
/// kept for reuse from here on. Call it once, before any computing.
///
/// # Errors
/// `Local` if the system has no threads left.
pub fn init_compute_pool(threads: Option<usize>) -> Result<()> {
    crate::memory::keep_freed_memory();
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or(0))
        .thread_name(|i| format!("tacita-compute-{i}"))
        .build_global()
        .map_err(|e| Error::local(format!("cannot start the compute threads: {e}")))
}
