//! What the kernel counts memory and time of processes in (sysconf(3)).

/// Bytes of a page.
pub(crate) fn page_bytes() -> u64 {
    constant(libc::_SC_PAGESIZE, 4096)
}

/// Ticks of the clock in `/proc/PID/stat`.
pub(crate) fn ticks_per_second() -> u64 {
    constant(libc::_SC_CLK_TCK, 100)
}

fn constant(name: libc::c_int, otherwise: u64) -> u64 {
    // SAFETY: takes a number and gives one.
    let value = unsafe { libc::sysconf(name) };
    u64::try_from(value).ok().filter(|value| *value > 0).unwrap_or(otherwise)
}
