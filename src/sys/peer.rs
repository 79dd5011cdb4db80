//! Who is at the other end of a socket of this machine, as the kernel saw it connect (unix(7)).

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use crate::sys::check;

/// The effective user id of the process that connected.
pub(crate) fn user(stream: &UnixStream) -> io::Result<u32> {
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: fills the local struct, whose size is told, and the size.
    check(unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut size,
        )
    })?;
    Ok(peer.uid)
}

/// Our own.
pub(crate) fn own_user() -> u32 {
    // SAFETY: takes nothing and cannot fail (geteuid(2)).
    unsafe { libc::geteuid() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_connects_from_this_process_is_ourselves() {
        let (near, _far) = UnixStream::pair().unwrap();
        assert_eq!(user(&near).unwrap(), own_user());
    }
}
