//! How the allocator treats freed memory.

/// Memory at the top of a heap that is kept for the next allocation, in bytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 256 << 20;
/// Allocations of this many bytes or more go back to the system when freed: the most that glibc
/// takes from a thread's heap.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OWN_MAPPING: libc::c_int = 32 << 20;
/// Cores for each heap: so few that threads seldom wait for one another.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const SHARERS: usize = 4;

/// Has freed memory kept for reuse. The protocol's buffers are megabytes that live for
/// milliseconds; by default each comes as new pages from the system, and clearing those takes as
/// long as garbling into them.
///
/// Kept memory serves only threads of the same heap. The heaps are few, so that a server whose
/// session threads come and go keeps what all sessions need together, and not for each heap what
/// its busiest moment once took: with glibc's eight heaps a core, a server under load grew by a
/// third in minutes, and to more than twice the memory (`tacita-bench abuse`). Heaps that threads
/// have already are not taken from them: call it before any starts.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let heaps = libc::c_int::try_from(cores.div_ceil(SHARERS)).unwrap_or(libc::c_int::MAX);
        let options = [
            (libc::M_TRIM_THRESHOLD, KEPT),
            (libc::M_MMAP_THRESHOLD, OWN_MAPPING),
            (libc::M_ARENA_MAX, heaps),
        ];
        for (option, value) in options {
            // SAFETY: mallopt takes any value of these options, and returns 0 for one it refuses,
            // which leaves the default.
            unsafe { libc::mallopt(option, value) };
        }
    }
}

/// Gives what is free back to the system, but for what a program keeps at the top of its heap. A
/// thread that allocates meanwhile waits: about 0.1 s for a gigabyte.
pub fn return_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim takes any number; it only releases pages that no allocation holds.
    unsafe {
        libc::malloc_trim(KEPT as libc::size_t);
    }
}
