//! Leaves the terminal behind.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::sys::check;

/// Gives the program a session of its own (setsid(2)), so that it outlives the terminal.
pub(crate) fn own_session(command: &mut Command) {
    // SAFETY: setsid(2) is async-signal-safe, and the closure does nothing else.
    unsafe {
        command.pre_exec(|| check(libc::setsid()).map(|_| ()));
    }
}
