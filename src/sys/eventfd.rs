//! A counter in the kernel that `poll` can wait for: how one thread, or a signal handler,
//! wakes another one that waits for descriptors (eventfd(2)).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use crate::sys::{check, own};

#[derive(Debug)]
pub(crate) struct EventFd(OwnedFd);

impl EventFd {
    pub(crate) fn new() -> io::Result<EventFd> {
        // SAFETY: takes two numbers and makes a descriptor.
        own(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) }).map(EventFd)
    }

    /// Makes the descriptor readable. Safe to call inside a signal handler.
    pub(crate) fn add(&self, count: u64) {
        // It fails only for a sum of 2^64 - 1, which needs that many calls without a reader.
        let _ = add(self.0.as_raw_fd(), count);
    }

    /// Waits until something was added, takes it all and returns the sum.
    pub(crate) fn take(&self) -> io::Result<u64> {
        read_count(self.0.as_fd())
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// [`EventFd::add`] for a signal handler, which can only know the number of a descriptor.
pub(super) fn add(fd: libc::c_int, count: u64) -> io::Result<()> {
    // SAFETY: the buffer is a local of eight bytes. On a closed `fd` the kernel says EBADF.
    let written = unsafe { libc::write(fd, (&raw const count).cast(), size_of::<u64>()) };
    if written < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Reads the eight bytes that an eventfd or a timerfd answers with.
pub(super) fn read_count(fd: BorrowedFd<'_>) -> io::Result<u64> {
    let mut count = 0u64;
    loop {
        // SAFETY: the buffer is a local of eight bytes.
        let read = unsafe { libc::read(fd.as_raw_fd(), (&raw mut count).cast(), size_of::<u64>()) };
        match check(read as libc::c_int) {
            Ok(_) => return Ok(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_taken_as_one_sum() {
        let event = EventFd::new().unwrap();
        event.add(2);
        event.add(1 << 40);
        assert_eq!(event.take().unwrap(), 2 + (1 << 40));
    }
}
