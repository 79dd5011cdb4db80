//! The limit of open descriptors. The daemon raises its own as far as it may, because every run
//! costs it several; its children get the old one back, because limits are inherited and some
//! programs walk through all descriptors that they could have.

use std::io;
use std::sync::OnceLock;

use crate::sys::check;

static BEFORE: OnceLock<libc::rlimit> = OnceLock::new();

/// Raises the soft limit to the hard one, once, at start.
pub(crate) fn raise_open_files() -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: fills the local struct.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    let before = *BEFORE.get_or_init(|| limit);
    let raised = libc::rlimit { rlim_cur: before.rlim_max, ..before };
    // SAFETY: reads the local struct.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) }).map(drop)
}

/// The limit as the daemon found it, if it was raised since.
pub(super) fn open_files_before() -> Option<libc::rlimit> {
    BEFORE.get().copied()
}
