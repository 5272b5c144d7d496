//! The threads that compute.

use rayon::ThreadPoolBuilder;
use tacita_protocol::compute::Compute;
use tacita_protocol::{Error, Result};

/// How much less urgent offline work is than the rest of the program, as a `nice` value: where both
/// want a core it gets a quarter. Not the least there is: other programs on the machine must not
/// bring it to a standstill.
const OFFLINE_NICE: i32 = 5;

/// Sizes the pool that all heavy computing runs on; by default one thread a core. Call it once,
/// before any computing.
///
/// # Errors
/// `Local` if the system has no threads left.
pub fn init_compute_pool(threads: Option<usize>) -> Result<()> {
    ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or(0))
        .thread_name(|i| format!("tacita-compute-{i}"))
        .build_global()
        .map_err(no_threads)
}

/// As many threads again for the tickets of all sessions, of lower priority where the system lets
/// us.
///
/// # Errors
/// As [`init_compute_pool`].
pub fn offline_compute(threads: Option<usize>) -> Result<Compute> {
    ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or(0))
        .thread_name(|i| format!("tacita-offline-{i}"))
        .start_handler(|_| lower_priority(OFFLINE_NICE))
        .build()
        .map(Compute::new)
        .map_err(no_threads)
}

fn no_threads(e: impl std::fmt::Display) -> Error {
    Error::local(format!("cannot start the compute threads: {e}"))
}

/// Makes this thread, and those that it starts, less urgent by a `nice` value (Linux; elsewhere
/// nothing happens). If the system refuses, it stays as urgent as it was: that only shares the cores
/// in another way.
pub fn lower_priority(by: i32) {
    #[cfg(target_os = "linux")]
    // SAFETY: takes and returns numbers; on Linux, it is about the calling thread alone.
    unsafe {
        libc::nice(by);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = by;
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn nice() -> libc::c_int {
        // SAFETY: takes and returns numbers; on Linux, process 0 is the calling thread alone.
        unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
    }

    #[test]
    fn one_thread_becomes_less_urgent_and_no_other() {
        let before = nice();
        let lowered = std::thread::spawn(|| {
            lower_priority(OFFLINE_NICE);
            nice()
        });
        assert_eq!(lowered.join().unwrap(), (before + OFFLINE_NICE).min(19));
        assert_eq!(nice(), before);
    }
}
