//! How the allocator treats freed memory.

/// Memory at the top of a heap that is kept for the next allocation, in bytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 256 << 20;
/// Allocations of this many bytes or more go back to the system when freed: the most that glibc
/// takes from a thread's heap.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OWN_MAPPING: libc::c_int = 32 << 20;

/// Has freed memory kept for reuse. The protocol's buffers are megabytes that live for
/// milliseconds; by default each comes as new pages from the system, and clearing those takes as
/// long as garbling into them.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (option, value) in [(libc::M_TRIM_THRESHOLD, KEPT), (libc::M_MMAP_THRESHOLD, OWN_MAPPING)] {
        // SAFETY: mallopt takes any value of these options, and returns 0 for one it refuses, which
        // leaves the default.
        unsafe { libc::mallopt(option, value) };
    }
}
