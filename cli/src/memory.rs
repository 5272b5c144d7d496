//! How the allocator treats freed memory.

/// Memory at the top of a heap that is kept for the next allocation, in bytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 256 << 20;
/// Allocations of this many bytes or more go back to the system when freed: the most that glibc
/// takes from a thread's heap.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OWN_MAPPING: libc::c_int = 32 << 20;
/// Threads that compute, for each heap: few enough not to wait for one another.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const SHARERS: usize = 4;

/// Has freed memory kept for reuse. The protocol's buffers are megabytes that live for
/// milliseconds; by default each comes as new pages from the system, and clearing those takes as
/// long as garbling into them.
///
/// Kept memory serves only threads of the same heap. The heaps are few, so that a server whose
/// session threads come and go keeps what all sessions need together, and not for each heap what
/// its busiest moment once took: with glibc's eight heaps a core, a server under load grew by a
/// third in minutes, and to more than twice the memory (`tacita-bench abuse`).
#[cfg_attr(
    not(all(target_os = "linux", target_env = "gnu")),
    expect(unused_variables, reason = "only glibc has these options")
)]
pub fn keep_freed_memory(computing_threads: usize) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let heaps = computing_threads.div_ceil(SHARERS).max(1);
        let heaps = libc::c_int::try_from(heaps).unwrap_or(libc::c_int::MAX);
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
