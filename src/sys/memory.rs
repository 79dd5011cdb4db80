//! Memory that was needed once. The C library keeps it for later, which may never come.

/// Gives what is free in the heap back to the system (malloc_trim(3)). Takes a millisecond or so.
pub(crate) fn give_back() {
    // Other C libraries do it by themselves or not at all.
    #[cfg(target_env = "gnu")]
    // SAFETY: takes a number; locks what it looks at.
    unsafe {
        libc::malloc_trim(0);
    }
}
