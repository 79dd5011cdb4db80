//! Memory that was needed once, which the C library keeps for later; and whether there is more to
//! be had, because who asks the allocator in vain is ended by it.

use std::io;

/// Gives what is free in the heap back to the system (malloc_trim(3)). Takes a millisecond or so.
pub(crate) fn give_back() {
    // Other C libraries do it by themselves or not at all.
    #[cfg(target_env = "gnu")]
    // SAFETY: takes a number; locks what it looks at.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Whether the system would give so many bytes now. Takes two system calls and touches no page.
pub(crate) fn check_room(bytes: usize) -> io::Result<()> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: asks for fresh memory at no particular place.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping is ours and nobody has seen it.
    unsafe { libc::munmap(start, bytes) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_a_little_and_not_for_everything() {
        check_room(1 << 20).unwrap();
        let refused = check_room(1 << 62).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::ENOMEM));
    }
}
