//! System calls that the standard library does not offer, each behind a safe type. The only
//! unsafe code of the program lives below here; what is to be done is decided elsewhere.
#![allow(unsafe_code, reason = "the one place for system calls")]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

mod birth;
pub(crate) mod child;
pub(crate) mod clock;
pub(crate) mod cron;
pub(crate) mod epoll;
pub(crate) mod eventfd;
pub(crate) mod fs;
pub(crate) mod group;
pub(crate) mod limits;
pub(crate) mod memory;
pub(crate) mod peer;
pub(crate) mod poll;
pub(crate) mod process;
pub(crate) mod sendfile;
pub(crate) mod session;
pub(crate) mod signals;
pub(crate) mod sqlite;
pub(crate) mod units;

pub(crate) use crate::base::sentence::error_text;

/// What a system call returned, with -1 as the error that it is.
fn check(returned: libc::c_int) -> io::Result<libc::c_int> {
    if returned == -1 { Err(io::Error::last_os_error()) } else { Ok(returned) }
}

/// Takes over the descriptor that a system call has just made.
fn own(returned: libc::c_int) -> io::Result<OwnedFd> {
    let fd: RawFd = check(returned)?;
    // SAFETY: the kernel has just made this descriptor for us; nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Lets a test go without a right that it needs, but not where everything is expected to run.
#[cfg(test)]
pub(crate) fn skip(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "cannot be skipped with CI set: {reason}");
}
