//! How much a pipe holds (pipe(7), Pipe capacity).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::sys::check;

/// Has a pipe hold so many bytes or a little more. The error is EPERM above the limits of
/// `/proc/sys/fs/pipe-max-size` and `pipe-user-pages-soft`; then it stays as it is.
pub(crate) fn grow(pipe: BorrowedFd<'_>, bytes: usize) -> io::Result<()> {
    let bytes = libc::c_int::try_from(bytes).map_err(io::Error::other)?;
    // SAFETY: takes numbers only.
    check(unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETPIPE_SZ, bytes) }).map(drop)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_pipe_holds_what_it_was_told_to_hold() {
        let (reader, writer) = io::pipe().unwrap();
        grow(reader.as_fd(), 256 << 10).unwrap();
        // SAFETY: takes numbers only.
        let bytes = check(unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_GETPIPE_SZ) });
        assert_eq!(bytes.unwrap(), 256 << 10);
        grow(reader.as_fd(), usize::MAX).unwrap_err();
    }
}
