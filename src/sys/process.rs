//! A process that is no child of ours: a pidfd keeps its number from meaning another one.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use crate::sys::{check, own, poll};

/// Any process, known by its pid.
#[derive(Debug)]
pub(crate) struct Process(OwnedFd);

impl Process {
    /// The process that has this number now.
    pub(crate) fn open(pid: u32) -> io::Result<Process> {
        // SAFETY: takes two numbers.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0u32) };
        own(fd as libc::c_int).map(Process)
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) -> io::Result<()> {
        let (fd, info) = (self.0.as_raw_fd(), std::ptr::null::<libc::siginfo_t>());
        // SAFETY: takes numbers, and a null pointer for the usual details of a signal.
        let sent =
            unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, libc::SIGTERM, info, 0u32) };
        check(sent as libc::c_int).map(drop)
    }

    /// Waits until it has ended, however long that takes.
    pub(crate) fn wait(&self) -> io::Result<()> {
        while !poll::readable([Some(self.0.as_fd())], None)?[0] {}
        Ok(())
    }
}

/// Readable once it has ended.
impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Names the thread that calls; what is over 15 bytes is cut (prctl(2), PR_SET_NAME).
pub(crate) fn name_thread(name: &str) {
    let mut text = [0u8; 16];
    let length = name.len().min(text.len() - 1);
    text[..length].copy_from_slice(&name.as_bytes()[..length]);
    // SAFETY: the kernel reads up to the NUL, which is inside the local.
    unsafe { libc::prctl(libc::PR_SET_NAME, text.as_ptr()) };
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_is_ended_and_its_end_is_seen() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let process = Process::open(child.id()).unwrap();
        process.terminate().unwrap();
        process.wait().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGTERM));
        assert_eq!(process.terminate().unwrap_err().raw_os_error(), Some(libc::ESRCH));
    }
}
