//! From a file into a socket inside the kernel (sendfile(2)). The standard library's copy was seen
//! to take the way through the program instead.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// What one call may move; the kernel itself stops at 2 GiB.
const MOST: u64 = 1 << 30;

/// Sends `length` bytes of `file` from `from` on to a socket that waits; the file's own position
/// stays where it is. A file that is shorter is an error, after what there was.
pub(crate) fn send(to: &impl AsFd, file: &File, from: u64, length: u64) -> io::Result<()> {
    let (mut offset, mut left) = (libc::off_t::try_from(from).map_err(io::Error::other)?, length);
    while left > 0 {
        let (socket, count) = (to.as_fd().as_raw_fd(), left.min(MOST) as usize);
        // SAFETY: both descriptors are open, and `offset` is a local that the kernel moves on.
        let sent = unsafe { libc::sendfile(socket, file.as_raw_fd(), &raw mut offset, count) };
        match u64::try_from(sent) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(sent) => left -= sent,
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}
