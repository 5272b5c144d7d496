//! Keeping freed memory.
//!
//! Every training step frees and allocates the same hundreds of megabytes. By default glibc
//! gives them back to the system in between, and the kernel clears them again: that is most of
//! the system time of a run.

/// Has the allocator keep what is freed. Without effect where the C library is not glibc.
pub fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const LARGE: libc::c_int = 1 << 30;
        // SAFETY: mallopt only sets parameters of the allocator; it is called before any other
        // thread runs.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
            libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE);
        }
    }
}
