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

/// Lets go of the pages of the program itself that are in memory, most of which only a start needs:
/// a daemon that idles afterwards is a third smaller. What is used again comes from the page cache.
pub(crate) fn forget_start() {
    // SAFETY: the function is called with what dl_iterate_phdr(3) describes, and keeps none of it.
    unsafe { libc::dl_iterate_phdr(Some(forget_program), std::ptr::null_mut()) };
    // The peak of the start, too: a child has our memory until it executes its program, and what
    // the kernel calls its peak begins with ours (proc_pid_clear_refs(5)). Not everybody may.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// For the first object, which is the program; a value that is not 0 ends the iteration.
unsafe extern "C" fn forget_program(
    info: *mut libc::dl_phdr_info,
    _: usize,
    _: *mut libc::c_void,
) -> libc::c_int {
    // SAFETY: valid for the time of the call, and so are its headers.
    let (base, headers) = unsafe {
        let info = &*info;
        let headers = std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum));
        (info.dlpi_addr as usize, headers)
    };
    for header in headers {
        // What could ever be written holds more than the file does, such as relocated addresses.
        if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_W != 0 {
            continue;
        }
        let start = (base + header.p_vaddr as usize) & !(PAGE - 1);
        let end = base + (header.p_vaddr + header.p_memsz) as usize;
        // SAFETY: a mapping of the program's own file that nobody can write to: each page of it is
        // read from there again when it is next needed.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) };
    }
    1
}

/// What addresses are rounded to; larger pages only give back less.
const PAGE: usize = 4096;

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
    fn a_program_goes_on_after_it_let_go_of_itself() {
        forget_start();
        let text: String = (0..1000).map(|n: i32| n.to_string()).collect();
        assert_eq!(text.len(), 10 + 180 + 2700);
    }

    #[test]
    fn there_is_room_for_a_little_and_not_for_everything() {
        check_room(1 << 20).unwrap();
        let refused = check_room(1 << 62).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::ENOMEM));
    }
}
