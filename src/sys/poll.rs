//! `ppoll(2)` over a few descriptors, with a time-out as fine as the clock.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use crate::sys::check;

/// Waits until one of the descriptors is readable or at its end, or `patience` is over; `None`
/// waits for ever. Answers which of them are; places that hold `None` are not waited for.
/// A signal may end the wait early, as if nothing had happened.
pub(crate) fn readable<const N: usize>(
    fds: [Option<BorrowedFd<'_>>; N],
    patience: Option<Duration>,
) -> io::Result<[bool; N]> {
    // A negative number is passed over by the kernel (poll(2)).
    let mut polled = fds.map(|fd| libc::pollfd {
        fd: fd.map_or(-1, |fd| fd.as_raw_fd()),
        events: libc::POLLIN,
        revents: 0,
    });
    let patience = patience.map(|patience| libc::timespec {
        tv_sec: patience.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: patience.subsec_nanos().into(),
    });
    let patience = patience.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `polled` has N entries and outlives the call, as `patience` does if it is one.
    match check(unsafe {
        libc::ppoll(polled.as_mut_ptr(), N as libc::nfds_t, patience, std::ptr::null())
    }) {
        Ok(_) => Ok(polled.map(|fd| fd.revents != 0)),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok([false; N]),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn data_and_the_end_are_seen_and_silence_times_out() {
        let (silent, _kept) = io::pipe().unwrap();
        let (filled, mut filler) = io::pipe().unwrap();
        let (ended, closed) = io::pipe().unwrap();
        filler.write_all(b"x").unwrap();
        drop(closed);
        let fds = [Some(silent.as_fd()), Some(filled.as_fd()), None, Some(ended.as_fd())];
        assert_eq!(readable(fds, None).unwrap(), [false, true, false, true]);
        assert_eq!(
            readable([Some(silent.as_fd())], Some(Duration::from_micros(10))).unwrap(),
            [false]
        );
    }
}
